/**
 * One use of the stat cache: what is found out goes into a delta file beside it, which becomes part of the cache only
 * when the caller says which tree it belongs to. While nothing moves, nothing is written.
 */
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';
import { removeFile } from '../disk/files.ts';
import type { BaseEntries, Volume } from './contract.ts';
import {
  type BaseCursor,
  CacheReader,
  CacheWriter,
  checkCache,
  EntriesCursor,
  FLAG,
  type KeptStat,
  mergeCaches,
  moveCache,
} from './stat-cache.ts';

export const CACHE_NAME = 'stat.cache';
const NOTHING = new Uint8Array(0);

/** The next comparison reads every file. */
export const forgetStats = (stateDir: string): void => removeFile(join(stateDir, CACHE_NAME));

export interface Base {
  open: () => BaseCursor;
  /** True where the cache file holds the base; else entries come from the manifest, without stats. */
  cached: boolean;
  root: NodeId | undefined;
}

/** The base of a volume with the stats of its cache, if that belongs to `root` (default: the volume's base). */
export function openBase(volume: Volume, entries: BaseEntries, root = volume.state.baseRoot): Base {
  const path = join(volume.stateDir, CACHE_NAME);
  const held = root === null ? undefined : checkCache(path);
  if (held !== undefined && held === root) return { open: () => new CacheReader(path), cached: true, root: held };
  return { open: () => new EntriesCursor(entries), cached: false, root: undefined };
}

/** `looksOnly` writes nothing: for a comparison beside a command that holds the volume, whose files these are. */
export class CacheSession {
  readonly base: Base;
  readonly #looksOnly: boolean;
  readonly #dir: string;
  readonly #deltaPath: string;
  #delta: CacheWriter | undefined;
  #ended = false;

  constructor(stateDir: string, base: Base, { looksOnly = false } = {}) {
    this.base = base;
    this.#looksOnly = looksOnly;
    this.#dir = stateDir;
    this.#deltaPath = join(stateDir, 'stat.delta');
  }

  get moved(): boolean {
    return this.#delta !== undefined;
  }

  put(path: PathKey, flags: number, stat: KeptStat | undefined, entry: Uint8Array): void {
    if (!this.#looksOnly) this.#writer().put(path, flags, stat, entry);
  }

  remove(path: PathKey): void {
    if (this.#looksOnly) return;
    // Without a cache below it the delta is the whole new cache, and holds no gaps.
    if (this.base.cached) this.#writer().put(path, FLAG.deleted, undefined, NOTHING);
  }

  /** No more records follow. */
  endDelta(): void {
    // An empty tree without a cache still needs one, so that the next scan has a base.
    if (!this.base.cached && !this.#looksOnly) this.#writer();
    this.#delta?.finish(null);
    this.#ended = true;
  }

  abandon(): void {
    if (!this.#ended) this.#delta?.abandon();
    else if (!this.#looksOnly) removeFile(this.#deltaPath);
    this.#delta = undefined;
  }

  /** Makes base and delta the cache for `root`. */
  keep(root: NodeId): void {
    if (this.#looksOnly) throw new PlaitError('unexpected', 'a comparison that only looks has no cache to keep');
    if (this.#delta === undefined && this.base.root === root) return;
    const temp = new CacheWriter(join(this.#dir, 'stat.new'));
    try {
      this.#combine(temp);
      temp.finish(root);
    } catch (error) {
      temp.abandon();
      throw error;
    }
    moveCache(temp.path, join(this.#dir, CACHE_NAME));
    removeFile(this.#deltaPath);
    this.#delta = undefined;
  }

  #combine(to: CacheWriter): void {
    const old = this.base.cached ? (this.base.open() as CacheReader) : undefined;
    const delta = this.#delta === undefined ? undefined : new CacheReader(this.#deltaPath);
    try {
      if (old && delta) mergeCaches(old, delta, to);
      else for (const from = old ?? delta!; from.next(); ) to.copy(from.record());
    } finally {
      old?.close();
      delta?.close();
    }
  }

  #writer(): CacheWriter {
    this.#delta ??= new CacheWriter(this.#deltaPath);
    return this.#delta;
  }
}
