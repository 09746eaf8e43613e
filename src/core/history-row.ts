/** A snapshot in a history, as people see it. */
import type { SnapshotId } from './ids.ts';

export interface HistoryRow {
  id: SnapshotId;
  /** Those that are known here. */
  parents: SnapshotId[];
  /** Milliseconds since the epoch. */
  created: number;
  creator: string;
  name: string | null;
  /** Of a page of history its beginning; `GET …/snapshots/S` tells all. */
  description: string | null;
  /** Of its files together. */
  bytes: number;
  files: number;
  /** Its data is complete here. */
  hasBlob: boolean;
  damaged?: true;
  /** It was forgotten: only its id, its parents and what points at it are told. */
  forgotten?: true;
  /**
   * Branches that end here. `store`: name of the remote, or label of the member (its id where it has none), whose it is;
   * null: this store's own.
   */
  tips: { branch: string; store: string | null }[];
}
