/**
 * What one volset has to tell, for all who follow it: changes are read and encoded once, as they come, and the last of
 * them stay in a bounded ring. Who has fallen out of the ring reads pages of the store (pages.ts) and nothing is kept
 * for it. Marks stand in the ring where they end news; those that only say that there is none are not kept.
 */
import type { VolsetId } from '../../core/ids.ts';
import type { Head, Mark } from '../../core/peer.ts';
import { markLine } from '../../wire/feed.ts';
import type { HubMeta } from '../contract.ts';
import { Fresh } from './fresh.ts';
import { type Piece, piecesOf, stretchAfter } from './piece.ts';
import { Wakers } from './wakers.ts';

/** Milliseconds between marks that tell of blobs only. */
const BLOBS_MS = 1000;

/** How far a follower has come. */
export interface Place {
  /** Revision that it has got. */
  at: number;
  /** Number of the ring's piece that is its next; unknown while it is not in the ring. */
  next?: number;
  /** Number of the last mark that it got. */
  marked: number;
}

/** What a follower gets next, the last `mark` bytes of which are a mark. `bytes` undefined: read the store behind `at`, or wait where `end` says so. */
export type Step = { bytes: Buffer; place: Place; mark: number; changes: number } | { bytes?: undefined; end: boolean };

export class Channel {
  readonly volset: VolsetId;
  readonly #meta: Pick<HubMeta, 'changesAfter' | 'revision'>;
  readonly #ringBytes: number;
  readonly #fills = new Fresh(() => this.#fill());
  readonly #wakers = new Wakers();
  readonly #ring: Piece[] = [];
  /** Number of the ring's first piece. */
  #first = 0;
  #bytes = 0;
  /** Revision before the ring's first piece, and that of its end. */
  #floor = 0;
  #tail = 0;
  #begun = false;
  #mark: { bytes: Buffer; number: number; revision: number; blobs: number } | undefined;
  #marks = 0;
  #markedAt = 0;
  /** The ring's end at the last tick. */
  #ticked = 0;
  #blobTimer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(volset: VolsetId, meta: Pick<HubMeta, 'changesAfter' | 'revision'>, ringBytes: number) {
    this.volset = volset;
    this.#meta = meta;
    this.#ringBytes = ringBytes;
  }

  /** What came up to now is there, and a mark behind it. */
  fill(): Promise<void> {
    return this.#fills.get();
  }

  /** The revision up to which it has been filled, and from which the ring knows everything. */
  get tail(): number {
    return this.#tail;
  }

  /** All who follow end with an error; whoever comes later takes another one. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  get floor(): number {
    return this.#floor;
  }

  /** Its store was seen there. */
  seen({ revision, blobs }: Head): void {
    if (revision > this.#tail) this.#fillAlone();
    else if (this.#mark && blobs !== this.#mark.blobs) this.#fillSoon();
  }

  /** It is time for a mark, be there news or not. What nobody has asked for since the last time is forgotten. */
  tick(): void {
    while (this.#first < this.#ticked && this.#ring.length > 0) this.#forget();
    this.#ticked = this.#first + this.#ring.length;
    if (!this.#mark) return;
    this.#mark.number = ++this.#marks;
    this.#wakers.wake();
  }

  step({ at, next, marked }: Place): Step {
    if (this.#failure !== undefined) throw this.#failure;
    const end = this.#first + this.#ring.length;
    const inRing = next !== undefined && next >= this.#first;
    if (inRing && next < end) return this.#whole(next, marked);
    if (!inRing && at < this.#tail) {
      const found = at < this.#floor ? undefined : stretchAfter(this.#ring, at);
      const past = at >= this.#floor && (this.#ring.at(-1)?.last ?? this.#floor) <= at;
      if (!found && !past) return { end: false };
      if (found) return this.#told(found.bytes, found.piece, this.#first + found.index, marked);
    }
    if (!this.#mark || this.#mark.number <= marked || this.#mark.revision < at) {
      if (at > this.#tail) this.#fillAlone();
      return { end: true };
    }
    const { bytes, number, revision } = this.#mark;
    return { bytes, place: { at: revision, next: end, marked: number }, mark: bytes.length, changes: 0 };
  }

  /** Resolves at the next news, or when `signal` aborts. */
  news(signal: AbortSignal): Promise<void> {
    return this.#wakers.wait(signal);
  }

  wake(): void {
    this.#wakers.wake();
  }

  /** Nobody follows any more. */
  close(): void {
    clearTimeout(this.#blobTimer);
    this.#blobTimer = undefined;
  }

  #whole(next: number, marked: number): Step {
    const piece = this.#ring[next - this.#first];
    return this.#told(piece.bytes, piece, next, marked);
  }

  #told(bytes: Buffer, piece: Piece, number: number, marked: number): Step {
    // Its mark is as good as the last one, unless that came later.
    const isLast =
      piece.mark > 0 && this.#mark?.revision === piece.last && number === this.#first + this.#ring.length - 1;
    const place = { at: piece.last, next: number + 1, marked: isLast ? (this.#mark?.number ?? marked) : marked };
    return { bytes, place, mark: piece.mark, changes: piece.items.length };
  }

  #fillAlone(): void {
    // Told to all who follow.
    this.fill().catch(() => {});
  }

  #fillSoon(): void {
    const wait = Math.max(0, this.#markedAt + BLOBS_MS - performance.now());
    this.#blobTimer ??= setTimeout(() => {
      this.#blobTimer = undefined;
      this.#fillAlone();
    }, wait).unref();
  }

  async #fill(): Promise<void> {
    try {
      await this.#readOn();
    } catch (error) {
      this.#failure ??= error;
      this.#wakers.wake();
      throw error;
    }
  }

  async #readOn(): Promise<void> {
    if (!this.#begun) this.#floor = this.#tail = await this.#meta.revision(this.volset);
    this.#begun = true;
    for (let mark: Mark | undefined; !mark; ) {
      const page = await this.#meta.changesAfter(this.volset, this.#tail);
      mark = page.mark;
      if (mark) this.#renew(mark);
      for (const piece of piecesOf(page.changes, mark)) this.#append(piece);
      this.#tail = mark?.revision ?? page.revision;
      this.#wakers.wake();
    }
  }

  #renew(mark: Mark): void {
    const { revision, blobs } = mark;
    this.#mark = { bytes: Buffer.from(markLine(mark)), number: ++this.#marks, revision, blobs };
    this.#markedAt = performance.now();
  }

  #append(piece: Piece): void {
    this.#ring.push(piece);
    this.#bytes += piece.bytes.length;
    while (this.#bytes > this.#ringBytes && this.#ring.length > 1) this.#forget();
  }

  #forget(): void {
    const [gone] = this.#ring.splice(0, 1);
    this.#bytes -= gone.bytes.length;
    this.#floor = gone.last;
    this.#first++;
  }
}
