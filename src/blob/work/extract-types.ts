/** Messages of the extract tasks, and what the main thread needs to plan them. */
import type { FileTarget } from '../../core/files.ts';
import type { PathKey } from '../../core/paths.ts';

/** Where a chunk lies. */
export interface ChunkPlace {
  /** Path of the pack file. */
  pack: string;
  /** Offset of the block in the pack. */
  block: number;
  /** Offset of the chunk in the block's raw data. */
  raw: number;
}

export interface Locator {
  /** `id`: 32 raw bytes of a chunk. Undefined: it is not here. */
  find(id: Uint8Array): ChunkPlace | undefined;
  /** Packs have gone: what is remembered of them may be wrong. */
  forget?(): void;
}

/** Extents with the places of those that are no holes. */
export interface PlacedExtents {
  /** As ExtentsWriter writes them. */
  extents: Uint8Array;
  packs: string[];
  /** Three numbers per chunk: index into packs, block, raw. */
  places: Float64Array;
}

export interface ExtractUnit extends PlacedExtents {
  session: number;
  root: string;
  tempDir: string;
  paths: PathKey[];
  /** Number of the first place of each file. */
  firstPlaces: Uint32Array;
  /** Where each file's extents end. */
  extentEnds: Uint32Array;
  /** TargetColumns. */
  targets: ArrayBuffer;
}

export interface ExtractedUnit {
  /** One per file: 1 = written. */
  written: Uint8Array;
  /** StatColumns. */
  stats: ArrayBuffer;
  failures: Record<number, { errno?: string; message: string; gone?: true }>;
}

/** A part of a big file, written through a descriptor that the main thread holds (threads share descriptors). */
export interface RangeUnit extends PlacedExtents {
  session: number;
  fd: number;
  position: number;
}

const FIELDS = 6;

/** What targets say beside path and content, 48 bytes each. */
export class TargetColumns {
  readonly buffer: ArrayBuffer;
  readonly #numbers: Float64Array;
  readonly #signed: BigInt64Array;

  constructor(countOrBuffer: number | ArrayBuffer) {
    this.buffer = typeof countOrBuffer === 'number' ? new ArrayBuffer(countOrBuffer * FIELDS * 8) : countOrBuffer;
    this.#numbers = new Float64Array(this.buffer);
    this.#signed = new BigInt64Array(this.buffer);
  }

  set(index: number, target: Omit<FileTarget, 'path' | 'content'>): void {
    const at = index * FIELDS;
    this.#numbers[at] = target.size;
    this.#numbers[at + 1] = target.mode;
    this.#numbers[at + 2] = target.uid ?? -1;
    this.#numbers[at + 3] = target.gid ?? -1;
    this.#numbers[at + 4] = target.fresh === true ? 1 : 0;
    this.#signed[at + 5] = target.mtime;
  }

  /** The content is not needed where the bytes are at hand. */
  get(index: number, path: PathKey): FileTarget {
    const at = index * FIELDS;
    const [size, mode, uid, gid, fresh] = this.#numbers.subarray(at, at + 5);
    const target: FileTarget = {
      path,
      size,
      mode,
      mtime: this.#signed[at + 5],
      content: { extents: new Uint8Array(0) },
    };
    if (uid >= 0) target.uid = uid;
    if (gid >= 0) target.gid = gid;
    if (fresh === 1) target.fresh = true;
    return target;
  }
}
