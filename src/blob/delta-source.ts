/** Where the objects of a delta lie, for one reader: neighbours in a tree are neighbours in packs. */
import { PlaitError } from '../core/errors.ts';
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { ChunkPlaces } from './chunk-places.ts';
import type { BasePiece, ObjectRef } from './contract.ts';
import type { IndexDb } from './index-db.ts';
import { absent } from './object-reader.ts';
import { packPath } from './pack-scan.ts';
import type { DeltaRun, DeltaWorkers } from './work/delta.ts';
import type { ChunkPlace } from './work/extract-types.ts';

export class DeltaSource {
  readonly #volset: VolsetId;
  readonly #index: IndexDb;
  readonly #packsDir: string;
  readonly #workers: () => DeltaWorkers;
  readonly #run: DeltaRun = { worker: 0, left: 0 };
  #chunks: ChunkPlaces | undefined;

  constructor(volset: VolsetId, index: IndexDb, packsDir: string, workers: () => DeltaWorkers) {
    this.#volset = volset;
    this.#index = index;
    this.#packsDir = packsDir;
    this.#workers = workers;
  }

  async encode(targets: ObjectRef[], base: BasePiece[]): Promise<Uint8Array | undefined> {
    try {
      return await this.#workers().encode(targets, base, this.locate, this.#run);
    } catch (error) {
      if (!(error instanceof PlaitError) || ENDS.has(error.code)) throw error;
      // gc may have moved what a directory that is held here says: look everything up once more.
      this.#chunks = undefined;
      return this.#workers().encode(targets, base, this.locate, this.#run);
    }
  }

  /** Throws `blob-absent`. */
  locate = ({ kind, id }: ObjectRef): ChunkPlace => {
    if (kind === KIND.chunk) {
      this.#chunks ??= new ChunkPlaces(this.#volset, this.#index, this.#packsDir);
      const found = this.#chunks.find(id);
      if (found) return found;
    }
    const found = this.#index.find(this.#volset, kind, id);
    if (!found) throw absent(kind, id);
    return { pack: packPath(this.#packsDir, found.place.volset, found.place.pack), block: found.block, raw: found.raw };
  };
}

/** Nothing that another look helps against. */
const ENDS = new Set(['interrupted', 'unexpected', 'blob-absent']);
