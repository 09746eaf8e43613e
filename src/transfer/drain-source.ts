/** Where a drain takes its work from: the persisted queue, read a page at a time. */
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { MetaStore, Outcome, Priority, QueueItem } from '../meta/contract.ts';

export type Work = Pick<QueueItem, 'snapshot' | 'priority' | 'attempts'>;

export interface WorkSource {
  /** At most `limit` items to send now, of priority `least` or higher, in order; none of those that are in hand. */
  take(limit: number, least: Priority): Work[];
  /** What became of items in hand, durably. */
  settle(outcomes: Outcome[]): void;
  /** Back from hand, to be taken again; `alone`: by itself, as one of them may be what made the others fail. */
  giveBack(ids: SnapshotId[], alone?: boolean): void;
  /** In hand. */
  readonly inHand: Iterable<Work>;
}

/** Shares of one page, so that no priority waits until all above it have been sent. Low, medium, high. */
const SHARES: readonly number[] = [1, 3, 9];
const PRIORITIES: readonly Priority[] = [2, 1, 0];
const PAGE = 500;

export interface QueuePagesOptions {
  meta: Pick<MetaStore, 'queue' | 'settle'>;
  volset: VolsetId;
  remote: string;
  /** Tried once each whatever their `notBefore` says. */
  insist?: Iterable<SnapshotId>;
  /** Milliseconds since the epoch: what may be tried from then on is left to the next run. */
  started: number;
}

/** Starts at the head each time: what is done has left it, and what was raised or enqueued meanwhile stands there. */
export class QueuePages implements WorkSource {
  readonly #options: QueuePagesOptions;
  readonly #insist: Set<SnapshotId>;
  readonly #hand = new Map<SnapshotId, Work>();
  readonly #alone = new Set<SnapshotId>();

  constructor(options: QueuePagesOptions) {
    this.#options = options;
    this.#insist = new Set(options.insist);
  }

  get inHand(): Iterable<Work> {
    return this.#hand.values();
  }

  take(limit: number, least: Priority): Work[] {
    const found = PRIORITIES.map((priority) => (priority < least ? [] : this.#due(priority, limit)));
    const together = found.map((items) => items.filter(({ snapshot }) => !this.#alone.has(snapshot)));
    const work = shared(together, limit);
    // One by itself, once there is nothing else.
    if (work.length === 0) work.push(...found.flat().slice(0, 1));
    for (const item of work) this.#hand.set(item.snapshot, item);
    return work;
  }

  settle(outcomes: Outcome[]): void {
    if (outcomes.length === 0) return;
    this.#options.meta.settle(this.#options.volset, this.#options.remote, outcomes);
    for (const { snapshot } of outcomes) {
      this.#hand.delete(snapshot);
      this.#insist.delete(snapshot);
      this.#alone.delete(snapshot);
    }
  }

  giveBack(ids: SnapshotId[], alone = false): void {
    for (const id of ids) {
      this.#hand.delete(id);
      if (alone) this.#alone.add(id);
    }
  }

  #due(priority: Priority, limit: number): Work[] {
    const { meta, volset, remote, started } = this.#options;
    const due: Work[] = [];
    for (let after = before(priority, remote, volset); due.length < limit; ) {
      const page = meta.queue({ remote, volset, dead: false }, { limit: PAGE, after });
      for (const item of page) {
        if (item.priority !== priority) return due;
        const { snapshot, attempts, notBefore } = item;
        if (this.#hand.has(snapshot) || !(notBefore <= started || this.#insist.has(snapshot))) continue;
        if (due.length < limit) due.push({ snapshot, priority, attempts });
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      after = last;
    }
    return due;
  }
}

/** The place in the queue before all items of a priority; only priority and number say where an item stands. */
const before = (priority: Priority, remote: string, volset: VolsetId): QueueItem => ({
  n: 0,
  remote,
  volset,
  snapshot: '' as SnapshotId,
  priority,
  attempts: 0,
  notBefore: 0,
  added: 0,
  dead: false,
});

/** High first; of what is too much for one page each priority gets its share. */
function shared(found: Work[][], limit: number): Work[] {
  const sum = SHARES.reduce((a, b) => a + b, 0);
  let room = limit;
  const counts = found.map((items, i) => {
    const kept = found.slice(i + 1).map((lower, k) => {
      const share = Math.max(1, Math.floor((limit * SHARES[PRIORITIES[i + 1 + k]]) / sum));
      return Math.min(lower.length, share);
    });
    const count = Math.max(0, Math.min(items.length, room - kept.reduce((a, b) => a + b, 0)));
    room -= count;
    return count;
  });
  return found.flatMap((items, i) => items.slice(0, counts[i]));
}
