/**
 * Pages of logs for followers that are too far behind for the ring of their volset. Kept for a while, bounded for the
 * whole hub: many come back to one place at once, and who reads slowly holds a piece of a page and not all of it.
 */
import type { VolsetId } from '../../core/ids.ts';
import type { HubMeta } from '../contract.ts';
import { type Piece, piecesOf } from './piece.ts';

/** Bytes of pages that are kept. */
const KEPT = 16 * 1024 * 1024;

export interface StoredPage {
  pieces: Piece[];
  /** Where the next page begins. */
  end: number;
}

export class Pages {
  readonly #meta: Pick<HubMeta, 'changesAfter'>;
  readonly #keepBytes: number;
  /** Least recently used first. */
  readonly #kept = new Map<string, StoredPage>();
  readonly #reading = new Map<string, Promise<StoredPage>>();
  #bytes = 0;

  constructor(meta: Pick<HubMeta, 'changesAfter'>, keepBytes = KEPT) {
    this.#meta = meta;
    this.#keepBytes = keepBytes;
  }

  /** The page behind revision `after`; throws `compacted` and `ahead` as the store does. */
  async read(volset: VolsetId, after: number): Promise<StoredPage> {
    return this.kept(volset, after) ?? (await this.readAnew(volset, after));
  }

  /** The same as the store says now: what is kept may have been compacted since. */
  async readAnew(volset: VolsetId, after: number): Promise<StoredPage> {
    const key = `${volset} ${after}`;
    let reading = this.#reading.get(key);
    if (!reading) {
      reading = this.#read(volset, after, key).finally(() => this.#reading.delete(key));
      this.#reading.set(key, reading);
    }
    return reading;
  }

  kept(volset: VolsetId, after: number): StoredPage | undefined {
    const key = `${volset} ${after}`;
    const page = this.#kept.get(key);
    if (page) {
      this.#kept.delete(key);
      this.#kept.set(key, page);
    }
    return page;
  }

  async #read(volset: VolsetId, after: number, key: string): Promise<StoredPage> {
    const { changes, revision, mark } = await this.#meta.changesAfter(volset, after);
    const page = { pieces: piecesOf(changes, undefined), end: mark?.revision ?? revision };
    // An empty page says what there is now, and there will be more.
    if (changes.length > 0) this.#keep(key, page);
    return page;
  }

  #keep(key: string, page: StoredPage): void {
    const before = this.#kept.get(key);
    if (before) this.#bytes -= bytesOf(before);
    this.#kept.set(key, page);
    this.#bytes += bytesOf(page);
    for (const [oldest, { pieces }] of this.#kept) {
      if (this.#bytes <= this.#keepBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= bytesOf({ pieces });
    }
  }
}

const bytesOf = ({ pieces }: Pick<StoredPage, 'pieces'>): number =>
  pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
