/**
 * ctimes of the files that a checkout wrote, by a hash of their paths: 32 bytes a file instead of an object each. Two
 * paths with the same hash overwrite each other; the loser is merely read again by the next scan.
 */
import type { PathKey } from '../core/paths.ts';

export class CtimeTable {
  #keys = new BigUint64Array(1024);
  #times = new BigInt64Array(1024);
  #used = 0;

  set(path: PathKey, ctimeNs: bigint): void {
    if (this.#used * 2 >= this.#keys.length) this.#grow();
    this.#insert(hashOf(path), ctimeNs);
  }

  get(path: PathKey): bigint | undefined {
    const key = hashOf(path);
    const at = this.#find(key);
    return this.#keys[at] === key ? this.#times[at] : undefined;
  }

  #insert(key: bigint, ctimeNs: bigint): void {
    const at = this.#find(key);
    if (this.#keys[at] === 0n) this.#used++;
    this.#keys[at] = key;
    this.#times[at] = ctimeNs;
  }

  #find(key: bigint): number {
    const mask = this.#keys.length - 1;
    let at = Number(key & 0xffffffffn) & mask;
    while (this.#keys[at] !== 0n && this.#keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const keys = this.#keys;
    const times = this.#times;
    this.#keys = new BigUint64Array(keys.length * 2);
    this.#times = new BigInt64Array(keys.length * 2);
    this.#used = 0;
    for (let i = 0; i < keys.length; i++) if (keys[i] !== 0n) this.#insert(keys[i], times[i]);
  }
}

/** Two independent 32-bit FNV-1a sums; never 0. */
function hashOf(path: string): bigint {
  let a = 0x811c9dc5;
  let b = 0x050c5d1f;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ (c + i), 0x01000193);
  }
  return (BigInt(b >>> 0) << 32n) | BigInt(a >>> 0) || 1n;
}
