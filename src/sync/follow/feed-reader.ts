/**
 * Reads a feed on while a round runs, and no further than is good for memory: what is not read waits at the hub, which
 * cuts who takes too long; the feed is then opened again at the marker.
 */
import type { Change, Feed, Mark } from '../../core/peer.ts';
import type { Generation, Ref } from '../../core/records.ts';
import { asFailure, ENDED } from './failures.ts';
import type { Listener, Reader } from './link.ts';

const MAX_ITEMS = 1000;
const MAX_BYTES = 8 * 2 ** 20;

/** All that the remote told between two of its revisions; several marks make one. */
export interface Batch {
  generations: Generation[];
  /** Each branch once, as it stood last. */
  refs: Ref[];
  /** Of the last change, or of the mark. */
  revision: number;
  /** Absent where more is to come than was read at once. */
  mark?: Mark;
}

export class FeedReader implements Reader {
  readonly #feed: Feed;
  readonly #listener: Listener;
  #items: { change: Change; bytes: number }[] = [];
  #records = 0;
  #bytes = 0;
  /** Items that can be taken. */
  #ready = 0;
  /** The last mark, and how many of the items lie before it. */
  #mark: { mark: Mark; items: number } | undefined;
  #blobs = 0;
  #room: (() => void) | undefined;
  #closed = false;

  constructor(feed: Feed, listener: Listener) {
    this.#feed = feed;
    this.#listener = listener;
  }

  async read(): Promise<void> {
    try {
      for await (const item of this.#feed.items) {
        if (this.#closed) return;
        if ('mark' in item) this.#marked(item.mark);
        else await this.#add(item);
      }
      if (!this.#closed) this.#listener.ended(ENDED);
    } catch (error) {
      if (!this.#closed) this.#listener.ended(asFailure(error));
    }
  }

  #marked(mark: Mark): void {
    this.#ready = this.#items.length;
    this.#mark = { mark, items: this.#ready };
    this.#blobs = mark.blobs;
    this.#listener.batch(mark.revision, mark.blobs);
  }

  async #add(change: Change): Promise<void> {
    const bytes = sizeOf(change);
    this.#items.push({ change, bytes });
    this.#records += countOf(change);
    this.#bytes += bytes;
    if (!this.#isFull()) return;
    this.#ready = this.#items.length;
    this.#listener.batch(change.revision, this.#blobs);
    while (this.#isFull() && !this.#closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#room = resolve;
      await promise;
    }
  }

  #isFull(): boolean {
    return this.#records >= MAX_ITEMS || this.#bytes >= MAX_BYTES;
  }

  /** What has come behind revision `after`. */
  take(after: number): Batch {
    const taken = this.#items.splice(0, this.#ready);
    for (const { change, bytes } of taken) {
      this.#records -= countOf(change);
      this.#bytes -= bytes;
    }
    // A mark says nothing of what came behind it.
    if (this.#mark !== undefined && this.#mark.items < this.#ready) this.#mark = undefined;
    if (this.#mark !== undefined) this.#mark.items = 0;
    // Nor one from before what is known by another way.
    if (this.#mark !== undefined && this.#mark.mark.revision < after) this.#mark = undefined;
    const mark = this.#mark?.mark;
    this.#ready = 0;
    this.#room?.();
    const news = taken.map(({ change }) => change).filter(({ revision }) => revision > after);
    const refs = new Map(news.flatMap((change) => ('ref' in change ? [[change.ref.branch, change.ref] as const] : [])));
    return {
      generations: news.flatMap((change) => ('generation' in change ? [change.generation] : [])),
      refs: [...refs.values()],
      revision: Math.max(after, mark?.revision ?? 0, ...news.slice(-1).map(({ revision }) => revision)),
      ...(mark && { mark }),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#room?.();
    await this.#feed[Symbol.asyncDispose]();
  }
}

const countOf = (change: Change): number => ('generation' in change ? change.generation.records.length : 1);

const RECORD_BYTES = 200;

/** About: what records hold beside their texts weighs the same for all. */
function sizeOf(change: Change): number {
  if (!('generation' in change)) return RECORD_BYTES;
  return change.generation.records.reduce((sum, record) => sum + RECORD_BYTES + textOf(record), 0);
}

function textOf(record: Generation['records'][number]): number {
  let length = 0;
  for (const value of Object.values(record)) if (typeof value === 'string') length += value.length;
  return length;
}
