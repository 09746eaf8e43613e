/**
 * Length of a zstd frame, by walking its block headers (RFC 8878, section 3.1.1). Node's decompressor silently skips
 * skippable frames and whatever follows a frame, and its `info` counts those bytes as consumed; a payload must be
 * exactly one frame, so that equal checks by everyone see equal bytes.
 */
/** Memory that a frame may ask a reader for; all objects are far smaller. */
const MAX_WINDOW = 8 * 1024 * 1024;
const MAGIC = 0xfd2fb528;

export type Frame = { length: number } | { fault: string };

const fault = (what: string): Frame => ({ fault: what });

/** Bytes of Frame_Content_Size by its flag; flag 0 has one byte in single-segment frames only. */
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** Little-endian value of 0, 1, 2, 4 or 8 bytes; beyond 2^48 it is inexact, which is past every limit anyway. */
function contentSize(bytes: Uint8Array): number {
  let value = 0;
  for (let n = bytes.length - 1; n >= 0; n--) value = value * 256 + bytes[n];
  return bytes.length === 2 ? value + 256 : value;
}

/** `rawLength`: what the block declares; a content size in the frame must say the same (it sizes the reader's window). */
export function frameAt(payload: Uint8Array, rawLength: number): Frame {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload.length < 6 || view.getUint32(0, true) !== MAGIC) return fault('no zstd frame');
  const descriptor = payload[4];
  const singleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x03) !== 0) return fault('a zstd frame with a dictionary');
  if ((descriptor & 0x08) !== 0) return fault('a zstd frame with a reserved bit set');
  let at = 5;
  if (!singleSegment) {
    const window = payload[at++];
    const base = 2 ** (10 + (window >> 3));
    if (base + (base / 8) * (window & 7) > MAX_WINDOW) return fault('a zstd window above the limit');
  }
  const flag = descriptor >> 6;
  const sizeBytes = flag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[flag];
  if (at + sizeBytes > payload.length) return fault('a truncated zstd frame');
  if (sizeBytes > 0 && contentSize(payload.subarray(at, at + sizeBytes)) !== rawLength) {
    return fault('a zstd frame of another size than declared');
  }
  at += sizeBytes;
  for (let last = false; !last; ) {
    if (at + 3 > payload.length) return fault('a truncated zstd frame');
    const header = payload[at] | (payload[at + 1] << 8) | (payload[at + 2] << 16);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    if (type === 3) return fault('a zstd block of reserved type');
    at += 3 + (type === 1 ? 1 : header >>> 3);
  }
  if ((descriptor & 0x04) !== 0) at += 4;
  return at > payload.length ? fault('a truncated zstd frame') : { length: at };
}
