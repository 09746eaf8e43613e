/** One upload that a peer has agreed to: its snapshots' entries as parts, and what the peer has said of them. */
import type { BlobReader, ObjectRef } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { unhex } from '../core/hash.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { PartAnswer, Transfer } from '../core/peer.ts';
import type { SnapshotBody } from '../core/records.ts';
import type { Priority } from '../meta/contract.ts';
import { PART_BYTES } from '../wire/limits.ts';
import type { DiffEntry, DiffSnapshot } from './diff-format.ts';
import type { Work } from './drain-source.ts';
import { type Part, PartBuilder } from './parts.ts';

export interface StreamItem extends DiffSnapshot {
  work: Work;
  body: SnapshotBody;
}

export interface StreamOptions {
  volset: VolsetId;
  transfer: Transfer;
  /** In the order in which they are sent. */
  items: StreamItem[];
  entries: AsyncIterator<DiffEntry>;
  reader: BlobReader;
  partBytes?: number;
}

/** A part, and whose entries are in it: places in `items`, both included. */
export interface StreamPart extends Part {
  first: number;
  last: number;
}

/** Publishing costs the peer several fsyncs, and a marker waits for all before it: one round of markers per so many bytes. */
const MARKERS_EVERY = 64 * 1024 * 1024;
/** A peer that finds so much lacking does not mean it well. */
const MAX_LACKING_IN_ALL = 1_000_000;

interface Marker {
  place: number;
  body: Uint8Array;
}

export class UploadStream {
  readonly transfer: Transfer;
  readonly items: StreamItem[];
  /** The first part that failed, and why. */
  failure: { error: unknown; part: StreamPart } | undefined;
  /** Parts that the peer has acknowledged. */
  acknowledged = 0;
  /** Sent plainly, and still not usable there. */
  refused = false;
  /** The error that ended the drawing came from the peer, which was asked what it holds. */
  asking = false;
  readonly #options: StreamOptions;
  readonly #builder: PartBuilder;
  readonly #places: Map<SnapshotId, number>;
  /** Place of the item to which the next entry belongs. */
  #at = 0;
  #ended = false;
  #deltas = false;
  #sinceMarkers = 0;
  /** Drawn, to go with the next round of markers. */
  #ready: Marker[] = [];
  /** Sent and not confirmed. */
  readonly #sent = new Map<SnapshotId, Marker>();
  readonly #lacking = new Map<string, ObjectRef>();
  readonly #plain = new Set<string>();

  constructor(options: StreamOptions) {
    this.#options = options;
    this.transfer = options.transfer;
    this.items = options.items;
    this.#builder = new PartBuilder(options.volset, options.partBytes);
    this.#places = new Map(options.items.map(({ id }, place) => [id, place]));
  }

