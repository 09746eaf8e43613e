/** What the machine of a follower is told, answers and knows; its rules are in follow.ts. */
import type { ErrorCode } from './errors.ts';
import type { StoreId } from './ids.ts';

export interface Marker {
  /** Who told the revision, with its epoch. */
  store: StoreId;
  revision: number;
}

export interface Failure {
  code: ErrorCode;
  message: string;
  hint?: string;
}

export type FollowInput =
  /** The feed is open behind revision `after`; the remote was at `head` by then. */
  | { input: 'opened'; store: StoreId; after: number; head: number }
  /** It was not opened. */
  | { input: 'refused'; error: Failure }
  /** All up to `revision` has been read and can be applied; `blobs` as the last mark said. */
  | { input: 'batch'; revision: number; blobs: number }
  /** An `apply` or `state` is done: all up to `revision` is here durably. */
  | { input: 'applied'; store: StoreId; revision: number; left: Left }
  /** What was read cannot be applied as it is (a fork, a loss): an ordinary session finds out. */
  | { input: 'unfit' }
  /** The feed ended, or what was to be done failed. The connection is given up with it. */
  | { input: 'failed'; of: 'feed' | 'work'; error: Failure }
  /** Something changed here; `owes`: so that the remote lacks it. */
  | { input: 'local'; owes: boolean };

/** What a round could not do and shall be tried again. */
export interface Left {
  /** Data of tips that the remote does not hold, or would not give. */
  lacking: boolean;
  /** The working directory, which unsaved changes keep where it is. */
  held: boolean;
}

export type Action =
  /** Without `after`: from now on. */
  | { do: 'open'; after?: Marker }
  /** An ordinary session, which must reach `min`. */
  | { do: 'state'; min: number }
  /** A round with what was read. `retry`: also where that is nothing new. */
  | { do: 'apply'; retry: boolean }
  /** Until an input comes, or the clock says `until`. */
  | { do: 'wait'; until: number | null }
  /** For good. Without an error: in sync, as `once` asks. */
  | { do: 'stop'; error?: Failure };

export interface FollowStanding {
  status: 'waiting' | 'resync' | 'in-sync';
  /** The remote's revision that is here; null before the first contact. */
  revision: number | null;
  /** Of waiting: when the next try is due, and why it was not done at once. */
  retryAt?: number;
  reason?: Failure;
}

export interface FollowSetup {
  /** Ends when in sync, and with what goes wrong for good or five times. */
  once: boolean;
  /** The feed begins by telling all there is (heads of volsets): no state is needed, nothing is resumed. */
  levels?: boolean;
  /** What may be left over from a run before: tried once the feed is open. */
  left?: Left;
}

export interface FollowState {
  readonly once: boolean;
  readonly levels: boolean;
  readonly marker: Marker | null;
  /** The marker is worth a try; else the feed is opened from now on. */
  readonly resumable: boolean;
  readonly feed: 'closed' | 'opening' | 'open';
  readonly work: 'none' | 'state' | 'apply';
  /** Only a session can say that all up to `goal` is here. */
  readonly needsState: boolean;
  /** Our changes are to be sent. */
  readonly dirty: boolean;
  /** Not in sync below this revision. */
  readonly goal: number;
  /** Read from the feed so far. */
  readonly heard: number;
  /** The largest number of a blob that the remote spoke of. */
  readonly blobs: number;
  /** What was read could not be applied, and no session has come so far since. */
  readonly unfit: boolean;
  readonly left: Left;
  /** When what is left is tried again, and how often it was in vain. */
  readonly retryAt: number | null;
  readonly retries: number;
  readonly openedAt: number;
  readonly triedAt: number;
  readonly notBefore: number;
  /** The volset is not there: a session that sends makes it. */
  readonly absent: boolean;
  /** In a row; for the back-off. */
  readonly failures: number;
  /** Failures that nothing explains, at the same marker. */
  readonly strikes: number;
  /** At this marker a new state was asked for already. */
  readonly renewed: boolean;
  readonly reason?: Failure;
  readonly ended?: { error?: Failure };
}
