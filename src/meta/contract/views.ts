/** What people see of volsets, branches and snapshots. */
import type { Lineage } from '../../core/ancestry.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../core/ids.ts';
import type { SnapshotBody, Stamp } from '../../core/records.ts';

/** Fields of an object as its heads show them. */
export interface Fields {
  name: string | null;
  description: string | null;
  owner: string | null;
  creator: string | null;
  attrs: Record<string, string>;
}

export interface VolsetView extends Fields {
  id: VolsetId;
  /** Stamp of the write that gave the name, '' without one: of several with one name the first shows it. */
  named: Stamp;
  branches: number;
  snapshots: number;
}

export interface BranchView {
  id: BranchId;
  /** Shown name: unique within the volset (core/names, derived on collision). */
  name: string;
  /** This store's own ref. */
  tip: SnapshotId | null;
}

export interface SnapshotView extends Fields {
  id: SnapshotId;
  body: SnapshotBody;
  /** Its blob is complete in this store. */
  hasBlob: boolean;
  /** Yet parts of it cannot be read any more: no base, not vouched for, to come again. */
  damaged?: true;
}

/** Reads only. */
export interface MetaViews {
  listVolsets(): VolsetView[];
  findVolset(volset: VolsetId): VolsetView | undefined;
  listBranches(volset: VolsetId): BranchView[];
  findBranch(volset: VolsetId, branch: BranchId): BranchView | undefined;
  /** Names that branches have, or had when they were deleted; unique or not. Unknown ones are left out. */
  branchNames(volset: VolsetId, branches: BranchId[]): Record<BranchId, string>;
  findSnapshot(volset: VolsetId, id: SnapshotId): SnapshotView | undefined;
  /** Ids that start with `prefix` (>= 1 hex digit), at most `limit`. */
  snapshotsByPrefix(volset: VolsetId, prefix: string, limit: number): SnapshotId[];
  snapshotsByName(volset: VolsetId, name: string): SnapshotId[];
  /**
   * Those that were forgotten (a tombstone that holds): of `ids`, else all. All other views hide them, but for what history
   * is walked by (`parentsOf`, `lineage`) and `snapshotsByPrefix` where nothing else is meant. Their blobs stay in
   * `numberedBlobs` until gc drops them (`dropBlobs`), and count as missing.
   */
  forgotten(volset: VolsetId, ids?: SnapshotId[]): SnapshotId[];
  /** Parents of each that is known, in one read. */
  parentsOf(volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, SnapshotId[]>;
  /** The same with depth and jump: what the walks of core/ancestry and core/candidates page through, O(change). */
  lineage(volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, Lineage>;
  /** Snapshots without a complete, sound blob among `ids` (all, if not given). */
  missingBlobs(volset: VolsetId, ids?: SnapshotId[]): SnapshotId[];
  /** Snapshots without a complete blob but for those that were dropped here: what is to come without being named. */
  lackedBlobs(volset: VolsetId): SnapshotId[];
  /** All snapshot ids, oldest first by (created, id); at most `limit` after `after`. */
  snapshotPage(volset: VolsetId, after: SnapshotId | null, limit: number): SnapshotId[];
  /** Is the volset known here, be it deleted? */
  knowsVolset(volset: VolsetId): boolean;
}
