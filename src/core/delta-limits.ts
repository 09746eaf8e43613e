/** Limits of one zstd frame of a delta, for whoever makes or reads one. docs/protocol.md, "Deltas of data". Bytes. */
const KiB = 1024;

/** Dictionary. Senders stop at 192 KiB (a larger one costs more than it saves) unless one chunk alone needs more. */
export const MAX_DELTA_BASE = 512 * KiB;
/** What a frame decodes to. */
export const MAX_DELTA_RAW = KiB * KiB;
/** Objects in a frame, and pieces of its dictionary. */
export const MAX_DELTA_TARGETS = 4096;
export const MAX_DELTA_PIECES = 4096;
