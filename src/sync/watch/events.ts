/** What `watch` tells while it runs; one JSON line each (docs/json-output.md). Fields are only ever added. */
import type { ErrorCode } from '../../core/errors.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { JsonPath, SnapshotResult } from '../results.ts';

interface About {
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  /** This store's revision of the volset. */
  rev: number;
  /** `volume:ID`, `snapshot:ID`, `remote:NAME`, `branch:NAME`; null: `path` says what it is about. */
  object: string | null;
}

/** Of the document of `snapshot`. */
type Made = Pick<
  SnapshotResult,
  | 'branch'
  | 'forkedFrom'
  | 'files'
  | 'bytes'
  | 'new'
  | 'changed'
  | 'deleted'
  | 'addedBytes'
  | 'storedBytes'
  | 'durationMs'
>;

export type WatchNews =
  | {
      /** From here on nothing is missed. */
      event: 'watching';
      type: 'status';
      dir: string;
      pushTo: string | null;
    }
  | (Partial<JsonPath> & {
      /** The first unsaved change that was noticed since the last look; there may be more, and it may be none. */
      event: 'changed';
      type: 'updated';
    })
  | {
      /** An application is writing in brackets: nothing is read until it has ended. */
      event: 'held';
      type: 'status';
      by: 'hold' | 'lock-file';
      holds: number;
      /** ISO 8601; null: no end is known. */
      until: string | null;
      lockFile: string | null;
    }
  | {
      /** Something else is in the way, often another command: tried again. */
      event: 'waiting';
      type: 'status';
      retryInMs: number;
      reason: { code: ErrorCode; message: string };
    }
  | (Made & {
      event: 'snapshot';
      type: 'new';
      snapshot: SnapshotId;
    })
  | {
      event: 'pushed';
      type: 'updated';
      remote: string;
      snapshots: number;
      bytes: number;
      durationMs: number;
    }
  | {
      /** Once for each reason; the queue keeps what is to be sent. */
      event: 'push-failed';
      type: 'problem';
      remote: string;
      code: ErrorCode;
      message: string;
      hint?: string;
      /** Snapshots that wait to be sent. */
      queued: number;
      retryInMs: number;
    }
  | (Partial<JsonPath> & {
      /** Told once as long as it lasts; the rest goes on. */
      event: 'problem';
      type: 'problem';
      code?: ErrorCode;
      /** Of one path: the word of `problems` in a snapshot's document. */
      what?: string;
      message: string;
      hint?: string;
    });

export type WatchEvent = About & WatchNews;
