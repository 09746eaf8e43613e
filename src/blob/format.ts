/**
 * Numbers of the on-disk format of blocks and packs (docs/design.md, "Blocks, packs and index"). A change of any of
 * them that readers notice needs a new FORMAT_VERSION. All integers are little-endian, all sizes in bytes.
 */
import { KIND, type Kind } from '../core/hash.ts';

export const FORMAT_VERSION = 1;

const KiB = 1024;
const MiB = 1024 * KiB;

/** Raw or zstd, what a block's payload is. */
export const CODEC = { raw: 0, zstd: 1 } as const;
export type Codec = (typeof CODEC)[keyof typeof CODEC];

export const ID_BYTES = 32;

/** Writers close a block once it holds this much raw data or this many objects. */
export const BLOCK_TARGET = MiB;
/** Readers refuse blocks with more raw bytes or more objects. */
export const BLOCK_MAX_RAW = 4 * MiB;
export const BLOCK_MAX_OBJECTS = 16_384;
/** A payload is never longer than its raw data (the codec would be raw). */
export const BLOCK_MAX_BYTES = 24 + 36 * BLOCK_MAX_OBJECTS + BLOCK_MAX_RAW;

/** Largest object of each kind; the smallest is 1 byte. */
export const MAX_OBJECT: Record<Kind, number> = {
  [KIND.chunk]: 256 * KiB,
  [KIND.node]: MiB,
  [KIND.snapshot]: MiB,
  [KIND.generation]: BLOCK_MAX_RAW,
  [KIND.state]: BLOCK_MAX_RAW,
};

export const ZSTD_LEVEL = 3;

/** Writers seal a pack at this size or number of objects (the latter bounds what a writer keeps in memory). */
export const PACK_TARGET = 32 * MiB;
export const PACK_TARGET_OBJECTS = 65_536;
/** Readers refuse longer packs and directories. */
export const PACK_MAX_BYTES = 512 * MiB;
export const DIRECTORY_MAX_BYTES = 64 * MiB;
/** `log.open` becomes a pack at this size. */
export const LOG_TARGET = 16 * MiB;
