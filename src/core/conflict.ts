/**
 * Conflicts: both sides changed one thing, and neither knew of the other. A record of what met is kept whatever policy
 * chose, so that no value is lost. Its id is a function of what met: every store makes the same record of it.
 */
import { canonicalBytes } from './canonical.ts';
import { conflictHash } from './hash.ts';
import { byStampAndId, type KnownWrite } from './heads.ts';
import type { ConflictId, SnapshotId, WriteId } from './ids.ts';
import { keyOfBytes, keyOfText, type PathKey } from './paths.ts';
import type { ObjectKey } from './records.ts';
import { parseObject } from './register.ts';

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
  /**
   * What met, current's side first: writes, or a tombstone and a write; of a path the two snapshots; of a name the
   * branches' name writes.
   */
  writes: (WriteId | SnapshotId)[];
  /** Base64 of a path that is not UTF-8. */
  pathBase64?: string;
}

/** Of kind `path`. */
export const pathOf = ({ field, pathBase64 }: Pick<Conflict, 'field' | 'pathBase64'>): PathKey =>
  pathBase64 === undefined ? keyOfText(field) : keyOfBytes(Buffer.from(pathBase64, 'base64'));

/** `writes` in any order. */
export const conflictId = (object: ObjectKey, field: string, writes: readonly string[]): ConflictId =>
  conflictHash(canonicalBytes({ object, field, writes: [...writes].sort() }));

/**
 * Kind of a conflict over a field of `object`; undefined where two values are no conflict: two people who settle one
 * conflict differently write its own register each, and meet in the register that it is about.
 */
export function kindOfConflict(object: ObjectKey): 'volset' | 'branch' | 'snapshot' | undefined {
  const kind = parseObject(object)?.kind;
  return kind === 'conflict' ? undefined : kind;
}

/**
 * Which of two writes that met is ours. `shown`: id of our head before the round. Where neither is (others met, and we
 * hear of it), the smaller (stamp, id) counts as current, so that all such stores tell it alike.
 */
export function orient<W extends Pick<KnownWrite, 'id' | 'stamp'>>(
  a: W,
  b: W,
  shown?: WriteId,
): { current: W; target: W } {
  const aIsOurs = a.id === shown || (b.id !== shown && byStampAndId(a, b) < 0);
  return aIsOurs ? { current: a, target: b } : { current: b, target: a };
}