  /** Of the item that is being sent. */
  get priority(): Priority {
    return this.items.at(Math.min(this.#at, this.items.length - 1))?.work.priority ?? 0;
  }

  /** The item whose data was being read; undefined at the end. */
  get current(): StreamItem | undefined {
    return this.items.at(this.#at);
  }

  /** Whether there is nothing more to draw; what was lacking may still have to be sent. */
  get drawn(): boolean {
    return this.#ended && this.#ready.length === 0 && this.#lacking.size === 0;
  }

  /** Sent with their markers, and not confirmed by any answer so far. */
  get unconfirmed(): StreamItem[] {
    return [...this.#sent.values()].map(({ place }) => this.items[place]);
  }

  /** The next part, undefined when all is drawn. @throws what reading the store or asking the peer throws */
  async next(): Promise<StreamPart | undefined> {
    const first = Math.min(this.#at, ...this.#ready.map(({ place }) => place));
    const resent = this.#lacking.size > 0;
    await this.#drawLacking();
    while (!this.#builder.full && !this.#ended) {
      const { done, value } = await this.#options.entries.next();
      if (done) this.#ended = true;
      else this.#take(value);
    }
    // What was missing before may have been lacking for any of them.
    if (this.#ended && this.#lacking.size === 0) this.#markers();
    if (this.#builder.empty) return undefined;
    const last = Math.min(this.#at, this.items.length - 1);
    return { ...this.#builder.build(), first: resent ? 0 : Math.min(first, last), last };
  }

  /** Ends at the current item, which is given back with those behind it; what was completed still gets its markers. */
  cut(): StreamItem[] {
    this.#ended = true;
    return this.items.splice(this.#at);
  }

  /** Those that are durable at the peer by this answer. */
  answered(part: StreamPart, { snapshots, lacking }: PartAnswer): StreamItem[] {
    this.acknowledged++;
    for (const { kind, id } of lacking) this.#lacks(kind, id);
    const kept = new Set(snapshots);
    const durable = part.markers.filter(({ id }) => kept.has(id) && this.#sent.delete(id));
    return durable.map(({ id }) => this.items[this.#places.get(id) as number]);
  }

  /** After all answers: another round for what was not confirmed, with what was lacking. False when there is no use. */
  again(): boolean {
    if (this.#sent.size === 0 || this.#lacking.size + this.#plain.size === 0 || this.refused) return false;
    this.#ready = [...this.#sent.values()].sort((a, b) => a.place - b.place);
    this.#sent.clear();
    return true;
  }

  #take(entry: DiffEntry): void {
    if (entry.entry === 'block') {
      this.#builder.addBlock(entry.bytes);
      this.#sinceMarkers += entry.bytes.byteLength;
    } else if (entry.entry === 'delta') {
      const place = this.#placeOf(entry.for);
      const { base } = this.items[place];
      this.#builder.addDelta(entry, listed(this.items[place]), place, base === null || this.#places.has(base));
      this.#deltas = true;
      this.#sinceMarkers += entry.bytes.byteLength;
    } else if (entry.entry === 'snapshot') this.#complete(entry.bytes);
  }

  #complete(body: Uint8Array): void {
    const { priority } = this;
    this.#ready.push({ place: this.#at++, body });
    // Whoever is more urgent does not wait for the rest to become complete.
    const urgent = this.#at < this.items.length && this.priority < priority;
    if (urgent || this.#sinceMarkers >= MARKERS_EVERY) this.#markers();
  }

  #markers(): void {
    for (const marker of this.#ready) {
      const item = this.items[marker.place];
      this.#builder.addMarker(listed(item), marker.place, marker.body);
      this.#sent.set(item.id, marker);
    }
    this.#ready = [];
    this.#sinceMarkers = 0;
  }

  /** What deltas did not bring, about a part of it at a time. */
  async #drawLacking(): Promise<void> {
    const { reader } = this.#options;
    const wanted: ObjectRef[] = [];
    let bytes = 0;
    for (const [key, ref] of this.#lacking) {
      if (bytes >= PART_BYTES) break;
      bytes += reader.lengths(ref.kind, ref.id)[0];
      wanted.push(ref);
      this.#lacking.delete(key);
      this.#plain.add(key);
    }
    if (wanted.length === 0) return;
    try {
      for await (const block of reader.blocks(wanted)) this.#builder.addBlock(block);
    } catch (error) {
      if (!isLocalDamage(error)) throw error;
      this.refused = true;
    }
  }

  #lacks(kind: 0 | 1, id: string): void {
    const key = `${kind}${id}`;
    const ref = { kind, id: unhex(id) };
    if (!this.#deltas || this.#options.reader.has(kind, ref.id)[0] !== 1) {
      throw new PlaitError('protocol', 'the peer lacks an object that was not sent to it as a delta');
    }
    if (this.#plain.has(key)) this.refused = true;
    else this.#lacking.set(key, ref);
    if (this.#plain.size + this.#lacking.size > MAX_LACKING_IN_ALL) {
      throw new PlaitError('protocol', 'the peer lacks more than it could have been sent');
    }
  }

  #placeOf(id: SnapshotId): number {
    const place = this.#places.get(id);
    if (place === undefined) throw new PlaitError('unexpected', 'a delta is for a snapshot that is not in its upload');
    return place;
  }
}

/** An object that should be in this store is not, or not in order. */
export const isLocalDamage = (error: unknown): error is PlaitError =>
  error instanceof PlaitError && (error.code === 'blob-absent' || error.code === 'integrity');

const listed = ({ id, base, number }: StreamItem): DiffSnapshot => ({ id, base, ...(number && { number }) });
