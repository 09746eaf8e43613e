/**
 * What the receiver of a download has told that it holds: the first 8 bytes of ids, in open addressing over one buffer.
 * A false hit leaves out what is needed: its receiver notices, and asks again without telling anything.
 */
import { randomBytes } from 'node:crypto';

const PREFIX_BYTES = 8;
const FIRST_BITS = 10;

export class HeldPrefixes {
  readonly #limit: number;
  #bits = FIRST_BITS;
  #table = new BigUint64Array(1 << FIRST_BITS);
  #size = 0;
  // Whoever names prefixes cannot choose some that pile up: the upper bits of a product with an odd number that nobody
  // knows are as good as random, the lower ones are not.
  readonly #mix = randomBytes(8).readBigUInt64LE() | 1n;

  /** @param limit More than so many are not remembered; they are sent again. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#table.byteLength;
  }

  /** `prefixes`: n x 8 bytes. */
  add(prefixes: Uint8Array): void {
    for (let at = 0; at < prefixes.length && this.#size < this.#limit; at += PREFIX_BYTES) {
      if (!this.#put(wordAt(prefixes, at))) continue;
      this.#size++;
      if (this.#size * 4 > this.#table.length * 3) this.#grow();
    }
  }

  has(id: Uint8Array): boolean {
    const word = wordAt(id, 0);
    return this.#table[this.#find(word)] === word;
  }

  #put(word: bigint): boolean {
    const slot = this.#find(word);
    if (this.#table[slot] === word) return false;
    this.#table[slot] = word;
    return true;
  }

  /** Where it stands, or would. */
  #find(word: bigint): number {
    const mask = this.#table.length - 1;
    let slot = Number(BigInt.asUintN(64, word * this.#mix) >> BigInt(64 - this.#bits));
    while (this.#table[slot] !== 0n && this.#table[slot] !== word) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new BigUint64Array(1 << ++this.#bits);
    for (const word of old) if (word !== 0n) this.#put(word);
  }
}

/** Zero marks an empty slot; the one id in 2^64 that begins so shares its place with its neighbour. */
function wordAt(bytes: Uint8Array, at: number): bigint {
  const { buffer, byteOffset } = bytes;
  return new DataView(buffer, byteOffset + at, PREFIX_BYTES).getBigUint64(0) || 1n;
}
