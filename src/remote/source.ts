/** Generations that a push is made of, and whether they can be sent again. */
import type { Generation } from '../core/records.ts';
import type { Generations } from '../wire/push.ts';

/** A list can be sent twice, and so can what makes a new iterator each time; a generator only until it has begun. */
export class Source implements AsyncIterable<Generation> {
  readonly #items: Generations;
  readonly #oneShot: boolean;
  #begun = false;

  constructor(items: Generations) {
    this.#items = items;
    this.#oneShot = 'next' in items;
  }

  get repeatable(): boolean {
    return !(this.#oneShot && this.#begun);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Generation> {
    this.#begun = true;
    yield* this.#items;
  }
}
