/**
 * `plait conflicts`: what two sides changed without knowing of each other. One value stands already; settling a conflict
 * says so for good, or lets another stand.
 */
import { type Conflict, pathOf } from '../core/conflict.ts';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { showText } from '../core/paths.ts';
import { type ConflictRow, conflictRow } from './conflict-rows.ts';
import { type MetaEngine, type Outcome, outcome } from './engine.ts';
import { volsetsInReach } from './volsets.ts';

/** Digits of an id: four are enough where they are those of one conflict only. */
const PREFIX = /^[0-9a-f]{4,64}$/;

export function listConflicts(engine: MetaEngine, { all }: { all: boolean }): Outcome<{ conflicts: ConflictRow[] }> {
  const conflicts = volsetsInReach(engine).flatMap(({ id }) =>
    inPathOrder(engine.meta.listConflicts(id, { all })).map((conflict) => conflictRow(engine.meta, id, conflict)),
  );
  return outcome({ conflicts });
}

/** Newest first, but the paths of one merge as they would be in a listing. */
function inPathOrder(conflicts: Conflict[]): Conflict[] {
  const paths = (object: string): Conflict[] =>
    conflicts
      .filter((one) => one.kind === 'path' && one.object === object)
      .sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  const sorted = new Map<string, Iterator<Conflict>>();
  return conflicts.map((conflict) => {
    const { kind, object } = conflict;
    if (kind !== 'path') return conflict;
    if (!sorted.has(object)) sorted.set(object, paths(object).values());
    return sorted.get(object)?.next().value ?? conflict;
  });
}

export function showConflict(engine: MetaEngine, prefix: string): Outcome<ConflictRow> {
  const { volset, conflict } = findConflict(engine, prefix);
  return outcome(conflictRow(engine.meta, volset, conflict));
}

export interface FoundConflict {
  volset: VolsetId;
  conflict: Conflict;
}

/** By the first digits of its id. Throws `usage`, `not-found` or `ambiguous-reference` (data.candidates). */
export function findConflict(engine: MetaEngine, prefix: string): FoundConflict {
  const digits = prefix.toLowerCase();
  if (!PREFIX.test(digits)) {
    throw new PlaitError('usage', `${showText(prefix)} is no id of a conflict`, {
      hint: 'an id is 4 or more hex digits; see `plait conflicts list --all`',
    });
  }
  const hits = volsetsInReach(engine).flatMap(({ id }) =>
    engine.meta
      .listConflicts(id, { all: true })
      .flatMap((conflict): FoundConflict[] => (conflict.id.startsWith(digits) ? [{ volset: id, conflict }] : [])),
  );
  if (hits.length === 1) return hits[0];
  if (hits.length === 0) {
    throw new PlaitError('not-found', `there is no conflict ${digits}`, { hint: 'see `plait conflicts list --all`' });
  }
  const candidates = hits.map(({ conflict }) => conflict.id);
  throw new PlaitError('ambiguous-reference', `${digits} could be any of ${hits.length} conflicts`, {
    hint: `give more digits: ${candidates
      .slice(0, 3)
      .map((id) => id.slice(0, 12))
      .join(', ')}`,
    data: { candidates },
  });
}
