/** Numbers, ids, paths and runs in the directory of an entry of deltas. Canonical: one thing has one encoding. */
import { MAX_DELTA_RAW, MAX_DELTA_TARGETS } from '../core/delta-limits.ts';
import { PlaitError } from '../core/errors.ts';
import { hex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { MAX_PATH, type PathKey } from '../core/paths.ts';
import { ByteReader, varintSize, writeVarint } from '../core/varint.ts';

/**
 * A run of extents of the new file (first index, how many), or of bytes of the old one (first byte, how many; 0 = up to
 * its end, which is what most files need and compresses best).
 */
export type Run = [start: number, count: number];

/** Bytes of all paths of an entry, written out: each may share all but its last byte with the one before. */
const MAX_PATHS = 16 * 1024 * 1024;
/** No frame that gains anything is longer than what it decodes to. */
const MAX_FRAME = MAX_DELTA_RAW;

export const bad = (what: string, cause?: unknown): PlaitError =>
  new PlaitError('protocol', `deltas: ${what}`, cause === undefined ? {} : { cause });

export class DirectoryWriter {
  #to = Buffer.allocUnsafe(4096);
  #at = 0;

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#to.length) return;
    const next = Buffer.allocUnsafe(Math.max(this.#to.length * 2, this.#at + bytes));
    this.#to.copy(next, 0, 0, this.#at);
    this.#to = next;
  }

  bytes(bytes: Uint8Array | number[]): void {
    this.#room(bytes.length);
    this.#to.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  number(value: number): void {
    this.#room(varintSize(value));
    this.#at = writeVarint(this.#to, this.#at, value);
  }

  /** As many bytes as it shares with the one before, then the rest of it. */
  path(path: string, before: string): void {
    let shared = 0;
    while (shared < path.length && shared < before.length && path[shared] === before[shared]) shared++;
    this.number(shared);
    this.number(path.length - shared);
    this.bytes(Buffer.from(path.slice(shared), 'latin1'));
  }

  /** Starts are counted from the end of the run before where they can be: sign and distance. */
  runs(runs: Run[]): void {
    this.number(runs.length);
    let end = 0;
    for (const [start, count] of runs) {
      this.number(start >= end ? (start - end) * 2 : (end - start) * 2 - 1);
      this.number(count);
      end = start + count;
    }
  }

  take(): Buffer {
    return this.#to.subarray(0, this.#at);
  }
}

/** Checks as it reads; frames lie behind the directory, in its order. */
export class DirectoryReader {
  readonly #directory: ByteReader;
  readonly #bytes: Uint8Array;
  #next: number;
  #paths = 0;

  /** Frames lie in `bytes` from `frames` on. */
  constructor(directory: Uint8Array, bytes: Uint8Array, frames: number) {
    this.#directory = new ByteReader(directory);
    this.#bytes = bytes;
    this.#next = frames;
  }

  /** 1..max */
  count(max: number): number {
    const value = this.#directory.varint();
    if (value < 1 || value > max) throw bad('a number beyond its limit');
    return value;
  }

  id(): NodeId {
    const at = this.#directory.skip(32);
    return hex(this.#directory.bytes.subarray(at, at + 32)) as NodeId;
  }

  path(before: string): PathKey {
    const shared = this.#directory.varint();
    const length = this.#directory.varint();
    if (shared > before.length || shared + length > MAX_PATH || shared + length === 0) throw bad('an impossible path');
    this.#paths += shared + length;
    if (this.#paths > MAX_PATHS) throw bad('paths of more bytes than they may have');
    const at = this.#directory.skip(length);
    const rest = this.#directory.bytes.subarray(at, at + length);
    const suffix = Buffer.from(rest.buffer, rest.byteOffset, length).latin1Slice();
    if (length > 0 && shared < before.length && suffix[0] === before[shared]) throw bad('a path that shares more');
    return (before.slice(0, shared) + suffix) as PathKey;
  }

  runs(): Run[] {
    let end = 0;
    return repeat(this.count(MAX_DELTA_TARGETS), (): Run => {
      const step = this.#directory.varint();
      const start = step % 2 === 0 ? end + step / 2 : end - (step + 1) / 2;
      const count = this.#directory.varint();
      end = start + count;
      if (start < 0 || !Number.isSafeInteger(end)) throw bad('an impossible run');
      return [start, count];
    });
  }

  frame(): Uint8Array {
    const start = this.#next;
    this.#next += this.count(MAX_FRAME);
    if (this.#next > this.#bytes.length) throw bad('a frame is cut short');
    return this.#bytes.subarray(start, this.#next);
  }

  finish(): void {
    const { pos, end } = this.#directory;
    if (pos !== end || this.#next !== this.#bytes.length) throw bad('bytes behind their end');
  }
}

export function repeat<T>(count: number, one: () => T): T[] {
  const items: T[] = [];
  for (let n = 0; n < count; n++) items.push(one());
  return items;
}
