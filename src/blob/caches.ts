/** Caches of a reading engine, each with a hard bound. */
import { closeSync, openSync } from 'node:fs';

/** What a view keeps alive: all of the memory that it is a piece of, once more an object's own. */
export const memoryOf = ({ buffer }: Uint8Array): number => buffer.byteLength + 128;

/** Least recently used out first; `weigh` in bytes. A value above the bound is not kept. */
export class WeightedCache<V> {
  readonly #limit: number;
  readonly #weigh: (value: V) => number;
  readonly #entries = new Map<string, V>();
  #weight = 0;

  constructor(limit: number, weigh: (value: V) => number) {
    this.#limit = limit;
    this.#weigh = weigh;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    const old = this.#entries.get(key);
    if (old !== undefined) this.#weight -= this.#weigh(old);
    this.#entries.delete(key);
    if (this.#weigh(value) > this.#limit) return;
    this.#entries.set(key, value);
    this.#weight += this.#weigh(value);
    for (const [first, out] of this.#entries) {
      if (this.#weight <= this.#limit) return;
      this.#entries.delete(first);
      this.#weight -= this.#weigh(out);
    }
  }
}

/** Open files for reading, at most `limit`. */
export class OpenFiles {
  readonly #limit: number;
  readonly #fds = new Map<string, number>();

  constructor(limit = 32) {
    this.#limit = limit;
  }

  /** Descriptor, good until the next call; throws ENOENT. */
  open(path: string): number {
    const known = this.#fds.get(path);
    if (known !== undefined) {
      this.#fds.delete(path);
      this.#fds.set(path, known);
      return known;
    }
    const fd = openSync(path, 'r');
    this.#fds.set(path, fd);
    for (const first of this.#fds.keys()) {
      if (this.#fds.size <= this.#limit) break;
      this.close(first);
    }
    return fd;
  }

  close(path: string): void {
    const fd = this.#fds.get(path);
    if (fd === undefined) return;
    this.#fds.delete(path);
    closeSync(fd);
  }

  closeAll(): void {
    for (const path of [...this.#fds.keys()]) this.close(path);
  }
}
