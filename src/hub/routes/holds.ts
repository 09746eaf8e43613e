/** What this store vouches for: whoever is told that a blob is here may drop its own. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { type HeldAnswer, heldAnswer, heldAsk } from '../../wire/messages.ts';
import type { Call, HubContext, Route } from './route.ts';
import { requireVolset } from './volsets.ts';

const PROMISE_MS = 60 * 60 * 1000;

async function holds(context: HubContext, { volset, body, note }: Call): Promise<HeldAnswer> {
  const { meta, now } = context;
  const { snapshots } = body as { snapshots: SnapshotId[] };
  const { known } = await requireVolset(context, volset);
  // The data of a deleted volset goes, whatever anybody was told.
  if (!known || (await meta.findVolset(volset)) === undefined) return { held: [] };
  const there = await soundAmong(meta, volset, [...new Set(snapshots)]);
  note({ snapshots: there.length });
  if (there.length === 0) return { held: [] };
  // One name for all who ask: rows are as many as there are snapshots, however often and by whom they are asked for.
  await meta.keepBlobs(volset, `promise:${volset}`, there, now() + PROMISE_MS, { add: true });
  // What was dropped before the promise stood is not promised.
  return { held: await soundAmong(meta, volset, there) };
}

async function soundAmong(meta: HubContext['meta'], volset: VolsetId, ids: SnapshotId[]): Promise<SnapshotId[]> {
  const not = new Set([...(await meta.missingBlobs(volset, ids)), ...(await meta.damagedBlobs(volset))]);
  return ids.filter((id) => !not.has(id));
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
