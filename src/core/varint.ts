/**
 * Unsigned LEB128 integers up to 2^53 - 1, and a bounded reader over bytes. The shortest form is the only legal one, so
 * that equal values have equal bytes.
 */
import { PlaitError } from './errors.ts';

/** Bytes that a peer or a disk gave us do not follow the format. */
export const malformed = (what: string): PlaitError =>
  new PlaitError('integrity', `damaged data: ${what}`, {
    hint: 'run `plait verify` here, and on the remote that the data came from',
  });

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest /= 128) size++;
  return size;
}

/** Writes at `pos`, returns the position behind it. The caller has made room (8 bytes always suffice). */
export function writeVarint(to: Uint8Array, pos: number, value: number): number {
  let at = pos;
  let rest = value;
  while (rest > 0x7fffffff) {
    to[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    to[at++] = (rest & 127) | 0x80;
    rest >>>= 7;
  }
  to[at++] = rest;
  return at;
}

/** Reads forward from `pos`, never beyond `end`; every failure is `integrity`. */
export class ByteReader {
  readonly bytes: Uint8Array;
  pos: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  u8(): number {
    if (this.pos >= this.end) throw malformed('cut short');
    return this.bytes[this.pos++];
  }

  varint(): number {
    const first = this.u8();
    if (first < 128) return first;
    let value = first & 127;
    let scale = 128;
    for (let n = 1; n < 8; n++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0) throw malformed('a number is not in its shortest form');
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw malformed('a number is too large');
  }

  /** Moves over `length` bytes and returns where they start. */
  skip(length: number): number {
    const start = this.pos;
    if (length > this.end - start) throw malformed('cut short');
    this.pos = start + length;
    return start;
  }
}
