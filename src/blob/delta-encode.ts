/** Makes the frame of a delta; src/blob/delta.ts reads it. Synchronous: runs on workers. */
import { constants, zstdCompressSync } from 'node:zlib';
import { MAX_DELTA_BASE, MAX_DELTA_PIECES, MAX_DELTA_RAW, MAX_DELTA_TARGETS } from '../core/delta-limits.ts';
import { KIND } from '../core/hash.ts';
import type { BasePiece, ObjectRef } from './contract.ts';

/**
 * Of chunks and of nodes. Higher ones find hardly more and take 15 times as long; nodes are mostly ids, in which there
 * is nothing to be found.
 */
const LEVEL = { [KIND.chunk]: 9, [KIND.node]: 3 } as const;
/** Beginning of a trained dictionary: zstd would take the bytes for one. */
const TRAINED = Buffer.from([0x37, 0xa4, 0x30, 0xec]);
/** A frame below this share of the raw bytes is no doubt smaller than without a base. */
const SURE = 1 / 16;
/** What a frame must save against plain compression to be worth a second look-up and decoding. */
const WORTH = 0.9;

const compress = (raw: Uint8Array, level: number, dictionary?: Uint8Array): Buffer =>
  zstdCompressSync(raw, {
    chunkSize: 16 * 1024,
    pledgedSrcSize: raw.length,
    ...(dictionary && { dictionary }),
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      // Who decodes knows the size, and the ids are the checksum.
      [constants.ZSTD_c_contentSizeFlag]: 0,
      [constants.ZSTD_c_checksumFlag]: 0,
    },
  });

/** Undefined where it gains nothing against plain compression, or zstd does not take these bytes as a dictionary. */
export function encodeFrame(kind: 0 | 1, raw: Uint8Array, dictionary: Uint8Array): Buffer | undefined {
  if (dictionary.length < 8 || TRAINED.equals(dictionary.subarray(0, TRAINED.length))) return undefined;
  const frame = compress(raw, LEVEL[kind], dictionary);
  if (frame.length < raw.length * SURE) return frame;
  // What does not compress lies raw in a block, and no frame may be longer than what it holds.
  const plain = Math.min(raw.length, compress(raw, LEVEL[KIND.node]).length);
  return frame.length < plain * WORTH ? frame : undefined;
}

/** Whether a frame of these could be within the limits, as far as can be told before anything is read. */
export const withinCounts = (targets: ObjectRef[], base: BasePiece[]): boolean =>
  targets.length > 0 &&
  targets.length <= MAX_DELTA_TARGETS &&
  base.length > 0 &&
  base.length <= MAX_DELTA_PIECES &&
  base.reduce((sum, { length }) => sum + length, 0) <= MAX_DELTA_BASE;

export const tooLong = (raw: number): boolean => raw > MAX_DELTA_RAW;
