/**
 * Conflicts: both sides changed one thing, and neither knew of the other. A record of what met is kept whatever policy
 * chose, so that no value is lost. Its id is a function of what met: every store makes the same record of it.
 */
import type { ConflictId, SnapshotId, WriteId } from './ids.ts';
import type { ObjectKey } from './records.ts';

/** volset, branch, snapshot: a field of such an object. path: of a merge. name: two branches show one name. */
export type ConflictKind = 'volset' | 'branch' | 'snapshot' | 'path' | 'name' | 'delete';

export type Choice = { choice: 'current' } | { choice: 'target' } | { choice: 'value'; value: string | null };

export interface Conflict {
  id: ConflictId;
  kind: ConflictKind;
  /** Of a path: the snapshot that the merge made. */
  object: ObjectKey;
  /** Name of the field; of a path the path itself, as core/paths.jsonPath shows it. */
  field: string;
  /**
   * Value of the newest common ancestor (null: none, or unset), ours and theirs as this store met them. Of a deletion:
   * null on the side that deleted, else the name that was kept. Of a path: the snapshot to restore it from.
   */
  initial: string | null;
  current: string | null;
  target: string | null;
  /** Which side's value stands; `value`: somebody chose a third one. */
  resolution: 'current' | 'target' | 'value';
  /** Somebody has settled it (`conflicts resolve`). */
  resolved: boolean;
  /** What met: writes, or a tombstone and a write; of a path the two snapshots; of a name the branches' name writes. */
  writes: (WriteId | SnapshotId)[];
  /** Base64 of a path that is not UTF-8. */
  pathBase64?: string;
}
