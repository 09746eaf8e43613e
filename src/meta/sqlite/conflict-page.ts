/** Open conflicts for people: with what their objects are called now. */
import type { Conflict } from '../../core/conflict.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { ObjectKey } from '../../core/records.ts';
import { parseObject } from '../../core/register.ts';
import { listConflicts } from './conflicts.ts';
import type { Engine } from './engine.ts';
import { headAt, isDead } from './heads.ts';
import { liveVolset } from './live-volset.ts';
import { findBranch } from './views.ts';

export function conflictPage(
  engine: Engine,
  volset: VolsetId,
  limit: number,
): { conflicts: (Conflict & { objectName: string | null })[]; more: number } {
  return engine.db.read(() => {
    const n = liveVolset(engine, volset);
    const open = listConflicts(engine, volset);
    const conflicts = open
      .slice(0, limit)
      .map((conflict) => ({ ...conflict, objectName: nameOf(engine, volset, n, conflict.object) }));
    return { conflicts, more: open.length - conflicts.length };
  });
}

function nameOf(engine: Engine, volset: VolsetId, n: number, object: ObjectKey): string | null {
  const parsed = parseObject(object);
  // The only objects whose names may be shown otherwise than they were given.
  if (parsed?.kind === 'branch') return findBranch(engine, volset, parsed.id)?.name ?? null;
  return isDead(engine, n, object) ? null : (headAt(engine, n, { object, field: 'name' })?.value ?? null);
}
