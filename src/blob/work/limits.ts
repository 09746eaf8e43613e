/** Sizes that bound the memory of all work in flight. Bytes unless said otherwise. */
const MiB = 1024 * 1024;

/** Files above this are cut into segments that all workers share. */
export const BIG_FILE = 16 * MiB;
export const SEGMENT = 8 * MiB;
/** A batch of small files is closed at this many bytes or files. */
export const BATCH_BYTES = MiB;
export const BATCH_FILES = 256;
/** Tasks that a worker may have at a time: one runs, one waits, so that none idles. */
export const TASKS_PER_WORKER = 2;
/** Raw bytes that all tasks in flight may hold; one task alone may exceed it. */
export const BYTES_IN_FLIGHT = 40 * MiB;
/** Work up to this much is done on the calling thread: starting a worker takes 30 ms. */
export const INLINE_BYTES = MiB;
export const INLINE_FILES = 64;
/** Extract: files above this are written by several workers, in ranges of about RANGE. */
export const PARALLEL_FILE = 32 * MiB;
export const RANGE = 8 * MiB;
/** Extract: files that are put in pack order together. */
export const PLAN_FILES = 8192;
export const PLAN_BYTES = 256 * MiB;
