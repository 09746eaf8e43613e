/** JSON documents of the verbs (docs/json-output.md). Fields are only ever added. */
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { jsonPath } from '../core/paths.ts';

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
  action: 'new' | 'fast-forward' | 'up-to-date' | 'rejected' | 'behind' | 'ahead';
  from: SnapshotId | null;
  to: SnapshotId | null;
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
  /** Of a rival write. */
  object?: string;
  field?: string;
  current?: string | null;
  target?: string | null;
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
  conflicts: never[];
  diverged: DivergedBranch[];
  problems: ProblemRow[];
  requests: number;
  durationMs: number;
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
  queue: number;
  remotes: {
    name: string;
    branches: { name: string; ahead: number; behind: number; diverged: boolean }[];
    lastSync: string | null;
  }[];
}
