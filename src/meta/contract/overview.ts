/** What a page shows of a volset: history, who stands where, how much there is. Each is one read, of one instant. */
import type { Conflict } from '../../core/conflict.ts';
import type { HistoryRow } from '../../core/history-row.ts';
import type { NodeId, SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import type { Member } from '../contract.ts';
import type { BranchView, VolsetView } from './views.ts';

/** Where a walk through history goes on, and how far. */
export interface HistoryWish {
  /** null: at all tips, our own and those of members. What is not known here is left out. */
  from: SnapshotId[] | null;
  limit: number;
  /** Those in `from` alone, and nothing before them. */
  only?: boolean;
  /** How many snapshots a page may go on from; our own tips stay, then the newest. */
  frontier: number;
  /** Of each description, which may be long; all of it unless given. */
  chars?: number;
}

export interface SnapshotFacts extends HistoryRow {
  root: NodeId;
  owner: string | null;
  attrs: Record<string, string>;
}

/** Like a view of the volset (MetaFeed.viewOf), with what a list of volsets says of each. */
export interface VolsetSummary {
  revision: number;
  view: VolsetView;
  /** Of those that our own branches stand at, the one that was made last. */
  newest: Pick<HistoryRow, 'id' | 'created' | 'creator' | 'description' | 'bytes' | 'files'> | null;
  /** Active ones. */
  members: number;
  /** Open ones. */
  conflicts: number;
  damaged: number;
}

export interface VolsetState extends VolsetSummary {
  branchList: BranchView[];
  memberList: (Member & { tips: { branch: string; tip: SnapshotId }[] })[];
  /** This store's remotes that have told where branches of the volset stand, by the store that answered there. */
  remoteList: { name: string; store: StoreId; tips: { branch: string; tip: SnapshotId }[] }[];
}

/** Of one snapshot whose data is here. */
export interface BlobSize {
  created: number;
  bytes: number;
}

export interface BlobSizes {
  sizes: BlobSize[];
  /** Among those that were looked at: data whose snapshot's record has not come. */
  waiting: SnapshotId[];
  /** Where the next page begins; the same as asked: there is no more. */
  next: number;
  /** Snapshots whose data is here, all of them. */
  count: number;
  /** As long as this stays and the count fits, what was read before still holds, and what is new is behind `next`. */
  mark: string;
}

/** Reads only. All throw `not-found` where the volset is not known here, or deleted. */
export interface MetaOverview {
  /**
   * Newest first, and a snapshot before its parents wherever clocks allow. Costs what the page costs, whatever the
   * history's length. `next` is all that it takes to go on, so that nothing is kept between two pages.
   */
  historyPage(volset: VolsetId, wish: HistoryWish): { revision: number; rows: HistoryRow[]; next: SnapshotId[] };
  /** `not-found` also where it was forgotten. */
  snapshotFacts(volset: VolsetId, id: SnapshotId): SnapshotFacts;
  volsetSummary(volset: VolsetId): VolsetSummary;
  /** At most `tips` of each member and remote. */
  volsetState(volset: VolsetId, tips: number): VolsetState;
  /** Of data with numbers behind `after`, and of `waiting` what has come meanwhile; in no particular order. */
  blobSizes(volset: VolsetId, after: number, waiting: SnapshotId[], limit: number): BlobSizes;
  /** Open ones, newest first, each with the name that its object shows now. */
  conflictPage(
    volset: VolsetId,
    limit: number,
  ): { conflicts: (Conflict & { objectName: string | null })[]; more: number };
}
