/**
 * A set of object ids that costs 21 to 43 bytes each: open addressing over one buffer that holds the first 16 bytes of
 * every id. A false hit takes 2^64 work to make and is noticed by the receiver, which checks completeness by whole ids.
 * Where an id goes depends on numbers drawn for each set: whoever made the data cannot choose ids that pile up.
 */
import { randomInt } from 'node:crypto';

const WORDS = 4;
const FIRST = 1 << 12;

export class IdSet {
  readonly #limit: number;
  #slots = FIRST;
  #table = new Int32Array(FIRST * WORDS);
  #size = 0;
  readonly #mix1 = randomInt(2 ** 31) * 2 + 1;
  readonly #mix2 = randomInt(2 ** 31) * 2 + 1;

  /** @param limit Entries; one more and the set forgets all. At most 43 bytes x limit, rounded up to a power of two. */
  constructor(limit = 1 << 20) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** False when `id` (32 bytes) was there already. */
  add(id: Uint8Array): boolean {
    const a = word(id, 0);
    const b = word(id, 4);
    const c = word(id, 8);
    // An all-zero slot is empty, so the last word is never zero: that costs one bit of the 128.
    const d = word(id, 12) | 1;
    const table = this.#table;
    const mask = this.#slots - 1;
    for (let slot = this.#home(a, b) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      if (table[at + 3] === 0) return this.#put(at, a, b, c, d);
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) return false;
    }
  }

  #home(a: number, b: number): number {
    const mixed = Math.imul(a, this.#mix1) + Math.imul(b, this.#mix2);
    // The upper bits depend on all bits below them.
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  #put(at: number, a: number, b: number, c: number, d: number): true {
    this.#table[at] = a;
    this.#table[at + 1] = b;
    this.#table[at + 2] = c;
    this.#table[at + 3] = d;
    this.#size++;
    if (this.#size > this.#limit) this.clear();
    else if (this.#size * 4 > this.#slots * 3) this.#grow();
    return true;
  }

  clear(): void {
    this.#slots = FIRST;
    this.#table = new Int32Array(FIRST * WORDS);
    this.#size = 0;
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    const mask = this.#slots - 1;
    const table = new Int32Array(this.#slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 3] === 0) continue;
      let slot = this.#home(old[from], old[from + 1]) & mask;
      while (table[slot * WORDS + 3] !== 0) slot = (slot + 1) & mask;
      table.set(old.subarray(from, from + WORDS), slot * WORDS);
    }
    this.#table = table;
  }
}

const word = (id: Uint8Array, at: number): number =>
  id[at] | (id[at + 1] << 8) | (id[at + 2] << 16) | (id[at + 3] << 24);
