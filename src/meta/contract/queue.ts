/** What is to be sent to remotes, accepted durably. */
import type { ErrorCode } from '../../core/errors.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';

/** How soon an item of the queue goes: 2 = high (tips asked for by name), 1 = medium (other tips), 0 = low (history). */
export type Priority = 0 | 1 | 2;

/** One snapshot's blob that is to go to a remote. Of a (remote, volset, snapshot) there is one. */
export interface QueueItem {
  /** Order of acceptance in this store; never used again. */
  n: number;
  remote: string;
  volset: VolsetId;
  snapshot: SnapshotId;
  priority: Priority;
  /** Tries that ended with `retry`. */
  attempts: number;
  /** Milliseconds since the epoch before which nobody but an explicit push tries again; 0 = at once. */
  notBefore: number;
  /** Milliseconds since the epoch. */
  added: number;
  /** Why it is dead (`missing`, `rejected`) or what the last try met; absent: nothing yet. */
  error?: { code: ErrorCode; message: string };
  dead: boolean;
}

/** What became of an item. Only `durable` and `notWanted` remove it because it is done; `cancelled` by a user's word. */
export type Outcome =
  | { snapshot: SnapshotId; outcome: 'durable' | 'notWanted' | 'cancelled' }
  | { snapshot: SnapshotId; outcome: 'missing' | 'rejected'; error: NonNullable<QueueItem['error']> }
  | { snapshot: SnapshotId; outcome: 'retry'; error: NonNullable<QueueItem['error']>; notBefore: number };

export interface QueueFilter {
  remote?: string;
  volset?: VolsetId;
  snapshots?: SnapshotId[];
  dead?: boolean;
}

/** The transfer queue of this store, over all remotes. */
export interface MetaQueue {
  /**
   * Accepts items, durably, in the order given; answers how many are new. One that is there already keeps its place and
   * takes the higher priority; a dead one lives again.
   */
  enqueue(volset: VolsetId, remote: string, items: { snapshot: SnapshotId; priority: Priority }[], now: number): number;
  /** By priority (high first), then in order of acceptance; at most `limit` after item `after` of the last page. */
  queue(filter: QueueFilter, page?: { limit: number; after?: QueueItem }): QueueItem[];
  queueCounts(filter?: QueueFilter): { remote: string; volset: VolsetId; waiting: number; dead: number }[];
  /** Notes what became of items, all in one transaction; those that are not in the queue are passed over. */
  settle(volset: VolsetId, remote: string, outcomes: Outcome[]): void;
  /** Dead and waiting ones are to be tried at once. Answers how many. */
  requeue(filter: QueueFilter): number;
  /** Takes them out by the user's word. Answers how many. */
  unqueue(filter: QueueFilter): number;
}
