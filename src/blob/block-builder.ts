/** Groups objects of one kind into blocks of about 1 MiB raw. Add while it `fits`, encode when `full` or at the end. */
import { constants, zstdCompressSync } from 'node:zlib';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind } from '../core/hash.ts';
import { BLOCK_HEADER, BLOCK_MAGIC, blockCrc, TABLE_ROW } from './block.ts';
import {
  BLOCK_MAX_OBJECTS,
  BLOCK_MAX_RAW,
  BLOCK_TARGET,
  CODEC,
  FORMAT_VERSION,
  MAX_OBJECT,
  ZSTD_LEVEL,
} from './format.ts';

/** Most transfers after the first send little: a builder begins small and grows once. */
const FIRST_ROOM = 64 * 1024;
const PROBE_MIN = 256 * 1024;
const PROBE_PIECES = 4;
const PROBE_PIECE = 16 * 1024;
/** Compression must save at least 1/32, or the block is stored raw: cheaper to read for ever after. */
const worthwhile = (stored: number, raw: number): boolean => stored < raw - raw / 32;

/** zstd of `raw`, or undefined where that does not pay. */
function compress(raw: Uint8Array): Buffer | undefined {
  if (raw.length >= PROBE_MIN && !worthwhile(probe(raw), PROBE_PIECES * PROBE_PIECE)) return undefined;
  const packed = zstdCompressSync(raw, {
    // Room for the worst case (ZSTD_compressBound) lets zstd compress in one pass without copying its input.
    chunkSize: raw.length + (raw.length >>> 8) + 1024,
    pledgedSrcSize: raw.length,
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
  });
  return worthwhile(packed.length, raw.length) ? packed : undefined;
}

const sample = Buffer.alloc(PROBE_PIECES * PROBE_PIECE);

/** Compressed size of four pieces from all over the data, at the fastest level: tells random bytes in 0.1 ms. */
function probe(raw: Uint8Array): number {
  for (let n = 0; n < PROBE_PIECES; n++) {
    const from = Math.floor(((raw.length - PROBE_PIECE) / (PROBE_PIECES - 1)) * n);
    sample.set(raw.subarray(from, from + PROBE_PIECE), n * PROBE_PIECE);
  }
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  const packed = zstdCompressSync(sample, { chunkSize: sample.length + 1024, params });
  const { length } = packed;
  (packed.buffer as ArrayBuffer).transfer(0);
  return length;
}

export class BlockBuilder {
  readonly kind: Kind;
  rawLength = 0;
  count = 0;
  readonly #target: number;
  /** Raw bytes that a block of chunks needs at most. */
  readonly #room: number;
  #raw: Buffer;
  #table: Buffer;

  constructor(kind: Kind, target: number = BLOCK_TARGET) {
    this.kind = kind;
    this.#target = Math.min(target, BLOCK_MAX_RAW);
    this.#room = Math.min(BLOCK_MAX_RAW, this.#target + MAX_OBJECT[KIND.chunk]);
    this.#raw = Buffer.allocUnsafe(Math.min(this.#room, FIRST_ROOM));
    this.#table = Buffer.allocUnsafe(64 * TABLE_ROW);
  }

  /** Time to encode: the block is as large as blocks are meant to be. */
  get full(): boolean {
    return this.rawLength >= this.#target || this.count >= BLOCK_MAX_OBJECTS;
  }

  /** False when an object of this length would break a limit of the format: encode first. */
  fits(length: number): boolean {
    return this.count < BLOCK_MAX_OBJECTS && this.rawLength + length <= BLOCK_MAX_RAW;
  }

  /** Copies `bytes`. `id` is trusted to be their hash. */
  add(id: Uint8Array, bytes: Uint8Array): void {
    if (bytes.length < 1 || bytes.length > MAX_OBJECT[this.kind] || !this.fits(bytes.length)) {
      throw new PlaitError('unexpected', `An object of ${bytes.length} bytes does not fit a block.`);
    }
    this.#reserve(bytes.length);
    this.#raw.set(bytes, this.rawLength);
    this.#table.writeUInt32LE(bytes.length, this.count * TABLE_ROW);
    this.#table.set(id, this.count * TABLE_ROW + 4);
    this.rawLength += bytes.length;
    this.count++;
  }

  /** The encoded block in memory of its own; the builder is empty afterwards. */
  encode(): Buffer {
    const raw = this.#raw.subarray(0, this.rawLength);
    const packed = compress(raw);
    const payload = packed ?? raw;
    const tableLength = this.count * TABLE_ROW;
    const out = Buffer.allocUnsafeSlow(BLOCK_HEADER + tableLength + payload.length);
    out.writeUInt32LE(BLOCK_MAGIC, 0);
    out[4] = FORMAT_VERSION;
    out[5] = this.kind;
    out[6] = packed ? CODEC.zstd : CODEC.raw;
    out[7] = 0;
    out.writeUInt32LE(this.count, 8);
    out.writeUInt32LE(this.rawLength, 12);
    out.writeUInt32LE(payload.length, 16);
    out.set(this.#table.subarray(0, tableLength), BLOCK_HEADER);
    out.set(payload, BLOCK_HEADER + tableLength);
    // Output of the compressor, up to 1 MiB: freed now, or a worker holds dozens of them until its next big collection.
    // A small one lies in Buffer's pool, which others share.
    if (packed && raw.length >= Buffer.poolSize) (packed.buffer as ArrayBuffer).transfer(0);
    out.writeUInt32LE(blockCrc(out), 20);
    this.rawLength = 0;
    this.count = 0;
    return out;
  }

  #reserve(length: number): void {
    const raw = this.rawLength + length;
    if (raw > this.#raw.length) this.#raw = grown(this.#raw, raw, raw <= this.#room ? this.#room : BLOCK_MAX_RAW);
    const table = (this.count + 1) * TABLE_ROW;
    if (table > this.#table.length) this.#table = grown(this.#table, table, BLOCK_MAX_OBJECTS * TABLE_ROW);
  }
}

function grown(old: Buffer, need: number, limit: number): Buffer {
  const next = Buffer.allocUnsafe(Math.min(limit, Math.max(need, old.length * 2)));
  next.set(old);
  return next;
}
