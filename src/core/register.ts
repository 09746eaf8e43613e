/** Keys of objects and registers: `volset:FIELD`, `branch:ID:FIELD`, `snapshot:ID:FIELD`, `conflict:ID:resolved`. */

import type { BranchId, ConflictId, SnapshotId } from './ids.ts';
import { isBranchId, isConflictId, isSnapshotId } from './ids.ts';
import type { ObjectKey, RegisterKey } from './records.ts';

export type ObjectRef =
  | { kind: 'volset' }
  | { kind: 'branch'; id: BranchId }
  | { kind: 'snapshot'; id: SnapshotId }
  | { kind: 'conflict'; id: ConflictId };

export interface Register {
  object: ObjectKey;
  /** name, description, owner, creator or `attr:KEY`; of a conflict `resolved`. */
  field: string;
}

/** Longest attribute key in UTF-8 bytes. */
export const MAX_ATTR_KEY = 255;
const FIELDS = new Set(['name', 'description', 'owner', 'creator']);
/** The one field of a conflict: how somebody settled it. */
export const RESOLVED = 'resolved';
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

export const hasControls = (text: string): boolean => CONTROL.test(text);

export const branchKey = (id: BranchId): ObjectKey => `branch:${id}`;
export const snapshotKey = (id: SnapshotId): ObjectKey => `snapshot:${id}`;
export const conflictKey = (id: ConflictId): ObjectKey => `conflict:${id}`;
export const registerKey = (object: ObjectKey, field: string): RegisterKey => `${object}:${field}`;
export const attrField = (key: string): string => `attr:${key}`;
/** The key of an `attr:KEY` field, else undefined. */
export const attrKeyOf = (field: string): string | undefined =>
  field.startsWith('attr:') ? field.slice('attr:'.length) : undefined;

/** undefined = not an object key. */
export function parseObject(key: unknown): ObjectRef | undefined {
  if (typeof key !== 'string') return undefined;
  if (key === 'volset') return { kind: 'volset' };
  const colon = key.indexOf(':');
  const [kind, id] = [key.slice(0, colon), key.slice(colon + 1)];
  if (kind === 'branch' && isBranchId(id)) return { kind, id };
  if (kind === 'snapshot' && isSnapshotId(id)) return { kind, id };
  if (kind === 'conflict' && isConflictId(id)) return { kind, id };
  return undefined;
}

/** Of a volset, branch or snapshot. */
export function isField(field: string): boolean {
  if (FIELDS.has(field)) return true;
  const key = attrKeyOf(field);
  if (key === undefined || key === '' || !key.isWellFormed() || CONTROL.test(key)) return false;
  return Buffer.byteLength(key) <= MAX_ATTR_KEY;
}

/** undefined = not a register key. */
export function parseRegister(key: unknown): Register | undefined {
  if (typeof key !== 'string') return undefined;
  const first = key.indexOf(':');
  const end = key.startsWith('volset:') ? first : key.indexOf(':', first + 1);
  if (first < 0 || end < 0) return undefined;
  const [object, field] = [key.slice(0, end), key.slice(end + 1)];
  const parsed = parseObject(object);
  if (parsed === undefined) return undefined;
  return (parsed.kind === 'conflict' ? field === RESOLVED : isField(field)) ? { object, field } : undefined;
}
