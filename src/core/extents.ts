/**
 * A file's bytes as a sequence of extents. One extent is `varint(length << 1 | hole)`, followed, unless it is a hole,
 * by the chunk's 32 raw id bytes. Two holes never stand side by side: they are one, longer hole.
 */
import type { Extent } from './entry.ts';
import { ByteReader, malformed, varintSize, writeVarint } from './varint.ts';

/** Largest chunk, and the unit of holes: a hole stands for whole all-zero chunks of this size. */
export const MAX_CHUNK = 262_144;
/** Longer lists are a tree of their own. */
export const INLINE_EXTENTS = 64;
/** Largest file, so that `length << 1 | 1` stays an exact number. */
export const MAX_FILE = 2 ** 52 - 1;
/** Longest encoding of one extent. */
export const MAX_EXTENT_BYTES = 40;

/** Why an extent is not legal, or undefined. */
export function extentFault(extent: Extent): string | undefined {
  const { length, id } = extent;
  if (!Number.isSafeInteger(length) || length <= 0 || length > MAX_FILE) return 'an extent has an impossible length';
  if (id === undefined) return length % MAX_CHUNK === 0 ? undefined : 'a hole is not a multiple of the largest chunk';
  if (id.length !== 32) return 'a chunk id has the wrong length';
  return length <= MAX_CHUNK ? undefined : 'a chunk is too long';
}

/** Checks each extent and merges neighbouring holes. */
export function* normalExtents(extents: Iterable<Extent>): Generator<Extent> {
  let hole = 0;
  for (const extent of extents) {
    const fault = extentFault(extent);
    if (fault) throw malformed(fault);
    if (extent.id === undefined) {
      hole += extent.length;
      continue;
    }
    if (hole > 0) yield { length: hole };
    hole = 0;
    yield extent;
  }
  if (hole > 0) yield { length: hole };
}

/** Writes one extent at `pos`; the caller has made room for MAX_EXTENT_BYTES. */
export function writeExtent(to: Uint8Array, pos: number, extent: Extent): number {
  const at = writeVarint(to, pos, extent.length * 2 + (extent.id ? 0 : 1));
  if (!extent.id) return at;
  to.set(extent.id, at);
  return at + 32;
}

/** Reads one extent; the id is a view into the reader's bytes. */
export function readExtent(reader: ByteReader): Extent {
  const head = reader.varint();
  const length = Math.floor(head / 2);
  const hole = head % 2 === 1;
  if (length === 0 || (hole ? length % MAX_CHUNK !== 0 : length > MAX_CHUNK)) {
    throw malformed('an extent has an impossible length');
  }
  if (hole) return { length };
  const start = reader.skip(32);
  return { length, id: reader.bytes.subarray(start, start + 32) };
}

export function encodeExtents(extents: Iterable<Extent>): Uint8Array {
  const list = [...normalExtents(extents)];
  let size = 0;
  for (const e of list) size += varintSize(e.length * 2 + (e.id ? 0 : 1)) + (e.id ? 32 : 0);
  const bytes = new Uint8Array(size);
  let pos = 0;
  for (const e of list) pos = writeExtent(bytes, pos, e);
  return bytes;
}

export function* iterateExtents(bytes: Uint8Array): Generator<Extent> {
  const reader = new ByteReader(bytes);
  while (reader.pos < reader.end) yield readExtent(reader);
}

export const decodeExtents = (bytes: Uint8Array): Extent[] => [...iterateExtents(bytes)];

/** Bytes that an inline list stands for. Throws `integrity` unless it is canonical and short enough to be inline. */
export function checkExtents(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const reader = new ByteReader(bytes, start, end);
  let size = 0;
  let count = 0;
  let afterHole = false;
  while (reader.pos < end) {
    const head = reader.varint();
    const hole = head % 2 === 1;
    const length = Math.floor(head / 2);
    if (length === 0 || (hole ? length % MAX_CHUNK !== 0 : length > MAX_CHUNK)) {
      throw malformed('an extent has an impossible length');
    }
    if (hole && afterHole) throw malformed('two holes stand side by side');
    if (!hole) reader.skip(32);
    afterHole = hole;
    size += length;
    count++;
  }
  if (count > INLINE_EXTENTS) throw malformed('too many inline extents');
  return size;
}
