/** Numbers of blobs in the order in which they became complete, and what of a sender's numbers is sealed. */
import type { InstallId, SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import type { Interval } from '../../core/intervals.ts';

/** A sender's numbers: its own, or as a receiver keeps them for it. */
export interface SealKey {
  volset: VolsetId;
  /** With its epoch: another epoch has numbers of its own. */
  sender: StoreId;
  /** The bearer under whom it spoke: nobody seals for somebody else. */
  owner: string;
}

export interface NumberedBlob {
  number: number;
  snapshot: SnapshotId;
  /** Install id of the peer from which the blob came; null: made here, or imported. */
  from: InstallId | null;
}

/** Complete blobs. */
export interface MetaNumbers {
  /**
   * Their blobs are complete here now; called inside the blob engine's finish/publish. Each new one gets the volset's
   * next number, in the order given (`commit` with `blob: true` numbers likewise). `from`: the peer that sent them.
   * `seal`: in the same transaction, marks these numbers of the sender, as far as their snapshots are among the
   * complete ones now.
   */
  setBlobs(
    volset: VolsetId,
    ids: SnapshotId[],
    options?: { from?: InstallId; seal?: { key: SealKey; numbers: Record<SnapshotId, number> } },
  ): void;

  /** The largest number given to a blob of this volset; 0 = none. Numbers are never used again. */
  blobHead(volset: VolsetId): number;
  /** Complete blobs with numbers in [first, last], ascending, at most `limit`. A number that is not there has no blob any more. */
  numberedBlobs(volset: VolsetId, first: number, last: number, limit: number): NumberedBlob[];
  /** The numbers of these, where they have complete blobs here. */
  blobNumbers(volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, number>;
  /**
   * New numbers for these, as if they had become complete now: a receiver that was told that they never come is to
   * have them after all. Those without complete blobs are passed over.
   */
  renumber(volset: VolsetId, ids: SnapshotId[]): void;
  /** What is sealed for a sender, ascending. Rows that are damaged count as not sealed. */
  sealed(key: SealKey): Interval[];
  /**
   * Seals numbers whose snapshots are complete here (others are passed over) and those declared missing. One
   * transaction; intervals that touch become one.
   */
  seal(key: SealKey, numbers: Record<SnapshotId, number>, missing: Interval[]): Interval[];
}
