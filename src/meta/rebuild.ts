/**
 * Makes replicated metadata again from the generations found in packs, those of forked chains and those that were
 * compacted included. They may come in any order and more than once; what cannot be applied because something before it
 * is missing is reported, the rest goes through.
 */
import { PlaitError } from '../core/errors.ts';
import type { StoreId, VolsetId } from '../core/ids.ts';
import type { Generation } from '../core/records.ts';
import { recordId } from '../core/records.ts';
import type { MetaStore } from './contract.ts';

export interface RebuildReport {
  /** Generations taken in. */
  generations: number;
  /** Left out, for want of an earlier generation or record, or because they are damaged. */
  left: { volset: VolsetId; store: StoreId; generation: number; reason: string }[];
}

interface Item {
  volset: VolsetId;
  generation: Generation;
}

/** Records applied in one transaction. */
const BATCH = 5000;

export function rebuildMeta(meta: MetaStore, generations: Iterable<Item>): RebuildReport {
  const rebuild = new MetaRebuild(meta);
  for (const item of generations) rebuild.add(item);
  return rebuild.finish();
}

/** The same for generations that come one by one. */
export class MetaRebuild {
  readonly #meta: MetaStore;
  /** Waiting for a generation or a record, by what they wait for. */
  readonly #waiting = new Map<string, { item: Item; lack: string }[]>();
  readonly #report: RebuildReport = { generations: 0, left: [] };
  #batch: Item[] = [];
  #records = 0;

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  add(item: Item): void {
    if (this.#batch.length > 0 && this.#batch[0].volset !== item.volset) this.#flush();
    this.#batch.push(item);
    this.#records += item.generation.count;
    if (this.#records >= BATCH) this.#flush();
  }

  finish(): RebuildReport {
    this.#flush();
    for (const waiting of this.#waiting.values()) {
      for (const { item, lack } of waiting) this.#leave(item, `${lack} is missing`);
    }
    return this.#report;
  }

  /** In order they go in together; else one by one, each when what it waits for is there. */
  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#records = 0;
    if (batch.length === 0) return;
    const last = batch[batch.length - 1].generation.store;
    try {
      const { generations } = this.#meta.apply(batch[0].volset, {
        peer: last,
        generations: batch.map((item) => item.generation),
      });
      this.#report.generations += generations;
      for (const item of batch) this.#release(item);
    } catch (error) {
      if (!(error instanceof PlaitError) || (error.code !== 'protocol' && error.code !== 'integrity')) throw error;
      for (const item of batch) this.#take(item);
    }
  }

  #take(first: Item): void {
    const ready = [first];
    for (let item = ready.pop(); item !== undefined; item = ready.pop()) {
      try {
        const { generations } = this.#meta.apply(item.volset, {
          peer: item.generation.store,
          generations: [item.generation],
        });
        this.#report.generations += generations;
        ready.push(...this.#wanted(item));
      } catch (error) {
        if (!(error instanceof PlaitError)) throw error;
        this.#postpone(item, error);
      }
    }
  }

  #postpone(item: Item, error: PlaitError): void {
    const { reason, id } = error.data ?? {};
    const { store, generation, previous } = item.generation;
    if (reason === 'gap') this.#await(item, previous, `generation ${generation - 1} of store ${store}`);
    else if (reason === 'unknown-parent') this.#await(item, String(id), `record ${id}`);
    else if (error.code === 'protocol' || error.code === 'integrity') this.#leave(item, error.message);
    else throw error;
  }

  #await(item: Item, hash: string, lack: string): void {
    const key = keyOf(item, hash);
    const waiting = this.#waiting.get(key);
    if (waiting) waiting.push({ item, lack });
    else this.#waiting.set(key, [{ item, lack }]);
  }

  #release(item: Item): void {
    for (const next of this.#wanted(item)) this.#take(next);
  }

  /** What waited for this generation or one of its records. */
  #wanted(item: Item): Item[] {
    if (this.#waiting.size === 0) return [];
    const { hash, records } = item.generation;
    return [hash, ...records.map(recordId)].flatMap((id) => {
      const key = keyOf(item, id);
      const waiting = this.#waiting.get(key) ?? [];
      this.#waiting.delete(key);
      return waiting.map((each) => each.item);
    });
  }

  #leave({ volset, generation: { store, generation } }: Item, reason: string): void {
    this.#report.left.push({ volset, store, generation, reason });
  }
}

/** Hashes of generations and ids of records are never alike: each is made behind a prefix of its kind. */
const keyOf = ({ volset }: Item, hash: string): string => `${volset} ${hash}`;
