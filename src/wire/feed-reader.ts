/** Reads what feed.ts writes: nothing is believed that goes back, comes out of order or is larger than allowed. */
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { FeedItem, Head, Mark } from '../core/peer.ts';
import type { GenerationHeader, Ref } from '../core/records.ts';
import {
  feedGeneration,
  feedHead,
  feedMark,
  feedRefs,
  feedTrailer,
  headsGone,
  headsHead,
  headsHeadLine,
  headsMark,
} from './feed.ts';
import { LineReader } from './generations.ts';
import { MAX_LINE, MAX_VECTOR_LINE, MAX_VOLSETS } from './limits.ts';
import { decode } from './schema.ts';

export interface DecodedFeed {
  after: number;
  head: number;
  items: AsyncGenerator<FeedItem>;
}

type Line = Record<string, unknown>;

/** Reads the first line; the rest as `items` is read. `asked`: the revision that was asked for. */
export async function decodeFeed(bytes: AsyncIterable<Uint8Array>, asked: number | undefined): Promise<DecodedFeed> {
  const reader = new LineReader(bytes);
  const told = decode<{ feed: { after: number; head: number } }>(feedHead, await reader.next(), 'feed header');
  const { after, head } = told.feed;
  if (after !== (asked ?? head) || head < after) {
    throw new PlaitError('protocol', 'the feed begins elsewhere than it was asked to');
  }
  return { after, head, items: feedItems(reader, after, head) };
}

async function* feedItems(reader: LineReader, after: number, head: number): AsyncGenerator<FeedItem> {
  const order = new Order(after, head);
  try {
    for (;;) {
      const line = await reader.next(MAX_VECTOR_LINE);
      if (isTrailer(line)) return;
      if (Object.hasOwn(line, 'mark')) {
        const { mark } = decode<{ mark: Omit<Mark, 'blobs'> & { blobs?: number } }>(feedMark, line, 'mark');
        order.mark(mark.revision);
        yield { mark: { ...mark, blobs: mark.blobs ?? 0 } };
        continue;
      }
      if (reader.lineBytes > MAX_LINE) throw new PlaitError('protocol', `a line is longer than ${MAX_LINE} bytes`);
      yield* Object.hasOwn(line, 'refs') ? refsOf(line, order) : [await generationOf(line, order, reader)];
    }
  } finally {
    await reader.close();
  }
}

function* refsOf(line: Line, order: Order): Generator<FeedItem> {
  for (const ref of decode<{ refs: Ref[] }>(feedRefs, line, 'line of refs').refs) {
    order.change(ref.revision);
    yield { revision: ref.revision, ref };
  }
}

async function generationOf(line: Line, order: Order, reader: LineReader): Promise<FeedItem> {
  type Told = { generation: GenerationHeader & { revision: number } };
  const { revision, ...header } = decode<Told>(feedGeneration, line, 'line of a feed').generation;
  order.change(revision);
  return { revision, generation: { ...header, records: await reader.records(header.count) } };
}

/** What has been told is over: revisions rise, and a mark lies behind all of them. */
class Order {
  #last: number;
  #head: number;

  constructor(after: number, head: number) {
    this.#last = after;
    this.#head = head;
  }

  change(revision: number): void {
    if (revision <= this.#last) throw new PlaitError('protocol', 'the changes of the feed are out of order');
    this.#last = revision;
  }

  mark(revision: number): void {
    if (revision < this.#last || revision < this.#head) {
      throw new PlaitError('protocol', 'a mark of the feed lies behind what it has told');
    }
    this.#last = revision;
  }
}

/** All volsets: those that are there, then each that moves, until the hub stops. */
export async function decodeHeads(
  bytes: AsyncIterable<Uint8Array>,
): Promise<AsyncGenerator<{ volset: VolsetId; head: Head | null } | { mark: true }>> {
  const reader = new LineReader(bytes);
  decode(headsHead, await reader.next(), 'header of heads');
  return headItems(reader);
}

async function* headItems(reader: LineReader) {
  // Whoever follows keeps something for each.
  const known = new Set<VolsetId>();
  try {
    for (;;) {
      const line = await reader.next();
      if (isTrailer(line)) return;
      if (Object.hasOwn(line, 'mark')) {
        decode(headsMark, line, 'mark');
        yield { mark: true } as const;
      } else if (Object.hasOwn(line, 'gone')) {
        const { volset } = decode<{ gone: { volset: VolsetId } }>(headsGone, line, 'line of heads').gone;
        known.delete(volset);
        yield { volset, head: null };
      } else {
        const { volset, ...head } = decode<{ head: { volset: VolsetId } & Head }>(headsHeadLine, line, 'head').head;
        if (known.size === MAX_VOLSETS && !known.has(volset)) {
          throw new PlaitError('quota', `the hub tells of more than ${MAX_VOLSETS} volume sets`);
        }
        known.add(volset);
        yield { volset, head };
      }
    }
  } finally {
    await reader.close();
  }
}

function isTrailer(line: Line): boolean {
  if (!Object.hasOwn(line, 'trailer')) return false;
  decode(feedTrailer, line, 'trailer of a feed');
  return true;
}
