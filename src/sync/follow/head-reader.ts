/** Reads the feed of heads: it is light, and of each volset only the last word counts, so that it needs no bound. */
import type { VolsetId } from '../../core/ids.ts';
import type { Head, HeadFeed } from '../../core/peer.ts';
import { asFailure, ENDED } from './failures.ts';
import type { Listener, Reader } from './link.ts';

export interface Counting {
  /** How much was told with this. */
  moved: (volset: VolsetId, head: Head | null) => number;
  marked: () => number;
}

export class HeadReader implements Reader {
  readonly #feed: HeadFeed;
  readonly #listener: Listener;
  readonly #counting: Counting;
  #closed = false;

  constructor(feed: HeadFeed, listener: Listener, counting: Counting) {
    this.#feed = feed;
    this.#listener = listener;
    this.#counting = counting;
  }

  async read(): Promise<void> {
    // Before the first mark not all is told.
    let complete = false;
    try {
      for await (const item of this.#feed.items) {
        if (this.#closed) return;
        const told = 'mark' in item ? this.#counting.marked() : this.#counting.moved(item.volset, item.head);
        complete ||= 'mark' in item;
        if (complete) this.#listener.batch(told, 0);
      }
      if (!this.#closed) this.#listener.ended(ENDED);
    } catch (error) {
      if (!this.#closed) this.#listener.ended(asFailure(error));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#feed[Symbol.asyncDispose]();
  }
}
