/** What this store vouches for: whoever is told that a blob is here may drop its own. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { PROMISE_MS, promiseOf } from '../../core/promise.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { type HeldAnswer, heldAnswer, heldAsk } from '../../wire/messages.ts';
import type { Call, HubContext, Route } from './route.ts';
import { requireVolset } from './volsets.ts';

async function holds(context: HubContext, { volset, body, note }: Call): Promise<HeldAnswer> {
  const { meta, now } = context;
  const { snapshots } = body as { snapshots: SnapshotId[] };
  const { known } = await requireVolset(context, volset);
  // The data of a deleted volset goes, whatever anybody was told.
  if (!known || (await meta.findVolset(volset)) === undefined) return { held: [] };
  const there = await heldAmong(meta, volset, [...new Set(snapshots)]);
  note({ snapshots: there.length });
  if (there.length === 0) return { held: [] };
  await meta.keepBlobs(volset, promiseOf(volset), there, now() + PROMISE_MS, { add: true });
  // What was dropped before the promise stood is not promised.
  return { held: await heldAmong(meta, volset, there) };
}

/** What is damaged is missing. */
async function heldAmong(meta: HubContext['meta'], volset: VolsetId, ids: SnapshotId[]): Promise<SnapshotId[]> {
  const missing = new Set(await meta.missingBlobs(volset, ids));
  return ids.filter((id) => !missing.has(id));
}

export const holdsRoutes: Route[] = [
  {
    method: 'POST',
    path: '/v1/volsets/:volset/holds',
    summary: 'Which of these snapshots the hub holds whole, and keeps for an hour at least; proof that others may go',
    right: 'read',
    audit: 'promise',
    body: { type: JSON_TYPE, schema: heldAsk },
    answer: { type: JSON_TYPE, schema: heldAnswer },
    handle: holds,
  },
];
