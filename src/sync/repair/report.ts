/** What a repair did, for people and for documents. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { JsonPath } from '../results.ts';

export interface Repaired {
  what: string;
  volset: VolsetId | null;
}

/** What could not be brought back: parts of these snapshots are gone. What is left of them can still be restored. */
export interface Lost {
  volset: VolsetId;
  snapshots: SnapshotId[];
  paths: JsonPath[];
}
