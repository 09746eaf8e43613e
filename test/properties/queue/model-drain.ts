/**
 * A drain as the protocol means it, one message at a time, over a real queue. `watch` hears of what it does, so that the
 * invariants can be asked while it runs; it, the hub and the store may throw at any place.
 */
import { PlaitError } from '../../../src/core/errors.ts';
import type { SnapshotId } from '../../../src/core/ids.ts';
import type { Interval } from '../../../src/core/intervals.ts';
import { backOff, Credits } from '../../../src/core/queue.ts';
import type { MetaStore, Outcome, Priority, QueueItem } from '../../../src/meta/contract.ts';
import { V } from '../../meta/helpers.ts';
import type { Random } from '../../support/seed.ts';
import type { Chunk, ModelHub } from './model-hub.ts';
import type { Variant } from './variants.ts';

/** Chunks in a part, and items of one priority that are agreed on at once. */
export const PART = 2;
export const WINDOW = 4;

export interface Drain {
  meta: MetaStore;
  hub: ModelHub;
  remote: string;
  now: number;
  random: Random;
  missing: Interval[];
  /** All that the snapshot needs; undefined for those that cannot be read any more. */
  chunksOf(id: SnapshotId): (Chunk | undefined)[];
  numberOf(id: SnapshotId): number;
  variant: Variant | undefined;
  /** Under a variant: what the process accepted itself. */
  inMemory: ReadonlySet<SnapshotId>;
  watch: {
    /** Before each message: the line or a process may fail here. */
    message(): void;
    chosen(priority: number, ready: boolean[]): void;
    first(item: QueueItem, hand: ReadonlySet<SnapshotId>): void;
  };
}

interface Stream {
  id: SnapshotId;
  rest: Chunk[];
}

const ERROR = { code: 'no-space', message: 'it does not fit' } as const;

export function drain(options: Drain): void {
  new Draining(options).run();
}

class Draining {
  readonly #options: Drain;
  readonly #credits = new Credits();
  readonly #streams: Stream[][] = [[], [], []];
  readonly #hand = new Set<SnapshotId>();
  readonly #sent = new Set<Chunk>();

  constructor(options: Drain) {
    this.#options = options;
  }

  run(): void {
    for (let turns = 0; ; turns++) {
      // Far more than anything that is ever queued: it makes no progress.
      if (turns > 5000) throw new Error('Q9: the drain does not end');
      for (const priority of [2, 1, 0] as const) if (this.#streams[priority].length === 0) this.#agree(priority);
      const ready = this.#streams.map((streams) => streams.length > 0);
      const priority = this.#choose(ready);
      if (priority < 0) return;
      this.#options.watch.chosen(priority, ready);
      if (!this.#sendPart(priority)) return;
    }
  }

  #choose(ready: boolean[]): number {
    if (this.#options.variant === 'the highest priority always goes first') return ready.lastIndexOf(true);
    return this.#credits.next(ready);
  }

  #due(priority: Priority): QueueItem[] {
    const { meta, remote, now, variant, inMemory } = this.#options;
    const filter = variant === 'what is queued for one goes to another' ? {} : { remote };
    let due = meta
      .queue({ ...filter, volset: V, dead: false }, { limit: 200 })
      .filter((item) => item.priority === priority && item.notBefore <= now && !this.#hand.has(item.snapshot));
    if (variant === 'the queue on the disk is not read') due = due.filter(({ snapshot }) => inMemory.has(snapshot));
    if (variant === 'the last accepted goes first') due.reverse();
    return due.slice(0, WINDOW);
  }

  /** Offers the next items of a priority; what is wanted becomes a stream of parts. */
  #agree(priority: Priority): void {
    const { hub, meta, watch, missing, variant } = this.#options;
    const items = this.#due(priority);
    if (items.length === 0) return;
    for (const item of items) {
      watch.first(item, this.#hand);
      this.#hand.add(item.snapshot);
    }
    const offers = items.map(({ snapshot: id }) => {
      const chunks = this.#options.chunksOf(id).map((chunk) => chunk ?? -1);
      return { id, number: this.#options.numberOf(id), chunks };
    });
    watch.message();
    const answers = hub.offer(meta.self.store, offers, missing);
    watch.message();
    for (const [i, answer] of answers.entries()) {
      const { snapshot, attempts } = items[i];
      if (answer === 'have') this.#settle({ snapshot, outcome: 'notWanted' });
      else if (answer === 'rejected') this.#settle({ snapshot, outcome: 'rejected', error: ERROR });
      else if (answer === 'no-space') this.#retry(snapshot, attempts);
      else this.#want(snapshot, priority);
    }
    if (variant === 'an offer is taken for an acknowledgement')
      for (const { snapshot } of items) this.#settle({ snapshot, outcome: 'durable' });
    else if (this.#streams[priority].length === 0) this.#agree(priority);
  }

  #retry(snapshot: SnapshotId, attempts: number): void {
    const { now, random, variant } = this.#options;
    const notBefore = now + backOff(attempts, () => random.below(1000) / 1000);
    const removes = variant === 'a failure that may pass removes';
    this.#settle(
      removes ? { snapshot, outcome: 'cancelled' } : { snapshot, outcome: 'retry', error: ERROR, notBefore },
    );
  }

  #want(snapshot: SnapshotId, priority: Priority): void {
    const { hub, watch, chunksOf, variant } = this.#options;
    const chunks = chunksOf(snapshot);
    if (chunks.includes(undefined)) {
      if (variant === 'a missing chunk stops everything') throw new PlaitError('blob-absent', 'a chunk is missing');
      const error = { code: 'blob-absent', message: 'a chunk of it is not here' } as const;
      this.#settle({ snapshot, outcome: 'missing', error });
      return;
    }
    watch.message();
    const there = new Set(hub.have(chunks as Chunk[]));
    this.#streams[priority].push({ id: snapshot, rest: (chunks as Chunk[]).filter((chunk) => !there.has(chunk)) });
  }

  #settle(outcome: Outcome): void {
    const { meta, remote } = this.#options;
    meta.settle(V, remote, [outcome]);
    this.#hand.delete(outcome.snapshot);
  }

  /** False: the hub refused what came; this run ends, and the next repeats. */
  #sendPart(priority: number): boolean {
    const { hub, watch, random, variant } = this.#options;
    const [stream] = this.#streams[priority];
    if (variant !== 'everything is sent again') stream.rest = stream.rest.filter((chunk) => !this.#sent.has(chunk));
    const part = stream.rest.slice(0, PART).map((chunk) => ({ chunk, bytes: random.chance(0.01) ? -chunk : chunk }));
    if (variant === 'removed when it is sent') this.#settle({ snapshot: stream.id, outcome: 'durable' });
    watch.message();
    const complete = hub.upload(part);
    watch.message();
    if (complete === undefined) return false;
    for (const { chunk } of part) this.#sent.add(chunk);
    stream.rest = stream.rest.slice(PART);
    for (const snapshot of complete) if (this.#hand.has(snapshot)) this.#settle({ snapshot, outcome: 'durable' });
    // Others may have had the same chunks.
    this.#streams[priority] = this.#streams[priority].filter(({ id, rest }) => rest.length > 0 && this.#hand.has(id));
    return true;
  }
}
