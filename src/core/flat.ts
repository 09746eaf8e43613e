/**
 * Streams of small items in large numbers. A promise for each costs several times what is done with the item, so an
 * iterator may answer `next()` without one where the item is at hand; `for await` takes such answers too.
 */

type Step<T> = IteratorResult<T, void>;
/** As AsyncIterator, but for answers that are at hand. */
export interface Items<T> {
  next(): Step<T> | Promise<Step<T>>;
  return?(): unknown;
}

/** The items of batches one by one. Ending it early ends the batches. */
export class Flat<T> implements AsyncGenerator<T, void, undefined> {
  readonly #batches: AsyncGenerator<readonly T[], void, undefined>;
  #batch: readonly T[] = [];
  #next = 0;

  constructor(batches: AsyncGenerator<readonly T[], void, undefined>) {
    this.#batches = batches;
  }

  next(): Promise<Step<T>> {
    const { done, value } = this.#atHand();
    return (done ? this.#load() : { done, value }) as Promise<Step<T>>;
  }

  async return(): Promise<Step<T>> {
    this.#batch = [];
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<Step<T>> {
    this.#batch = [];
    await this.#batches.throw(error);
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #atHand(): Step<T> {
    if (this.#next < this.#batch.length) return { done: false, value: this.#batch[this.#next++] };
    return { done: true, value: undefined };
  }

  async #load(): Promise<Step<T>> {
    do {
      const { done, value } = await this.#batches.next();
      if (done) return { done, value };
      this.#batch = value;
      this.#next = 0;
    } while (this.#batch.length === 0);
    return this.#atHand();
  }
}

/** Iterates without waiting where that is possible; close it with `return` when leaving early. */
export function itemsOf<T>(source: Iterable<T> | AsyncIterable<T>): Items<T> {
  return (Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()) as Items<T>;
}
