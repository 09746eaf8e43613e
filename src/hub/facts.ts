/** What the store is like now, for metrics: read at most every few seconds, of so many volsets. */
import type { VolsetId } from '../core/ids.ts';
import type { Stamp } from '../meta/contract.ts';
import type { TransferService } from '../wire/transfer-service.ts';
import { Cached } from './cached.ts';
import type { HubMeta } from './contract.ts';

const FRESH_MS = 5000;
/** Volsets with lines of their own: those with most snapshots. */
const MAX_VOLSETS = 100;
const MAX_TOKENS = 100;

export interface VolsetFacts {
  volset: VolsetId;
  /** When the newest blob's snapshot was made; undefined without one. */
  newest: number | undefined;
  conflicts: number;
  members: number;
  /** Generations that the active member lacks that lacks most of ours. */
  lag: number;
  damaged: number;
  /** Of packs. */
  storedBytes: number;
}

export interface Facts {
  volsets: number;
  shown: VolsetFacts[];
  queue: { waiting: number; dead: number };
  stamps: Stamp[];
  /** Those that brought most, by token id. */
  usage: [owner: string, bytes: number][];
  freeBytes: number | undefined;
}

export class FactReader {
  readonly #meta: HubMeta;
  readonly #transfer: TransferService;
  readonly #cached: Cached<Facts>;

  constructor(meta: HubMeta, transfer: TransferService, now: () => number) {
    this.#meta = meta;
    this.#transfer = transfer;
    this.#cached = new Cached(() => this.#read(), FRESH_MS, now);
  }

  get(): Promise<Facts> {
    return this.#cached.get();
  }

  async #read(): Promise<Facts> {
    const meta = this.#meta;
    const volsets = await meta.listVolsets();
    const latest = [...volsets].sort((a, b) => b.snapshots - a.snapshots || (a.id < b.id ? -1 : 1));
    const ids = latest.slice(0, MAX_VOLSETS).map(({ id }) => id);
    const space = await this.#transfer.space?.(ids);
    const shown: VolsetFacts[] = [];
    for (const id of ids) shown.push({ ...(await this.#volset(id)), storedBytes: space?.storedBytes[id] ?? 0 });
    const queue = { waiting: 0, dead: 0 };
    for (const { waiting, dead } of await meta.queueCounts()) {
      queue.waiting += waiting;
      queue.dead += dead;
    }
    const usage = Object.entries(await meta.usage()).sort((a, b) => b[1] - a[1]);
    return {
      volsets: volsets.length,
      shown,
      queue,
      stamps: await meta.stamps(),
      usage: usage.slice(0, MAX_TOKENS),
      freeBytes: space?.freeBytes,
    };
  }

  async #volset(volset: VolsetId): Promise<Omit<VolsetFacts, 'storedBytes'>> {
    const meta = this.#meta;
    const head = await meta.blobHead(volset);
    const [last] = head > 0 ? await meta.numberedBlobs(volset, head, head, 1) : [];
    const newest = last && (await meta.findSnapshot(volset, last.snapshot))?.body.created;
    const members = (await meta.listMembers(volset)).filter(({ state }) => state === 'active');
    return {
      volset,
      newest,
      conflicts: (await meta.listConflicts(volset)).length,
      members: members.length,
      lag: members.reduce((most, { behind = 0 }) => Math.max(most, behind), 0),
      damaged: (await meta.damagedBlobs(volset)).length,
    };
  }
}
