/** What is worth reading once for all who ask within a while; one read at a time, and a failed one is told to who waits. */
export class Cached<T> {
  readonly #read: () => Promise<T>;
  readonly #ms: number;
  readonly #now: () => number;
  #reading: Promise<T> | undefined;
  /** Fresh from when it was answered: a read that takes longer than that would never be of use to anybody. */
  #last: { value: T; at: number } | undefined;

  constructor(read: () => Promise<T>, ms: number, now: () => number) {
    this.#read = read;
    this.#ms = ms;
    this.#now = now;
  }

  async get(): Promise<T> {
    if (this.#last && this.#isFresh(this.#last.at)) return this.#last.value;
    this.#reading ??= this.#anew().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** A clock that was set back makes nothing stay for ever. */
  #isFresh(at: number): boolean {
    const age = this.#now() - at;
    return age >= 0 && age < this.#ms;
  }

  async #anew(): Promise<T> {
    const value = await this.#read();
    this.#last = { value, at: this.#now() };
    return value;
  }
}
