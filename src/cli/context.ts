/**
 * The composition root: what one run of a command works with. Stores, workers and peers are opened when they are first
 * asked for, by dynamic import, so that a light command pays for nothing that it does not use.
 */
import { relative, resolve } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { DEFAULT_MAX_DELETE } from '../core/guards.ts';
import { keyOfText, type PathKey } from '../core/paths.ts';
import { type Reporter, silentReporter } from '../core/reporter.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { Engine, MetaEngine } from '../sync/engine.ts';
import type { ConfigStore } from './config-store.ts';
import type { Io } from './io.ts';
import type { Located } from './open-engine.ts';
import type { ProgressMode } from './reporter/select.ts';
import { parsePercent } from './units.ts';

interface Opened {
  located: Located;
  meta: MetaStore;
}

/** Where the user stands: known before any setting is read, since settings are in the store. */
export interface Place {
  /** Absolute: -C, or the current folder. */
  dir: string;
  /** Absolute: --store, if given. */
  store?: string;
}

/** The global flags after environment, config and defaults. */
export interface Options {
  json: boolean;
  quiet: boolean;
  progress: ProgressMode;
  lockWaitMs: number;
  /** Of the run, from its start. */
  deadlineMs?: number;
}

export const DEFAULT_OPTIONS: Options = { json: false, quiet: false, progress: 'auto', lockWaitMs: 60_000 };

export class Context implements AsyncDisposable {
  readonly io: Io;
  readonly place: Place;
  readonly signal: AbortSignal;
  options: Options = DEFAULT_OPTIONS;
  reporter: Reporter = silentReporter;
  #closers: (() => void | Promise<void>)[] = [];
  #opened: Opened | undefined;

  constructor(io: Io, place: Place, signal: AbortSignal) {
    this.io = io;
    this.place = place;
    this.signal = signal;
  }

  /** A path as the user typed it, from where the user stands. */
  path(text: string): string {
    return resolve(this.place.dir, text);
  }

  /** The settings of the store in reach; undefined without a store. */
  async findConfig(): Promise<ConfigStore | undefined> {
    const opened = await this.#findOpened();
    return opened && (await import('./store-config.ts')).storeConfig(opened.meta, opened.located.store);
  }

  /** The opened store, with the working directory the user stands in and a way to its peers. Opened once. */
  async engine(options: { volset?: string } = {}): Promise<Engine> {
    const { openEngine } = await import('./open-engine.ts');
    return openEngine(this, await this.metaEngine(options));
  }

  /** The same without blobs, which cost a light command more than its own work. */
  async metaEngine(options: { volset?: string } = {}): Promise<MetaEngine> {
    const { openMetaEngine, requireLocated } = await import('./open-engine.ts');
    const located = requireLocated(this);
    const { meta } = (await this.#findOpened()) ?? (await this.#open(located));
    const config = (await import('./store-config.ts')).storeConfig(meta, located.store).read();
    return openMetaEngine(this, located, { ...options, meta, config });
  }

  /** Guard of `snapshot`, which has no flag for it, and of others without theirs: PLAIT_MAX_DELETE, else the config key max-delete, else 50 %. */
  async maxDelete(): Promise<number> {
    const env = this.io.env.PLAIT_MAX_DELETE;
    if (env) return percentFrom(env, 'PLAIT_MAX_DELETE');
    const kept = (await this.findConfig())?.read()['max-delete'];
    return kept === undefined ? DEFAULT_MAX_DELETE : percentFrom(kept, 'config key max-delete');
  }

  /** Path in a snapshot, as a user names it: from its root, whatever the current folder. */
  snapshotPath(text: string): PathKey {
    return keyOfText(
      text
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/'),
    );
  }

  /** Paths after `--`: from the current folder, as a shell completes them; from the root where that is no volume. */
  treePaths(engine: Pick<Engine, 'volume'>, paths: string[]): PathKey[] {
    const root = engine.volume?.state.dir;
    return paths.map((path) => {
      if (root === undefined) return this.snapshotPath(path);
      const inside = relative(root, this.path(path));
      if (inside.startsWith('..')) {
        throw new PlaitError('usage', `${path} lies outside the working directory ${root}`);
      }
      return this.snapshotPath(inside);
    });
  }

  preserve(text: string | undefined): ('owner' | 'suid')[] {
    const parts = text === undefined ? [] : text.split(',').map((part) => part.trim());
    const unknown = parts.filter((part) => part !== 'owner' && part !== 'suid');
    if (unknown.length > 0) {
      throw new PlaitError('usage', `--preserve knows no ${unknown.join(', ')}`, {
        hint: 'write owner, suid, or both',
      });
    }
    return parts as ('owner' | 'suid')[];
  }

  async #findOpened(): Promise<Opened | undefined> {
    if (this.#opened) return this.#opened;
    const { locate } = await import('./open-engine.ts');
    const located = locate(this);
    if (!located) return undefined;
    const { isStore } = await import('../sync/store.ts');
    return isStore(located.store) ? this.#open(located) : undefined;
  }

  async #open(located: Located): Promise<Opened> {
    const [{ openMeta }, { storeOptions }] = await Promise.all([
      import('../sync/store.ts'),
      import('./open-engine.ts'),
    ]);
    const meta = openMeta(located.store, storeOptions(this));
    this.onClose(() => meta[Symbol.dispose]());
    this.#opened = { located, meta };
    return this.#opened;
  }

  /** The next one to ask gets a store opened anew, with the options as they are now. */
  reopen(): void {
    this.#opened?.meta[Symbol.dispose]();
    this.#opened = undefined;
  }

  async readConfig(): Promise<ConfigStore> {
    const config = await this.findConfig();
    if (config) return config;
    throw new PlaitError('no-store', 'no store here: settings are kept in a store', {
      hint: 'go into a working directory, name one with -C DIR or a store with --store DIR, or make one with `plait init`',
    });
  }

  /** Something to be closed at the end of the run, last opened first, whatever happened. */
  onClose(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}

function percentFrom(text: string, origin: string): number {
  try {
    return parsePercent(text);
  } catch (cause) {
    throw new PlaitError('bad-config', `bad value in ${origin}: ${(cause as Error).message}`, {
      hint: 'write it like 50%',
      cause,
    });
  }
}
