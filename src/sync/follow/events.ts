/** What `sync --follow` tells while it runs; one JSON line each (docs/json-output.md). Fields are only ever added. */
import type { ErrorCode } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';

/** waiting: no connection; resync: what there is is being taken; in-sync: all up to `rev` is here, and ours is there. */
export type FollowStatus = 'waiting' | 'resync' | 'in-sync';

interface About {
  remote: string;
  /** Name of the volset, null before it is known here; `volsetId` is its id, null before the remote has said which. */
  volset: string | null;
  volsetId: VolsetId | null;
  /** The remote's revision that is here durably; null before the first contact. */
  rev: number | null;
}

export type FollowEvent = About &
  (
    | {
        event: 'status';
        type: 'status';
        status: FollowStatus;
        /** Of waiting: milliseconds until the next try, and why. */
        retryInMs?: number;
        reason?: { code: ErrorCode; message: string };
      }
    | {
        /** A branch here or there; `object` is `branch:ID`. */
        event: 'branch';
        type: 'new' | 'updated' | 'deleted';
        object: string;
        name: string;
        side: 'here' | 'remote';
        from: string | null;
        to: string | null;
      }
    | {
        /** Data that came or went in one round. */
        event: 'data';
        type: 'updated';
        pushed: { snapshots: number; bytes: number };
        pulled: { snapshots: number; bytes: number };
      }
    | {
        /**
         * The working directory (`volume:ID`) was taken along (`updated`); or its unsaved changes or an application keep
         * it where it is, or something in it could not be written (`problem`).
         */
        event: 'volume';
        type: 'updated' | 'problem';
        object: string;
        /** Where it lies. */
        path: string;
        message?: string;
      }
    | {
        /** Of one item (`object`, where there is one), or of the remote as a whole; the rest goes on. */
        event: 'problem' | 'conflict' | 'diverged';
        type: 'problem';
        object: string | null;
        code?: ErrorCode;
        message: string;
        hint?: string;
      }
  );
