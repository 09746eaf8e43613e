/**
 * The names of one directory in byte order. Small directories are an array of strings; large ones are kept as bytes
 * with an index, because a million strings and their sort copy would take more memory than all the rest of a scan.
 */
import { opendirSync, readdirSync } from 'node:fs';
import type { OsPath } from '../disk/beneath.ts';

export interface NameList {
  readonly length: number;
  /** Latin1, one byte per character. */
  at(index: number): string;
}

/** Size of a directory, as lstat gives it, from which on names are kept as bytes: about 2,000 names on ext4. */
const LARGE_DIRECTORY = 64 * 1024;

/** Throws the system's error. `size` is the directory's own st_size. */
export function listNames(path: OsPath, size: number): NameList {
  if (size > LARGE_DIRECTORY) return readLarge(path);
  const names = readdirSync(path, { encoding: 'latin1' });
  if (names.length > 1) names.sort();
  return { length: names.length, at: (index) => names[index] };
}

function readLarge(path: OsPath): NameList {
  // The types know no latin1 here; it is a plain Node encoding.
  const dir = opendirSync(path as string, { encoding: 'latin1' as 'utf8', bufferSize: 512 });
  const names = new NameBytes();
  try {
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) names.add(entry.name);
  } finally {
    dir.closeSync();
  }
  names.sort();
  return names;
}

/** Names joined in one buffer, each ended by NUL, and where each begins. */
export class NameBytes implements NameList {
  #bytes = Buffer.allocUnsafe(1 << 18);
  #end = 0;
  #starts = new Uint32Array(1 << 12);
  length = 0;

  add(name: string): void {
    if (this.#end + name.length + 1 > this.#bytes.length) this.#bytes = grown(this.#bytes, Buffer.allocUnsafe);
    if (this.length === this.#starts.length) this.#starts = grown(this.#starts, (n) => new Uint32Array(n));
    this.#starts[this.length++] = this.#end;
    this.#bytes.write(name, this.#end, 'latin1');
    this.#end += name.length;
    this.#bytes[this.#end++] = 0;
  }

  at(index: number): string {
    const start = this.#starts[index];
    return this.#bytes.toString('latin1', start, this.#bytes.indexOf(0, start));
  }

  sort(): void {
    sortStarts(this.#bytes, this.#starts, this.length);
  }
}

function grown<T extends Uint8Array | Uint32Array>(from: T, make: (length: number) => T): T {
  const to = make(Math.floor(from.length * 1.6));
  to.set(from);
  return to;
}

/** Three-way radix quicksort of NUL-terminated strings; ranges wait on an explicit stack. */
function sortStarts(bytes: Uint8Array, starts: Uint32Array, length: number): void {
  const ranges = [0, length, 0];
  while (ranges.length > 0) {
    const depth = ranges.pop()!;
    const high = ranges.pop()!;
    const low = ranges.pop()!;
    if (high - low < 2) continue;
    if (high - low < 12) {
      insertionSort(bytes, starts, low, high, depth);
      continue;
    }
    const pivot = bytes[starts[(low + high) >>> 1] + depth];
    let less = low;
    let more = high;
    for (let i = low; i < more; ) {
      const at = starts[i];
      const byte = bytes[at + depth];
      if (byte < pivot) {
        starts[i++] = starts[less];
        starts[less++] = at;
      } else if (byte > pivot) {
        starts[i] = starts[--more];
        starts[more] = at;
      } else i++;
    }
    ranges.push(low, less, depth, more, high, depth);
    // Equal up to and including a final NUL: the same name, nothing left to order.
    if (pivot !== 0) ranges.push(less, more, depth + 1);
  }
}

function insertionSort(bytes: Uint8Array, starts: Uint32Array, low: number, high: number, depth: number): void {
  for (let i = low + 1; i < high; i++) {
    const start = starts[i];
    let j = i;
    while (j > low && isBefore(bytes, start + depth, starts[j - 1] + depth)) {
      starts[j] = starts[j - 1];
      j--;
    }
    starts[j] = start;
  }
}

function isBefore(bytes: Uint8Array, a: number, b: number): boolean {
  let i = a;
  let j = b;
  while (bytes[i] === bytes[j] && bytes[i] !== 0) {
    i++;
    j++;
  }
  return bytes[i] < bytes[j];
}

/** Binary search. */
export function contains(names: NameList, name: string): boolean {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = names.at(middle);
    if (found === name) return true;
    if (found < name) low = middle + 1;
    else high = middle;
  }
  return false;
}
