/** A remote that keeps every state it was ever in; its branches' tips are `STORE:REVISION`. */
import type { Failure, Marker } from '../../src/core/follow.ts';
import type { InstallId, StoreId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import type { Random } from '../support/seed.ts';

export interface Change {
  revision: number;
  branch: string;
  tip: string;
}

const BRANCHES = ['a', 'b', 'c', 'd'];

export class ModelRemote {
  readonly install: number;
  readonly epoch: number;
  readonly store: StoreId;
  /** Where this epoch began: what was before is not told. */
  readonly first: number;
  revision = 0;
  oldest = 0;
  /** The largest number of a blob. */
  blobs = 0;
  readonly history: ReadonlyMap<string, string>[] = [new Map()];
  readonly log: Change[] = [];
  readonly #absent = new Set<string>();

  /** A new epoch goes on with what was there, at a revision of its own. */
  constructor(install: number, epoch: number, before?: ModelRemote) {
    this.install = install;
    this.epoch = epoch;
    this.store = storeId(install.toString(16).padStart(32, '0') as InstallId, epoch);
    for (const [branch, tip] of before?.history[before.revision] ?? []) this.#put(branch, tip);
    this.first = this.revision;
    this.oldest = this.first;
    if (before) for (const tip of before.#absent) this.#absent.add(tip);
  }

  write(random: Random): void {
    const tip = `${this.store}:${this.revision + 1}`;
    this.#put(random.pick(BRANCHES), tip);
    if (random.chance(0.15)) this.#absent.add(tip);
    else this.blobs++;
  }

  blobComes(): boolean {
    const [tip] = this.#absent;
    if (tip === undefined) return false;
    this.#absent.delete(tip);
    this.blobs++;
    return true;
  }

  lacks(tip: string): boolean {
    return this.#absent.has(tip);
  }

  compact(random: Random): void {
    this.oldest = Math.max(this.oldest, this.revision - random.below(3));
  }

  /** Of a store, or of a tip that one made. */
  isOther(name: string): boolean {
    return !name.startsWith(this.store.slice(0, 33));
  }

  refuses(asked: Marker | 'now'): Failure | undefined {
    if (asked === 'now') return undefined;
    if (asked.store !== this.store) return { code: 'identity', message: 'another store' };
    if (asked.revision > this.revision) return { code: 'ahead', message: 'not there yet' };
    return asked.revision < this.oldest ? { code: 'compacted', message: 'thinned out' } : undefined;
  }

  #put(branch: string, tip: string): void {
    this.revision++;
    this.log.push({ revision: this.revision, branch, tip });
    this.history.push(new Map([...this.history[this.history.length - 1], [branch, tip]]));
  }
}
