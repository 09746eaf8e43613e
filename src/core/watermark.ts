/**
 * Merges the state of a peer (all keys at one revision) with the live feed of its changes into a view, for consumers
 * that have no log of their own. Keys are paths (path-tree.ts). Each key has a watermark: the revision up to which we
 * know of it. The rules, which stand in small methods of their own:
 *
 * - Feed: what lies at or below the floor (the last whole state) is known. A put applies where it is newer than the key's
 *   watermark. A deletion takes what is older at and under its key, and while a state runs leaves a tombstone.
 * - State: an item is skipped where the newest tombstone over it is newer than the state. Its watermark becomes the
 *   state's revision. At the end what was not marked is swept; a truncated state never sweeps.
 * - A state older than what is needed, or than anything we were told, is refused. After a gap in the feed a new one is needed.
 * - One view never holds data of two stores.
 *
 * Nothing is queued: memory is the view, and while a state runs a bounded number of tombstones.
 */
import { PlaitError } from './errors.ts';
import type { StoreId } from './ids.ts';
import { keysOver, PathTree, pathKeyFault } from './path-tree.ts';
import type { Checkpoint, ViewChange, ViewEvent, ViewStatus, WatermarkOptions } from './watermark-types.ts';

export type { Checkpoint, ViewChange, ViewEvent, ViewStatus, WatermarkOptions } from './watermark-types.ts';

interface Entry<V> {
  value: V;
  /** The watermark. */
  mark: number;
}

interface RunningState {
  revision: number;
  items: number;
  tombstones: Map<string, number>;
}

const protocol = (message: string): PlaitError =>
  new PlaitError('protocol', message, { hint: 'the other side does not keep to the protocol; update it' });

export class WatermarkTracker<V> {
  readonly #entries = new PathTree<Entry<V>>();
  readonly #same: (a: V, b: V) => boolean;
  readonly #maxKeys: number;
  readonly #maxTombstones: number;
  #store: StoreId | null;
  #cursor: number;
  #floor: number;
  #need: number | undefined;
  /** The peer's revision when the feed was opened; undefined: there is no feed. */
  #head: number | undefined;
  #state: RunningState | undefined;

  constructor(options: WatermarkOptions<V> = {}, from?: Checkpoint<V>) {
    this.#same = options.same ?? Object.is;
    this.#maxKeys = options.maxKeys ?? 1_000_000;
    this.#maxTombstones = options.maxTombstones ?? 100_000;
    this.#store = from?.store ?? null;
    this.#cursor = from?.cursor ?? 0;
    this.#floor = from?.floor ?? 0;
    // Before the first contact a state is needed, at a revision that only the peer can tell.
    this.#need = this.#store === null ? Infinity : (from?.need ?? undefined);
    for (const { key, value, mark } of from?.entries ?? []) this.#entries.set(key, { value, mark });
  }

  /** Where the feed is to be opened; undefined: from now on. */
  get resumeAt(): number | undefined {
    return this.#store === null ? undefined : this.#cursor;
  }

  /** A state at or above this revision is needed; undefined: none is. */
  get needed(): number | undefined {
    return this.#need;
  }

  /** The view is the peer as of this revision; undefined: it is not whole. */
  get revision(): number | undefined {
    return this.#need === undefined ? Math.max(this.#floor, this.#cursor) : undefined;
  }

