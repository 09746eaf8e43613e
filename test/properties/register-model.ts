/**
 * Stores that know nothing but the writes of one register, and exchange them by the rules of src/core: fast enough for
 * thousands of histories. The real stores take part in test/properties/simulation.test.ts.
 */
import { conflictId } from '../../src/core/conflict.ts';
import { byStampAndId, type KnownWrite, unfollowed } from '../../src/core/heads.ts';
import type { ConflictId, StoreId, WriteId } from '../../src/core/ids.ts';
import { type Policy, reconcile, resolutionOf } from '../../src/core/reconcile.ts';
import { recordId, type Write } from '../../src/core/records.ts';
import { nextStamp, ZERO_STAMP } from '../../src/core/stamp.ts';
import type { Random } from '../support/seed.ts';

const REGISTER = 'volset:description';
export type Round = 'ring' | 'ring at once' | 'ring with failures' | 'random pairs' | 'both ways';

interface Store {
  id: StoreId;
  known: Set<WriteId>;
  conflicts: Map<ConflictId, WriteId[]>;
  /** Milliseconds that this store's clock is wrong by. */
  skew: number;
}

export class RegisterStores {
  readonly #writes = new Map<WriteId, KnownWrite>();
  readonly #stores: Store[];
  readonly #random: Random;
  readonly #policy: Policy | 'mixed';
  #now = 1_700_000_000_000;

  constructor(random: Random, policy: Policy | 'mixed') {
    this.#random = random;
    this.#policy = policy;
    this.#stores = Array.from({ length: 2 + random.below(4) }, (_, i) => ({
      id: `${(i + 1).toString(16).repeat(32)}.1` as StoreId,
      known: new Set(),
      conflicts: new Map(),
      skew: random.chance(0.5) ? (random.below(2) ? 1 : -1) * random.below(90_000_000) : 0,
    }));
    // Some begin with a common write, some with nothing in common.
    if (random.chance(0.7)) {
      this.#edit(this.#stores[0], 'first');
      for (const store of this.#stores) for (const id of this.#stores[0].known) store.known.add(id);
    }
  }

  editAndExchange(): void {
    for (let step = 6 + this.#random.below(20); step > 0; step--) {
      const [a, b] = [this.#random.pick(this.#stores), this.#random.pick(this.#stores)];
      if (this.#random.chance(0.6)) this.#edit(a, `value ${this.#random.below(4)}`);
      else if (a !== b) this.#pull(a, new Set(b.known));
    }
  }

  /** How many rounds it took; `limit` + 1 where it did not end. */
  exchangeUntilQuiet(round: Round, limit: number): number {
    for (let n = 0; n <= limit; n++) {
      if (this.#isQuiet()) return n;
      this.#exchange(round);
    }
    return limit + 1;
  }

  /** After exchanging until quiet: equal heads, and a record of every value that does not show. */
  faults(): string[] {
    const found: string[] = [];
    const heads = new Set(this.#stores.map((store) => this.#head(store)?.id));
    if (heads.size > 1) found.push(`${heads.size} different heads`);
    for (const store of this.#stores) {
      const recorded = new Set([...store.conflicts.values()].flat());
      for (const write of this.#unfollowed(store)) {
        if (write.value !== this.#head(store)?.value && !recorded.has(write.id)) found.push('a rival without a record');
      }
      for (const write of this.#known(store)) {
        if (!write.resolution) continue;
        if (!store.conflicts.has(conflictId('volset', 'description', write.parents)))
          found.push('a decision without a record');
      }
    }
    return found;
  }

  #exchange(round: Round): void {
    const stores = this.#stores;
    const next = (i: number): Store => stores[(i + 1) % stores.length];
    if (round === 'random pairs' || round === 'both ways') {
      for (let i = 0; i < 2 * stores.length; i++) {
        const [a, b] = [this.#random.pick(stores), this.#random.pick(stores)];
        if (a === b) continue;
        this.#pull(a, new Set(b.known));
        // As a hub the other takes in what was pushed and decides nothing.
        if (round === 'both ways') this.#pull(b, new Set(a.known), true);
      }
      return;
    }
    const seen = round === 'ring' ? undefined : stores.map((store) => new Set(store.known));
    stores.forEach((store, i) => {
      if (round === 'ring with failures' && this.#random.chance(0.3)) return;
      this.#pull(store, seen?.[(i + 1) % stores.length] ?? new Set(next(i).known));
    });
  }

  #pull(store: Store, theirs: Set<WriteId>, isHub = false): void {
    const current = this.#head(store);
    const target = this.#top(theirs);
    const fresh = [...theirs].filter((id) => !store.known.has(id));
    for (const id of fresh) store.known.add(id);
    const policy = isHub
      ? undefined
      : this.#policy === 'mixed'
        ? this.#random.pick(['target', 'current', 'newest'] as const)
        : this.#policy;
    // What was followed meanwhile is no side any more.
    const isSide = this.#unfollowed(store).some(({ id }) => id === current?.id);
    const decided = reconcile(isSide ? current : undefined, target, policy, (id) => this.#writes.get(id));
    if (decided.decision === 'conflict' && current && target) {
      this.#record(store, current.id, target.id);
      if (decided.resolution) this.#add(store, resolutionOf(REGISTER, current, target, decided.chosen, store.id));
    }
    for (const id of fresh) {
      const write = this.#writes.get(id) as KnownWrite;
      if (write.resolution) this.#record(store, write.parents[0], write.parents[1]);
    }
    this.#recordRivals(store);
  }

  #recordRivals(store: Store): void {
    const head = this.#head(store);
    const recorded = new Set([...store.conflicts.values()].flat());
    for (const write of this.#unfollowed(store)) {
      if (head && write.value !== head.value && !recorded.has(write.id)) this.#record(store, write.id, head.id);
    }
  }

  #record(store: Store, a: WriteId, b: WriteId): void {
    store.conflicts.set(conflictId('volset', 'description', [a, b]), [a, b]);
  }

  #edit(store: Store, value: string): void {
    this.#now += this.#random.below(5000);
    const seen = this.#unfollowed(store);
    const stamp = nextStamp(
      ZERO_STAMP,
      this.#now + store.skew,
      seen.map((write) => write.stamp),
    );
    const parents = seen.map((write) => write.id).sort();
    this.#add(store, { type: 'write', register: REGISTER, value, parents, stamp, author: store.id });
  }

  #add(store: Store, write: Write): void {
    const id = recordId(write) as WriteId;
    const { stamp, parents, value, resolution } = write;
    this.#writes.set(id, { id, stamp, parents, value, ...(resolution && { resolution }) });
    store.known.add(id);
  }

  #known = (store: Store): KnownWrite[] => [...store.known].map((id) => this.#writes.get(id) as KnownWrite);
  #unfollowed = (store: Store): KnownWrite[] => unfollowed(this.#known(store));
  #head = (store: Store): KnownWrite | undefined => this.#top(store.known);
  #top(ids: Iterable<WriteId>): KnownWrite | undefined {
    return [...ids]
      .map((id) => this.#writes.get(id) as KnownWrite)
      .sort(byStampAndId)
      .at(-1);
  }

  #isQuiet(): boolean {
    const [first] = this.#stores;
    return this.#stores.every(
      (store) => store.known.size === first.known.size && [...first.known].every((id) => store.known.has(id)),
    );
  }
}
