/** Conflicts as the documents of verbs tell them: with the names that people know. */
import type { Conflict } from '../core/conflict.ts';
import type { VolsetId } from '../core/ids.ts';
import { parseObject } from '../core/register.ts';
import type { MetaStore } from '../meta/contract.ts';

export interface ConflictRow extends Conflict {
  /** Name of the volset. */
  volset: string | null;
  /** Name that the object shows now; null where it has none, or is deleted. */
  objectName: string | null;
}

type Names = Pick<MetaStore, 'findVolset' | 'findBranch' | 'findSnapshot'>;

export function conflictRow(meta: Names, volset: VolsetId, conflict: Conflict): ConflictRow {
  const name = meta.findVolset(volset)?.name ?? null;
  return { ...conflict, volset: name, objectName: objectName(meta, volset, conflict, name) };
}

function objectName(meta: Names, volset: VolsetId, { object }: Conflict, volsetName: string | null): string | null {
  const parsed = parseObject(object);
  if (parsed?.kind === 'volset') return volsetName;
  if (parsed?.kind === 'branch') return meta.findBranch(volset, parsed.id)?.name ?? null;
  return parsed?.kind === 'snapshot' ? (meta.findSnapshot(volset, parsed.id)?.name ?? null) : null;
}
