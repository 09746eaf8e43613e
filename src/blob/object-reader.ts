/** Reads verified objects out of packs by way of the index; decoded blocks and nodes are cached within bounds. */
import { PlaitError } from '../core/errors.ts';
import { hex, KIND, type Kind, objectHash } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { type KeptBlock, keptBlock } from './block.ts';
import { memoryOf, OpenFiles, WeightedCache } from './caches.ts';
import type { IndexDb, Location } from './index-db.ts';
import { readBlockAt } from './pack.ts';
import { packPath } from './pack-scan.ts';

const NODE_CACHE_BYTES = 16 * 1024 * 1024;

/** How often an object is looked up whose pack gc took away meanwhile. */
const TRIES = 4;

export const absent = (kind: Kind, id: Uint8Array): PlaitError =>
  new PlaitError('blob-absent', `The ${KIND_NAMES[kind]} ${hex(id)} is not in this store.`, {
    hint: "Get the snapshot's data with `plait pull --snapshot REF`; if it should be here, see `plait verify`.",
    data: { kind, id: hex(id) },
  });

const KIND_NAMES: Record<Kind, string> = {
  0: 'chunk',
  1: 'manifest node',
  2: 'snapshot body',
  3: 'generation',
  4: 'state',
};

export class ObjectReader {
  readonly #index: IndexDb;
  readonly #packsDir: string;
  readonly #files = new OpenFiles();
  readonly #blocks: WeightedCache<KeptBlock>;
  readonly #nodes = new WeightedCache<Uint8Array>(NODE_CACHE_BYTES, (node) => node.length + 128);

  constructor(index: IndexDb, packsDir: string, blockCacheBytes: number) {
    this.#index = index;
    this.#packsDir = packsDir;
    this.#blocks = new WeightedCache(blockCacheBytes, ({ raw }) => memoryOf(raw));
  }

  /** Bytes with the right hash; do not change them. Throws `blob-absent` or `integrity`. */
  read(volset: VolsetId, kind: Kind, id: Uint8Array): Uint8Array {
    const key = kind === KIND.node ? volset + hex(id) : undefined;
    const cached = key && this.#nodes.get(key);
    if (cached) return cached;
    const bytes = this.#readStored(volset, kind, id);
    if (!key) return bytes;
    // A copy: a view would keep its whole block alive.
    const copy = Uint8Array.from(bytes);
    this.#nodes.set(key, copy);
    return copy;
  }

  #readStored(volset: VolsetId, kind: Kind, id: Uint8Array): Uint8Array {
    const { found, value: block } = this.#withLocation(volset, kind, id, (location) => this.#open(location));
    const bytes = block.raw.subarray(found.raw, found.raw + found.length);
    if (block.kind === kind && objectHash(kind, bytes).equals(id)) return bytes;
    throw this.#damaged(found, `${KIND_NAMES[kind]} ${hex(id)} has other bytes than its id says`);
  }

  /** Encoded block that the location names, as it lies in the pack. */
  encodedBlock(location: Location): Buffer {
    try {
      return readBlockAt(this.#fileOf(location), location.block);
    } catch (error) {
      throw this.#explained(error, location);
    }
  }

  /** Verified in its checksum, not in its objects' hashes. */
  #open(location: Location): KeptBlock {
    const key = `${location.place.volset}${location.place.pack}${location.block}`;
    const cached = this.#blocks.get(key);
    if (cached) return cached;
    try {
      const block = keptBlock(readBlockAt(this.#fileOf(location), location.block));
      this.#blocks.set(key, block);
      return block;
    } catch (error) {
      throw this.#explained(error, location);
    }
  }

  /** gc removes index rows first and pack files later: who misses a file looks the object up once more. */
  #withLocation<T>(
    volset: VolsetId,
    kind: Kind,
    id: Uint8Array,
    use: (location: Location) => T,
  ): { found: Location; value: T } {
    for (let tries = 1; ; tries++) {
      const found = this.#index.find(volset, kind, id);
      if (!found) throw absent(kind, id);
      try {
        return { found, value: use(found) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        if (tries >= TRIES) throw this.#damaged(found, 'its file is missing');
      }
    }
  }

  #fileOf(location: Location): number {
    return this.#files.open(packPath(this.#packsDir, location.place.volset, location.place.pack));
  }

  #explained(error: unknown, location: Location): unknown {
    if (!(error instanceof PlaitError) || error.code === 'format') return error;
    return this.#damaged(location, `the block at byte ${location.block} cannot be read`, error);
  }

  #damaged({ place }: Location, what: string, cause?: unknown): PlaitError {
    return new PlaitError('integrity', `Pack ${place.pack} is damaged: ${what}.`, {
      hint: 'Run plait verify --read-data to see all that is affected; fetch it again from a remote.',
      data: { volset: place.volset, pack: place.pack },
      ...(cause === undefined ? {} : { cause }),
    });
  }

  close(): void {
    this.#files.closeAll();
  }
}