  /** Never ahead of the view. */
  get status(): ViewStatus {
    if (this.#head === undefined) return { status: 'waiting' };
    const { revision } = this;
    if (revision === undefined || revision < this.#head) return { status: 'resync' };
    return { status: 'in-sync', revision };
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** All at and under a key; '' = all there is. In no particular order. */
  *view(key = ''): Generator<[key: string, value: V]> {
    for (const [path, { value }] of this.#entries.under(key)) yield [path, value];
  }

  checkpoint(): Checkpoint<V> {
    const entries = [...this.#entries.under('')].map(([key, { value, mark }]) => ({ key, value, mark }));
    // Before the first contact the need is known without being written down; JSON has no Infinity.
    const need = this.#store === null ? null : (this.#need ?? null);
    return { store: this.#store, cursor: this.#cursor, floor: this.#floor, need, entries };
  }

  /**
   * A feed is open: `after` and `head` as it says. Where it does not go on at `resumeAt` there is a gap, and a state at
   * `head` or later is needed. Throws `identity` where another store answers, `rollback` where the same one has gone back.
   */
  opened(feed: { store: StoreId; after: number; head: number }): void {
    this.#requireStore(feed.store);
    const told = Math.max(this.#floor, this.#cursor, this.#store === null ? 0 : (this.#need ?? 0));
    if (feed.head < told) throw wentBack(feed.head, told);
    if (this.resumeAt !== feed.after) {
      // Deletions in the gap left no tombstone.
      this.abandon();
      this.#need = this.neededAfterGap(feed.head);
      this.#cursor = feed.after;
    }
    this.#store = feed.store;
    this.#head = feed.head;
  }

  /** The feed was cut. A state that is running may go on: the feed does too, at `resumeAt`. */
  lost(): void {
    this.#head = undefined;
  }

  /** One transaction of the feed, or a mark (no changes). Key '' deletes all. Where it both deletes and puts, what it puts stays. */
  feed(revision: number, changes: ViewChange<V>[]): ViewEvent<V>[] {
    if (this.#head === undefined) throw new PlaitError('unexpected', 'a change came without a feed');
    if (revision <= this.#cursor) return [];
    const [puts, deletions] = [changes.filter(isPut), changes.filter((change) => !isPut(change))];
    // Before anything changes: the view is never half a transaction.
    for (const { key } of deletions) if (key !== '') requireKey(key);
    this.#requireRoom(puts.map(({ key }) => key));
    this.#cursor = revision;
    if (this.isKnown(revision)) return [];
    const events = puts.flatMap(({ key, value }) => this.#put(key, value, revision, revision));
    for (const { key } of deletions) events.push(...this.#deleteUnder(key, revision));
    return events;
  }

  /** A whole state as of `revision` begins. `stale`: it is too old to be of use; ask for one at `needed` or later. */
  begin(store: StoreId, revision: number): 'taken' | 'stale' {
    this.#requireStore(store);
    if (this.isStale(revision)) return 'stale';
    this.#state = { revision, items: 0, tombstones: new Map() };
    // From the first item to the end the view is neither what it was nor what it will be.
    this.#need = Math.max(this.#need ?? 0, revision);
    return 'taken';
  }

  /** `revision`: of the key's last change, where it is known. Nothing happens where the state was given up meanwhile. */
  item(key: string, value: V, revision?: number): ViewEvent<V>[] {
    const state = this.#state;
    if (state === undefined) return [];
    this.#requireRoom([key]);
    if (revision !== undefined && revision > state.revision)
      throw protocol('a part of a state is newer than the state');
    state.items++;
    if (this.tombstoneOver(state.tombstones, key) > state.revision) return [];
    return this.#put(key, value, revision ?? state.revision, state.revision);
  }

  /**
   * The state is whole, if it had `items` items; else it was truncated and is given up. `again`: it was given up, or
   * something newer is needed by now.
   */
  end(items: number): { events: ViewEvent<V>[]; again: boolean } {
    const state = this.#state;
    this.#state = undefined;
    if (state === undefined || state.items !== items) return { events: [], again: this.#need !== undefined };
    const { revision } = state;
    const left = [...this.#entries.under('')].filter(([, { mark }]) => this.isLeftOver(mark, revision));
    const events = left.map(([key, { value }]) => this.#drop(key, value, revision));
    this.#floor = Math.max(this.#floor, revision);
    if (this.#need !== undefined && revision >= this.#need) this.#need = undefined;
    return { events, again: this.#need !== undefined };
  }

  /** The state that was running ended early. What came of it stays; nothing is swept, and another one is needed. */
  abandon(): void {
    this.#state = undefined;
  }

  protected isOther(store: StoreId): boolean {
    return this.#store !== null && store !== this.#store;
  }

  /** A change that the last whole state contains. */
  protected isKnown(revision: number): boolean {
    return revision <= this.#floor;
  }

  /** Of what the feed told before a state began no tombstone is left: an older state would bring it back. */
  protected isStale(revision: number): boolean {
    return revision < Math.max(this.#need ?? 0, this.#cursor, this.#floor);
  }

  protected neededAfterGap(head: number): number | undefined {
    const need = this.#need ?? 0;
    return need === Infinity ? head : Math.max(need, head);
  }

  protected isNewer(revision: number, mark: number): boolean {
    return revision > mark;
  }

  protected isLeftOver(mark: number, revision: number): boolean {
    return mark < revision;
  }

  /** A deletion that the state knows of needs no tombstone. */
  protected bury(tombstones: Map<string, number>, key: string, revision: number, state: number): void {
    if (revision > state) tombstones.set(key, revision);
  }

  /** The newest over a key and all above it, which need not be the nearest. */
  protected tombstoneOver(tombstones: ReadonlyMap<string, number>, key: string): number {
    let newest = 0;
    if (tombstones.size > 0) for (const over of keysOver(key)) newest = Math.max(newest, tombstones.get(over) ?? 0);
    return newest;
  }

  #put(key: string, value: V, revision: number, mark: number): ViewEvent<V>[] {
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#entries.set(key, { value, mark });
      return [{ type: 'new', key, value, revision }];
    }
    const applies = this.isNewer(revision, known.mark);
    known.mark = Math.max(known.mark, mark);
    if (!applies) return [];
    const before = known.value;
    known.value = value;
    return this.#same(before, value) ? [] : [{ type: 'updated', key, value, before, revision }];
  }

  #deleteUnder(key: string, revision: number): ViewEvent<V>[] {
    this.#leaveTombstone(key, revision);
    const older = [...this.#entries.under(key)].filter(([, { mark }]) => mark < revision);
    return older.map(([path, { value }]) => this.#drop(path, value, revision));
  }

  #leaveTombstone(key: string, revision: number): void {
    const state = this.#state;
    if (state === undefined) return;
    this.bury(state.tombstones, key, revision, state.revision);
    if (state.tombstones.size <= this.#maxTombstones) return;
    this.abandon();
    this.#need = Math.max(this.#need ?? 0, revision);
  }

  #drop(key: string, before: V, revision: number): ViewEvent<V> {
    this.#entries.delete(key);
    return { type: 'deleted', key, before, revision };
  }

  #requireStore(store: StoreId): void {
    if (!this.isOther(store)) return;
    throw new PlaitError('identity', `store ${store} answers, not ${this.#store}`, {
      hint: 'throw the view away and begin a new one if it was replaced on purpose',
    });
  }

  #requireRoom(keys: string[]): void {
    for (const key of keys) requireKey(key);
    const more = keys.filter((key) => this.#entries.get(key) === undefined).length;
    if (this.#entries.size + more <= this.#maxKeys) return;
    throw new PlaitError('quota', `a view of more than ${this.#maxKeys} keys`, { hint: 'follow a part of it' });
  }
}

function requireKey(key: string): void {
  const fault = pathKeyFault(key);
  if (fault !== undefined) throw protocol(`the other side sent ${fault}`);
}

const isPut = <V>(change: ViewChange<V>): change is { key: string; value: V } => !('deleted' in change);

const wentBack = (head: number, told: number): PlaitError =>
  new PlaitError('rollback', `the other side is at revision ${head}, but was at ${told} before`, {
    hint: 'a backup was put back there; throw the view away and begin a new one',
  });
