/** Who may make snapshots forgotten here: looked at before anything of a push is stored. */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { LoggedRecord } from '../core/records.ts';
import { parseObject } from '../core/register.ts';
import type { ScopedCaller } from './access.ts';
import type { HubMeta } from './contract.ts';

/** Named in an answer, at most. */
const MAX_NAMED = 100;

/**
 * Throws `forbidden` where records would make snapshots forgotten and their bearer may not delete, whoever wrote them:
 * what a hub has taken it hands on. Those that are forgotten here by now may be said again.
 */
export async function refuseForgetting(
  meta: HubMeta,
  volset: VolsetId,
  caller: ScopedCaller,
  records: LoggedRecord[],
): Promise<void> {
  if (caller.can('delete')) return;
  const named = new Set(records.flatMap((record) => snapshotUnder(record) ?? []));
  if (named.size === 0) return;
  for (const id of await meta.forgotten(volset, [...named])) named.delete(id);
  if (named.size === 0) return;
  const snapshots = [...named].sort();
  const what = snapshots.length === 1 ? `snapshot ${snapshots[0].slice(0, 12)}` : `${snapshots.length} snapshots`;
  throw new PlaitError(
    'forbidden',
    `the push would make ${what} forgotten here, and the token does not allow to delete`,
    {
      hint: 'push with a token that may: make one at the hub with `plait token create --can read,write,delete`',
      data: { forgotten: snapshots.length, snapshots: snapshots.slice(0, MAX_NAMED) },
    },
  );
}

function snapshotUnder(record: LoggedRecord): SnapshotId | undefined {
  if (record.type !== 'tombstone') return undefined;
  const object = parseObject(record.object);
  return object?.kind === 'snapshot' ? object.id : undefined;
}
