/** What is worth reading once for all who ask within a while; one read at a time, and a failed one is told to who waits. */
export class Cached<T> {
  readonly #read: () => Promise<T>;
  readonly #ms: number;
  readonly #now: () => number;
  #at = Number.NEGATIVE_INFINITY;
  #value: Promise<T> | undefined;

  constructor(read: () => Promise<T>, ms: number, now: () => number) {
    this.#read = read;
    this.#ms = ms;
    this.#now = now;
  }

  get(): Promise<T> {
    const age = this.#now() - this.#at;
    // A clock that was set back makes nothing stay for ever.
    if (this.#value && age >= 0 && age < this.#ms) return this.#value;
    this.#at = this.#now();
    const value = this.#read();
    value.catch(() => {
      if (this.#value === value) this.#value = undefined;
    });
    this.#value = value;
    return value;
  }
}
