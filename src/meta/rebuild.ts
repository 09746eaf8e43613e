/**
 * Makes replicated metadata again from the generations found in packs. They may come in any order and more than once;
 * what cannot be applied because something before it is missing is reported, the rest goes through.
 */
import { PlaitError } from '../core/errors.ts';
import type { StoreId, VolsetId } from '../core/ids.ts';
import type { Generation } from '../core/records.ts';
import { recordId } from '../core/records.ts';
import type { MetaStore } from './contract.ts';

export interface RebuildReport {
  /** Generations taken in. */
  generations: number;
  /** Left out, for want of an earlier generation or record, or because they contradict what was applied. */
  left: { volset: VolsetId; store: StoreId; generation: number; reason: string }[];
}

interface Item {
  volset: VolsetId;
  generation: Generation;
}

/** Records applied in one transaction. */
const BATCH = 5000;

export function rebuildMeta(meta: MetaStore, generations: Iterable<Item>): RebuildReport {
  const rebuild = new Rebuild(meta);
  for (const item of generations) rebuild.add(item);
  return rebuild.finish();
}

class Rebuild {
  readonly #meta: MetaStore;
  /** Waiting for a generation number or a record id, by what they wait for. */
  readonly #waiting = new Map<string, Item[]>();
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
    for (const [need, items] of this.#waiting) {
      for (const item of items) this.#leave(item, `${need.slice(item.volset.length + 1)} is missing`);
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
    if (reason === 'gap') this.#await(item, generationKey(item, item.generation.generation - 1));
    else if (reason === 'unknown-parent') this.#await(item, `${item.volset} record ${id}`);
    else if (error.code === 'protocol' || error.code === 'integrity') this.#leave(item, error.message);
    else throw error;
  }

  #await(item: Item, need: string): void {
    const items = this.#waiting.get(need);
    if (items) items.push(item);
    else this.#waiting.set(need, [item]);
  }

  #release(item: Item): void {
    for (const next of this.#wanted(item)) this.#take(next);
  }

  /** What waited for this generation or one of its records. */
  #wanted(item: Item): Item[] {
    if (this.#waiting.size === 0) return [];
    const keys = [generationKey(item, item.generation.generation)];
    for (const record of item.generation.records) keys.push(`${item.volset} record ${recordId(record)}`);
    return keys.flatMap((key) => {
      const items = this.#waiting.get(key) ?? [];
      this.#waiting.delete(key);
      return items;
    });
  }

  #leave({ volset, generation: { store, generation } }: Item, reason: string): void {
    this.#report.left.push({ volset, store, generation, reason });
  }
}

const generationKey = ({ volset, generation: { store } }: Item, generation: number): string =>
  `${volset} generation ${generation} of store ${store}`;
