/** One follower of a volset: at its own pace from the ring or, where it is too far behind for that, from the store. */
import { feedHeadLine } from '../../wire/feed.ts';
import type { ScopedCaller } from '../access.ts';
import type { Channel } from './channel.ts';
import type { Pages } from './pages.ts';
import { stretchAfter } from './piece.ts';

export interface Following {
  signal: AbortSignal;
  /** The hub stops: what there is to say is said by whoever made us. */
  stopped(): boolean;
  /** Before each mark and each page: throws when its bearer may not read on. */
  check(): Promise<ScopedCaller>;
  told(changes: number): void;
}

/** Ends when the hub stops or the reader went; throws what ends it otherwise. */
export async function* follow(
  channel: Channel,
  pages: Pages,
  after: number | undefined,
  { signal, stopped, check, told }: Following,
): AsyncGenerator<Uint8Array> {
  const { tail } = channel;
  let place = { at: after ?? tail, marked: 0 };
  yield Buffer.from(feedHeadLine(place.at, tail));
  while (!signal.aborted && !stopped()) {
    const step = channel.step(place);
    if (step.bytes) {
      // Where it comes to what was news before it began, nothing is to look like the end of it.
      const early = step.place.at < tail;
      if (step.mark > 0 && !early) await check();
      yield early ? step.bytes.subarray(0, step.bytes.length - step.mark) : step.bytes;
      told(step.changes);
      place = step.place;
    } else if (step.end) {
      await channel.news(signal);
    } else {
      // Who stays behind comes to no mark.
      await check();
      place = { at: yield* storedPage(channel, pages, place.at, told), marked: place.marked };
    }
  }
}

/** Holds a piece of the page and looks for it again, since its reader may be slow. Answers where it ended. */
async function* storedPage(
  { volset }: Channel,
  pages: Pages,
  after: number,
  told: Following['told'],
): AsyncGenerator<Uint8Array, number> {
  let at = after;
  let page = await pages.read(volset, at);
  for (let from = at; ; ) {
    const found = stretchAfter(page.pieces, at);
    if (!found) return Math.max(at, page.end);
    yield found.bytes;
    at = found.piece.last;
    told(found.piece.items.length);
    if (at >= page.end) return at;
    let kept = pages.kept(volset, from);
    if (!kept) {
      kept = await pages.read(volset, at);
      from = at;
    }
    page = kept;
  }
}
