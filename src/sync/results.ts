/** JSON documents of the verbs (docs/json-output.md). Fields are only ever added. */
import type { ErrorCode } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { jsonPath } from '../core/paths.ts';
import type { ConflictRow } from './conflict-rows.ts';

export type JsonPath = ReturnType<typeof jsonPath>;

export interface Moved {
  snapshots: number;
  chunks: number;
  /** Body bytes on the wire. */
  bytes: number;
}

export interface BranchOutcome {
  name: string;
  side: 'here' | 'remote';
  /**
   * replaced: took the other side's tip; its own line goes on as another branch. renamed: the other side had given it
   * another name than `was`.
   */
  action: 'new' | 'fast-forward' | 'up-to-date' | 'rejected' | 'behind' | 'ahead' | 'deleted' | 'replaced' | 'renamed';
  from: SnapshotId | null;
  to: SnapshotId | null;
  was?: string;
}

export interface DivergedBranch {
  branch: string;
  current: SnapshotId | null;
  target: SnapshotId | null;
  base: SnapshotId | null;
}

export interface ProblemRow extends Partial<JsonPath> {
  what: string;
  message: string;
  branch?: string;
  snapshot?: SnapshotId;
  /** Of a record that could not be taken as meant. */
  object?: string;
}

export interface SyncResult {
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  remote: string;
  upToDate: boolean;
  dryRun: boolean;
  pushed: Moved;
  pulled: Moved;
  branches: BranchOutcome[];
  /** Recorded in this session. */
  conflicts: ConflictRow[];
  diverged: DivergedBranch[];
  problems: ProblemRow[];
  requests: number;
  /** Body bytes of all requests and of their answers. */
  traffic: { sent: number; received: number };
  durationMs: number;
}

/** `push --enqueue`: nothing was sent. */
export interface EnqueuedResult {
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  remote: string;
  dryRun: boolean;
  /** Snapshots that were not in the queue before. */
  queued: number;
  /** All that wait for the next push or sync, and those that were refused. */
  waiting: number;
  dead: number;
}

/** One volset of a run over all that failed; the others went on. */
export interface FailedVolset {
  volset: string | null;
  volsetId: VolsetId;
  error: { code: ErrorCode; message: string; hint?: string; exit: number };
}

export interface AllVolsetsResult {
  remote: string;
  volsets: (SyncResult | FailedVolset)[];
}

export interface SnapshotResult {
  snapshot: SnapshotId | null;
  created: boolean;
  parents: SnapshotId[];
  root: string | null;
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  branch: string | null;
  /** The directory's branch, where its tip was not what lay in the directory: `branch` is a new one then. */
  forkedFrom?: string;
  files: number;
  bytes: number;
  new: number;
  changed: number;
  deleted: number;
  unchanged: number;
  addedBytes: number;
  storedBytes: number;
  problems: ProblemRow[];
  durationMs: number;
  /** With --push: the push's document. */
  push?: SyncResult;
}

export interface StatusResult {
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  branch: string | null;
  tip: SnapshotId | null;
  base: SnapshotId | null;
  clean: boolean;
  added: JsonPath[];
  modified: JsonPath[];
  deleted: JsonPath[];
  typeChanged: JsonPath[];
  problems: ProblemRow[];
  conflicts: number;
  /** Snapshots that wait to be sent, to all remotes together. */
  queue: number;
  remotes: {
    name: string;
    /** Waiting for this remote, and refused by it or unreadable here. */
    queued: number;
    dead: number;
    branches: { name: string; ahead: number; behind: number; diverged: boolean }[];
    lastSync: string | null;
  }[];
}
