/** Guards look at what a session would do here before any of it is applied. */
import { PlaitError } from '../core/errors.ts';
import { tooManyDeleted } from '../core/guards.ts';
import type { Session } from './session.ts';

/** A remote that deletes most branches at once is more likely damaged or mistaken than meant. */
export function guardRemoteDeletions({ engine, volset, staged, remote }: Session, maxDelete: number): void {
  const total = engine.meta.findVolset(volset)?.branches ?? 0;
  let deleted = 0;
  for (const { records } of staged.generations) {
    for (const record of records) if (record.type === 'tombstone' && record.object.startsWith('branch:')) deleted++;
  }
  if (!tooManyDeleted({ deleted, total, max: maxDelete })) return;
  throw new PlaitError(
    'guard',
    `${remote.name} would delete ${deleted} of ${total} branches here; nothing was changed`,
    {
      hint: 'if that is right, say so with --max-delete 100%',
      data: { deleted, total, maxDelete },
    },
  );
}
