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
    const conflicts = first(open, limit).map((conflict) => ({
      ...conflict,
      objectName: nameOf(engine, volset, n, conflict.object),
    }));
    return { conflicts, more: open.length - conflicts.length };
  });
}

/** Values may be long: of all together an answer holds about so many characters. */
const MAX_CHARS = 4 * 1024 * 1024;

function first(open: Conflict[], limit: number): Conflict[] {
  let chars = 0;
  const end = open.findIndex(({ initial, current, target, writes }, i) => {
    chars += [initial, current, target, ...writes].reduce((sum, text) => sum + (text?.length ?? 0), 0);
    return i === limit || (i > 0 && chars > MAX_CHARS);
  });
  return end < 0 ? open : open.slice(0, end);
}

function nameOf(engine: Engine, volset: VolsetId, n: number, object: ObjectKey): string | null {
  const parsed = parseObject(object);
  // The only objects whose names may be shown otherwise than they were given.
  if (parsed?.kind === 'branch') return findBranch(engine, volset, parsed.id)?.name ?? null;
  return isDead(engine, n, object) ? null : (headAt(engine, n, { object, field: 'name' })?.value ?? null);
}
