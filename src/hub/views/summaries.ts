/**
 * What a list of volsets says of each, kept as long as the volset does not move, so that asking costs one look at all
 * revisions however many ask. What moves without a revision (members, damage, packs that gc wrote anew) is seen after
 * MAX_AGE_MS at the latest. Snapshots' sizes are read on from where they were read up to.
 */
import type { PlaitError } from '../../core/errors.ts';
import type { StoreId, VolsetId } from '../../core/ids.ts';
import type { VolsetSummary } from '../../meta/contract.ts';
import type { HubData, HubMeta } from '../contract.ts';
import { Fresh } from '../feed/fresh.ts';
import { Idle } from './idle.ts';
import { SizeSeries } from './size-series.ts';

export interface SummaryParts {
  meta: Pick<HubMeta, 'self' | 'heads' | 'volsetSummary' | 'blobSizes'>;
  data: Pick<HubData, 'blob'> | undefined;
}

export interface Summary extends VolsetSummary {
  series: SizeSeries;
  storedBytes: number;
}

type Row = Awaited<ReturnType<HubMeta['heads']>>[number];

interface Kept {
  /** What it was read at. */
  key: string;
  at: number;
  reading: boolean;
  /** undefined: it lives no more. */
  answer: Promise<Summary | undefined>;
}

const MAX_AGE_MS = 10_000;
const IDLE_MS = 300_000;
/** Reads at a time: other requests wait for the same thread. */
const TOGETHER = 8;

export class Summaries implements Disposable {
  readonly #parts: SummaryParts;
  readonly #heads: Fresh<Map<VolsetId, Row>>;
  readonly #kept = new Map<VolsetId, Kept>();
  readonly #idle = new Idle(IDLE_MS, () => this.#kept.clear());
  #store: StoreId | undefined;

  constructor(parts: SummaryParts) {
    this.#parts = parts;
    this.#heads = new Fresh(() => this.#look());
  }

  /** Those that live, in the order asked for. */
  async read(volsets: VolsetId[]): Promise<Map<VolsetId, Summary>> {
    this.#idle.asked();
    const heads = await this.#heads.get();
    const found = new Map<VolsetId, Summary>();
    const rows = volsets.map((id) => heads.get(id)).filter((row) => row !== undefined);
    for (let i = 0; i < rows.length; i += TOGETHER) {
      const some = rows.slice(i, i + TOGETHER);
      const read = await Promise.all(some.map((row) => this.#summary(row)));
      for (const [j, { volset }] of some.entries()) if (read[j]) found.set(volset, read[j]);
    }
    return found;
  }

  [Symbol.dispose](): void {
    this.#idle[Symbol.dispose]();
  }

  async #look(): Promise<Map<VolsetId, Row>> {
    const { meta } = this.#parts;
    // Revisions mean something under one store id only.
    if (meta.self.store !== this.#store) this.#kept.clear();
    this.#store = meta.self.store;
    const heads = new Map((await meta.heads()).map((row) => [row.volset, row]));
    for (const volset of this.#kept.keys()) if (!heads.has(volset)) this.#kept.delete(volset);
    return heads;
  }

  #summary({ volset, head, open }: Row): Promise<Summary | undefined> {
    const key = `${head.revision} ${head.blobs}`;
    const kept = this.#kept.get(volset);
    const same = kept?.key === key;
    // What is open has no revision that would tell of it.
    const isFresh = same && !open && performance.now() - kept.at < MAX_AGE_MS;
    if (kept && (isFresh || (same && kept.reading))) return kept.answer;
    const next: Kept = { key, at: performance.now(), reading: true, answer: this.#readOn(volset, kept) };
    this.#kept.set(volset, next);
    next.answer.then(
      () => {
        next.reading = false;
      },
      () => {
        if (this.#kept.get(volset) === next) this.#kept.delete(volset);
      },
    );
    return next.answer;
  }

  /** One read at a time: of many snapshots the first takes long, and each later one would begin anew beside it. */
  async #readOn(volset: VolsetId, before: Kept | undefined): Promise<Summary | undefined> {
    const { meta } = this.#parts;
    const known = await before?.answer.then(
      (summary) => summary?.series,
      () => undefined,
    );
    try {
      const summary = await meta.volsetSummary(volset);
      const series = await SizeSeries.read(known, (...page) => meta.blobSizes(volset, ...page));
      return { ...summary, series, storedBytes: this.#storedBytes(volset) };
    } catch (error) {
      if ((error as PlaitError).code === 'not-found') return undefined;
      throw error;
    }
  }

  #storedBytes(volset: VolsetId): number {
    const packs = this.#parts.data?.blob.packs(volset) ?? [];
    return packs.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
