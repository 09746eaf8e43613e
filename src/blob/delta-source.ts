/** Where the objects of a delta lie, for one reader: neighbours in a tree are neighbours in packs. */
import { PlaitError } from '../core/errors.ts';
import { KIND } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { ChunkPlaces } from './chunk-places.ts';
import type { BasePiece, ObjectRef } from './contract.ts';
import type { IndexDb } from './index-db.ts';
import { absent } from './object-reader.ts';
import { packPath } from './pack-scan.ts';
import type { DeltaEncoder } from './work/delta.ts';
import type { ChunkPlace } from './work/extract-types.ts';

export class DeltaSource {
  readonly #volset: VolsetId;
  readonly #index: IndexDb;
  readonly #packsDir: string;
  readonly #encoder: () => DeltaEncoder;
  #chunks: ChunkPlaces | undefined;

  constructor(volset: VolsetId, index: IndexDb, packsDir: string, encoder: () => DeltaEncoder) {
    this.#volset = volset;
    this.#index = index;
    this.#packsDir = packsDir;
    this.#encoder = encoder;
  }

  async encode(targets: ObjectRef[], base: BasePiece[]): Promise<Uint8Array | undefined> {
    try {
      return await this.#encoder().encode(targets, base, this.#locate);
    } catch (error) {
      if (!(error instanceof PlaitError) || ENDS.has(error.code)) throw error;
      // gc may have moved what a directory that is held here says: look everything up once more.
      this.#chunks = undefined;
      return this.#encoder().encode(targets, base, this.#locate);
    }
  }

  #locate = ({ kind, id }: ObjectRef): ChunkPlace => {
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
