/**
 * The rolling hash that finds content-defined cut positions. Part of the format: another table, window or mask gives
 * other chunks.
 *
 * h(p) = sum of GEAR[byte[p - 1 - k]] << k for k in 0..31, modulo 2^32: it sees the 32 bytes before `p` and nothing
 * else, so whether `p` is a candidate does not depend on where a chunk began. That is what lets several threads look for
 * candidates of one file.
 */
import { hash } from 'node:crypto';

/** Bytes that a candidate depends on. */
export const WINDOW = 32;

/**
 * A position is a candidate when the upper bits of its hash are all zero; the upper bits are those that the whole window
 * reaches. 14 bits (loose: one in 16 KiB) and 18 bits (strict: one in 256 KiB). Every strict match is a loose one too.
 */
export const LOOSE_SHIFT = 18;
export const STRICT_SHIFT = 14;

/** Entry i: the first four bytes, little endian, of SHA-256("plait gear 1:" + i in decimal). */
export const GEAR: Int32Array = makeGear();

function makeGear(): Int32Array {
  const table = new Int32Array(256);
  for (let i = 0; i < 256; i++) table[i] = hash('sha256', `plait gear 1:${i}`, 'buffer').readInt32LE(0);
  return table;
}

/** Candidates found so far, each as `(position - origin) * 2 + strict`, ascending. Grows; reused between calls. */
export class CandidateList {
  #items = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  push(item: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = item;
  }

  at(index: number): number {
    return this.#items[index];
  }

  toArray(): Uint32Array {
    return this.#items.slice(0, this.#length);
  }
}

/** Appends to `out` the candidates p with from < p <= to, relative to `origin`. `from` must be at least WINDOW. */
export function findCandidates(bytes: Uint8Array, from: number, to: number, origin: number, out: CandidateList): void {
  const whole = from + ((to - from) & ~3);
  for (let at = from; at < whole; at += 4) {
    at = skipToHit(bytes, at, whole, hashAt(bytes, at));
    if (at < whole) note(bytes, at, at + 4, origin, out);
  }
  note(bytes, whole, to, origin, out);
}

/**
 * The first group of four positions after `from` (from + 4 n) that has a candidate, as the offset before it; else `to`.
 * `h` is the hash at `from`; to - from is a multiple of 4. This loop sees every byte of every new file. Four bytes a turn
 * with one rarely taken test, in a function that does nothing else, was the fastest of nine forms that were measured
 * (several lanes, word loads, bit tricks instead of branches, noting hits in the loop): 1.3 against 0.7-0.9 GB/s.
 */
function skipToHit(bytes: Uint8Array, from: number, to: number, h: number): number {
  const table = GEAR;
  for (let i = from; i < to; i += 4) {
    const h1 = ((h << 1) + table[bytes[i]]) | 0;
    const h2 = ((h1 << 1) + table[bytes[i + 1]]) | 0;
    const h3 = ((h2 << 1) + table[bytes[i + 2]]) | 0;
    h = ((h3 << 1) + table[bytes[i + 3]]) | 0;
    if (h1 >>> LOOSE_SHIFT === 0 || h2 >>> LOOSE_SHIFT === 0 || h3 >>> LOOSE_SHIFT === 0 || h >>> LOOSE_SHIFT === 0) {
      return i;
    }
  }
  return to;
}

/** Appends the candidates in (from, to] by looking at each. */
function note(bytes: Uint8Array, from: number, to: number, origin: number, out: CandidateList): void {
  for (let p = from + 1; p <= to; p++) {
    const h = hashAt(bytes, p);
    if (h >>> LOOSE_SHIFT === 0) out.push((p - origin) * 2 + (h >>> STRICT_SHIFT === 0 ? 1 : 0));
  }
}

/** The hash at `position`, from the window before it. */
function hashAt(bytes: Uint8Array, position: number): number {
  let h = 0;
  for (let i = position - WINDOW; i < position; i++) h = ((h << 1) + GEAR[bytes[i]]) | 0;
  return h;
}
