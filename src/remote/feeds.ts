/** Feeds as a client holds them: opened once, read while they go on, and let go at any moment. */
import type { VolsetId } from '../core/ids.ts';
import type { Feed, FeedAsk, HeadFeed } from '../core/peer.ts';
import type { Connection } from '../wire/connection.ts';
import { decodeFeed, decodeHeads } from '../wire/feed-reader.ts';
import { NDJSON_TYPE } from '../wire/headers.ts';
import { FEED_SILENCE_MS } from '../wire/limits.ts';

export async function openFeed(connection: Connection, volset: VolsetId, ask: FeedAsk): Promise<Feed> {
  const { after, store } = ask;
  const query = new URLSearchParams();
  if (after !== undefined) query.set('after', String(after));
  if (store !== undefined) query.set('store', store);
  const path = `/v1/volsets/${volset}/changes${query.size > 0 ? `?${query}` : ''}`;
  const live = new Live(connection);
  const { items, ...told } = await live.open(path, (bytes) => decodeFeed(bytes, after));
  return { ...told, items: live.until(items), [Symbol.asyncDispose]: () => live.close() };
}

export async function openHeads(connection: Connection): Promise<HeadFeed> {
  const live = new Live(connection);
  const items = await live.open('/v1/changes', decodeHeads);
  return { items: live.until(items), [Symbol.asyncDispose]: () => live.close() };
}

/** One answer without an end. */
class Live {
  readonly #connection: Connection;
  readonly #stop = new AbortController();
  #bytes: AsyncGenerator<Uint8Array> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async open<T>(path: string, read: (bytes: AsyncGenerator<Uint8Array>) => Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    this.#bytes = await this.#connection.request({
      method: 'GET',
      path,
      answer: NDJSON_TYPE,
      retry: false,
      silentMs: FEED_SILENCE_MS,
      signal,
    });
    try {
      return await read(this.#bytes);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Who closes a feed has seen enough of it: then it just ends, whatever its connection says. */
  async *until<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    // Somebody may be waiting for a piece of it; that has ended now, and how is for them.
    await this.#bytes?.return(undefined).catch(() => {});
  }
}
