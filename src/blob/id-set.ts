/**
 * A set of 32-byte ids in one flat buffer: 45-90 bytes an id where a Set of strings takes 150 and more. With columns it
 * is a table: each id has that many 32-bit numbers.
 */
import { randomInt } from 'node:crypto';
import { ID_BYTES } from './format.ts';

const WORDS = ID_BYTES / 4;
const FIRST_SLOTS = 1024;

export class IdSet {
  size = 0;
  #slots = FIRST_SLOTS;
  #ids = new Uint32Array(FIRST_SLOTS * WORDS);
  #used = new Uint8Array(FIRST_SLOTS);
  /** Whoever can make data can make hashes that begin alike: where an id goes is known to this set only. */
  readonly #mix = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1];
  readonly #columns: number;
  #values: Uint32Array;
  readonly #key = new Uint32Array(WORDS);
  readonly #keyBytes = new Uint8Array(this.#key.buffer);

  constructor(columns = 0) {
    this.#columns = columns;
    this.#values = new Uint32Array(FIRST_SLOTS * columns);
  }

  /** Row of an id, valid until the next `add` or `clear`; -1 where it is not there. */
  row(id: Uint8Array): number {
    this.#keyBytes.set(id);
    const slot = this.#slot();
    return this.#used[slot] === 1 ? slot : -1;
  }

  get(row: number, column: number): number {
    return this.#values[row * this.#columns + column];
  }

  set(row: number, column: number, value: number): void {
    this.#values[row * this.#columns + column] = value;
  }

  has(id: Uint8Array): boolean {
    this.#keyBytes.set(id);
    return this.#used[this.#slot()] === 1;
  }

  /** True where it was not there before. */
  add(id: Uint8Array): boolean {
    this.#keyBytes.set(id);
    const slot = this.#slot();
    if (this.#used[slot] === 1) return false;
    this.#used[slot] = 1;
    this.#ids.set(this.#key, slot * WORDS);
    this.size++;
    if (this.size * 3 > this.#slots * 2) this.#grow();
    return true;
  }

  /** Views; in no order. */
  *ids(): Generator<Uint8Array> {
    const bytes = new Uint8Array(this.#ids.buffer);
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#used[slot] === 1) yield bytes.subarray(slot * ID_BYTES, (slot + 1) * ID_BYTES);
    }
  }

  clear(): void {
    this.size = 0;
    this.#resize(FIRST_SLOTS);
  }

  /** Where the key is, or the free slot where it would go: the upper bits of a product depend on all of the words. */
  #slot(): number {
    const mask = this.#slots - 1;
    const mixed = Math.imul(this.#key[0], this.#mix[0]) + Math.imul(this.#key[1], this.#mix[1]);
    const home = mixed >>> (Math.clz32(this.#slots) + 1);
    for (let slot = home; ; slot = (slot + 1) & mask) {
      if (this.#used[slot] === 0 || this.#equals(slot * WORDS)) return slot;
    }
  }

  #equals(at: number): boolean {
    for (let n = 0; n < WORDS; n++) if (this.#ids[at + n] !== this.#key[n]) return false;
    return true;
  }

  #resize(slots: number): void {
    this.#slots = slots;
    this.#ids = new Uint32Array(slots * WORDS);
    this.#used = new Uint8Array(slots);
    this.#values = new Uint32Array(slots * this.#columns);
  }

  #grow(): void {
    const [ids, used, values, slots] = [this.#ids, this.#used, this.#values, this.#slots];
    const width = this.#columns;
    this.#resize(slots * 2);
    for (let old = 0; old < slots; old++) {
      if (used[old] === 0) continue;
      this.#key.set(ids.subarray(old * WORDS, (old + 1) * WORDS));
      const slot = this.#slot();
      this.#used[slot] = 1;
      this.#ids.set(this.#key, slot * WORDS);
      for (let column = 0; column < width; column++) this.#values[slot * width + column] = values[old * width + column];
    }
  }
}
