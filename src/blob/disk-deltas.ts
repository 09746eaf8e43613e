/** Deltas of one upload in the disk engine: decoded, checked and compressed to blocks on workers, once there is much of it. */
import { PlaitError } from '../core/errors.ts';
import type { Kind } from '../core/hash.ts';
import type { DeltaInput, ObjectRef } from './contract.ts';
import type { DecodedFrame } from './delta.ts';
import { DeltaIntake } from './delta-intake.ts';
import { LooseObjects } from './loose-objects.ts';
import { absent } from './object-reader.ts';
import type { DeltaRun, DeltaWorkers } from './work/delta.ts';
import { BlockEncoder, buildBlock, type RawBlock } from './work/encode-block.ts';
import type { ChunkPlace } from './work/extract-types.ts';
import { INLINE_BYTES } from './work/limits.ts';
import { listPieces } from './work/pieces.ts';
import type { Runner } from './work/protocol.ts';

export interface DiskDeltasParts {
  runner: () => Runner;
  workers: () => DeltaWorkers;
  has(kind: Kind, ids: Uint8Array): Uint8Array;
  /** From wherever it is; throws `blob-absent`, `integrity`. */
  read(kind: Kind, id: Uint8Array): Uint8Array;
  /** Where it lies in a pack; throws `blob-absent`. */
  locate(ref: ObjectRef): ChunkPlace;
  append(block: Uint8Array): void;
}

export class DiskDeltas {
  readonly loose: LooseObjects;
  readonly #parts: DiskDeltasParts;
  readonly #intake: DeltaIntake;
  readonly #run: DeltaRun = { worker: 0, left: 0 };
  #encoder: BlockEncoder | undefined;
  /** What came decoded, with its bases. */
  #bytes = 0;

  constructor(parts: DiskDeltasParts) {
    this.#parts = parts;
    this.loose = new LooseObjects(parts.append, (block) => this.#encode(block));
    this.#intake = new DeltaIntake({
      has: parts.has,
      read: (kind, id) => readable(() => parts.read(kind, id)),
      keep: (kind, objects) => this.loose.add(kind, objects),
      decode: (delta, bytes) => this.#decode(delta, bytes),
    });
  }

  add(delta: DeltaInput): Promise<ObjectRef[]> {
    return this.#intake.add(delta);
  }

  async #decode(delta: DeltaInput, bytes: number): Promise<DecodedFrame | undefined> {
    this.#bytes += bytes;
    if (this.#isLittle) return undefined;
    const base = () => listPieces(delta.kind, delta.base, (ref) => this.#locate(ref));
    try {
      return await this.#parts.workers().decode(delta, bytes, base, this.#run);
    } catch (error) {
      // What cannot be read there is tried here: its pack may have moved, or it lies in none yet.
      if (error instanceof PlaitError && (error.code === 'blob-absent' || error.code === 'integrity')) return undefined;
      throw error;
    }
  }

  #encode(block: RawBlock): Uint8Array | Promise<Uint8Array> {
    if (this.#isLittle) return buildBlock(block);
    this.#encoder ??= new BlockEncoder(this.#parts.runner());
    return this.#encoder.encode(block);
  }

  /** Most uploads are: a worker takes 30 ms to start. */
  get #isLittle(): boolean {
    return this.#bytes <= INLINE_BYTES;
  }

  #locate(ref: ObjectRef): ChunkPlace {
    if (this.loose.find(ref.kind, ref.id)) throw absent(ref.kind, ref.id);
    return this.#parts.locate(ref);
  }
}

/** As a base, what cannot be read is as good as absent: its targets come plainly. */
function readable(read: () => Uint8Array): Uint8Array | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PlaitError && (error.code === 'blob-absent' || error.code === 'integrity')) return undefined;
    throw error;
  }
}
