/**
 * Where the chunks of a checkout lie. Neighbours in path order are neighbours in packs, so after a few look-ups in the
 * index the pack's own directory answers for the rest of it, from memory, at a tenth of the cost.
 */
import { PlaitError } from '../core/errors.ts';
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { idAt } from './block.ts';
import { IdSet } from './id-set.ts';
import type { IndexDb } from './index-db.ts';
import { readDirectory, withFile } from './pack.ts';
import { packPath } from './pack-scan.ts';
import type { ChunkPlace, Locator } from './work/extract-types.ts';

/** Look-ups in one pack that make its directory worth reading: it costs about as much as a thousand of them. */
const WORTH_READING = 256;
/** Directories held; each is at most about 11 MiB. */
const MAX_HELD = 2;

const BLOCK = 0;
const RAW = 1;

interface Held {
  path: string;
  chunks: IdSet;
}

export class ChunkPlaces implements Locator {
  readonly #volset: VolsetId;
  readonly #index: IndexDb;
  readonly #packsDir: string;
  /** Used last first. */
  #held: Held[] = [];
  /** Look-ups by path of pack; below zero = its directory cannot be used. */
  readonly #lookups = new Map<string, number>();

  constructor(volset: VolsetId, index: IndexDb, packsDir: string) {
    this.#volset = volset;
    this.#index = index;
    this.#packsDir = packsDir;
  }

  find(id: Uint8Array): ChunkPlace | undefined {
    for (let n = 0; n < this.#held.length; n++) {
      const { path, chunks } = this.#held[n];
      const row = chunks.row(id);
      if (row < 0) continue;
      if (n > 0) this.#held.unshift(...this.#held.splice(n, 1));
      return { pack: path, block: chunks.get(row, BLOCK), raw: chunks.get(row, RAW) };
    }
    return this.#lookUp(id);
  }

  forget(): void {
    this.#held = [];
    this.#lookups.clear();
  }

  #lookUp(id: Uint8Array): ChunkPlace | undefined {
    const found = this.#index.find(this.#volset, KIND.chunk, id);
    if (!found) return undefined;
    const { place, block, raw } = found;
    const path = packPath(this.#packsDir, place.volset, place.pack);
    // Of another volset's pack only the objects that were borrowed are this one's.
    if (place.volset === this.#volset) this.#count(path, place.pack);
    return { pack: path, block, raw };
  }

  #count(path: string, pack: string): void {
    const lookups = (this.#lookups.get(path) ?? 0) + 1;
    this.#lookups.set(path, lookups);
    if (lookups !== WORTH_READING) return;
    // If it is needed again after it was dropped, it is read again after as many look-ups.
    this.#lookups.delete(path);
    const chunks = this.#readChunks(path, pack);
    if (chunks) this.#held = [{ path, chunks }, ...this.#held].slice(0, MAX_HELD);
    else this.#lookups.set(path, Number.NEGATIVE_INFINITY);
  }

  /** Undefined where it cannot be read: the index answers then, and whoever reads the blocks says what is wrong. */
  #readChunks(path: string, pack: string): IdSet | undefined {
    try {
      const { blocks } = withFile(path, (fd) => readDirectory(fd, this.#volset, pack));
      const chunks = new IdSet(2);
      for (const block of blocks) {
        if (block.kind !== KIND.chunk) continue;
        for (let n = 0; n < block.count; n++) {
          const id = idAt(block, n);
          chunks.add(id);
          const row = chunks.row(id);
          chunks.set(row, BLOCK, block.offset);
          chunks.set(row, RAW, block.offsets[n]);
        }
      }
      return chunks;
    } catch (error) {
      if (error instanceof PlaitError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
      throw error;
    }
  }
}
