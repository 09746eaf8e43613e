/** Generations out (deltas) and in (a push), and moves of this store's own refs. */

import { PlaitError } from '../../core/errors.ts';
import { installOf, type StoreId, type VolsetId } from '../../core/ids.ts';
import type { DeltasAsk } from '../../core/peer.ts';
import type { Generation, Vector, Write } from '../../core/records.ts';
import { stampTime } from '../../core/stamp.ts';
import { encodeDeltas } from '../../wire/deltas.ts';
import { JSON_TYPE, NDJSON_TYPE } from '../../wire/headers.ts';
import {
  deltasAsk,
  type RefMoves,
  type RefMovesAnswer,
  refMoves,
  refMovesAnswer,
  vectorAnswer,
} from '../../wire/messages.ts';
import { decodePush } from '../../wire/push.ts';
import type { HubMeta } from '../contract.ts';
import { moveRefs } from '../ref-moves.ts';
import type { Call, HubContext, Route } from './route.ts';
import { refuseRival, requireOrMake, requireVolset } from './volsets.ts';

const HOUR_MS = 3_600_000;
/** How far ahead of ours an author's clock may be. */
const MAX_AHEAD_MS = 24 * HOUR_MS;

/** Records that one transaction takes in. */
const BATCH_RECORDS = 10_000;

async function deltas(context: HubContext, { volset, body }: Call): Promise<AsyncGenerator<Uint8Array>> {
  const { self, vector, knownRevision } = body as DeltasAsk;
  refuseOurselves(context.meta, self);
  const { announced } = await requireVolset(context, volset);
  if (announced) return encodeDeltas({ refs: [], vector: {}, revision: 0, generations: pages(context.meta, volset) });
  const plan = await context.meta.planDeltas(volset, vector, knownRevision);
  return encodeDeltas({ ...plan, generations: pages(context.meta, volset, plan.cursor) });
}

async function* pages(meta: HubMeta, volset: VolsetId, first?: string): AsyncGenerator<Generation> {
  for (let cursor = first; cursor !== undefined; ) {
    const page = await meta.readDeltas(volset, cursor);
    yield* page.generations;
    cursor = page.cursor;
  }
}

/** A store that syncs with itself, or with a copy of itself, would take its own echo for news. */
function refuseOurselves(meta: HubMeta, self: StoreId): void {
  if (installOf(self) !== installOf(meta.self.store)) return;
  throw new PlaitError('identity', 'this hub is the very store that asks, or a copy of it', {
    hint: 'check the URL of the remote with `plait remote list`',
  });
}

/** A push that fits one transaction is taken whole or not at all; a longer one in whole generations, oldest first. */
async function receive(context: HubContext, call: Call): Promise<{ vector: Vector }> {
  const { meta, limits, pending } = context;
  let { announced } = await requireOrMake(context, call);
  const push = await decodePush(call.stream(limits.recordBytes));
  refuseOurselves(meta, push.self);
  let batch: Generation[] = [];
  let records = 0;
  let vector: Vector | undefined;
  const apply = async (): Promise<void> => {
    const name = announced ? nameAmong(batch) : undefined;
    if (name !== undefined) await refuseRival(context, call, call.volset, name);
    announced = false;
    vector = (await meta.apply(call.volset, { peer: push.self, generations: batch })).vector;
    pending.settled(call.volset);
    batch = [];
    records = 0;
  };
  for await (const generation of push.generations) {
    refuseFuture(generation, push.self, context.now());
    if (records > 0 && records + generation.count > BATCH_RECORDS) await apply();
    batch.push(generation);
    records += generation.count;
  }
  if (batch.length > 0) await apply();
  return { vector: vector ?? ((await meta.findVolset(call.volset)) ? await meta.vector(call.volset) : {}) };
}

/** The volset's name as these records leave it. */
function nameAmong(generations: Generation[]): string | undefined {
  let last: Write | undefined;
  for (const { records } of generations) {
    for (const record of records) {
      if (record.type !== 'write' || record.register !== 'volset:name') continue;
      if (last === undefined || record.stamp > last.stamp) last = record;
    }
  }
  return last?.value ?? undefined;
}

/**
 * A clock that runs ahead would win every later disagreement. Its owner hears of it here; what others relay is taken,
 * for they cannot help it, and a chain with a hole would be worse.
 */
function refuseFuture({ records }: Generation, self: StoreId, now: number): void {
  const install = installOf(self);
  for (const record of records) {
    if (record.type === 'snapshot' || installOf(record.author) !== install) continue;
    const ahead = stampTime(record.stamp) - now;
    if (ahead <= MAX_AHEAD_MS) continue;
    const until = new Date(stampTime(record.stamp) - MAX_AHEAD_MS).toISOString();
    throw new PlaitError(
      'protocol',
      `a record was made ${Math.round(ahead / HOUR_MS)} hours ahead of this hub's clock`,
      {
        hint: `set the clock of your machine right; what it recorded meanwhile can be pushed from ${until} on`,
        data: { stamp: record.stamp, hub: now },
      },
    );
  }
}

async function move(context: HubContext, { volset, body }: Call): Promise<RefMovesAnswer> {
  const { moves } = body as RefMoves;
  const { announced } = await requireVolset(context, volset);
  if (announced) return { moved: false, refs: [], revision: 0, reason: 'nothing of this volume set is here yet' };
  return moveRefs(context.meta, volset, moves);
}

export const recordRoutes: Route[] = [
  {
    method: 'POST',
    path: '/v1/volsets/:volset/deltas',
    summary: 'Generations beyond the vector, and refs changed since the revision; writes nothing',
    right: 'read',
    body: { type: JSON_TYPE, schema: deltasAsk },
    answer: { type: NDJSON_TYPE, description: 'header, refs, generations, trailer' },
    handle: deltas,
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/generations',
    summary: 'Take generations in; idempotent',
    right: 'append',
    body: { type: NDJSON_TYPE, description: 'header, generations, trailer' },
    answer: { type: JSON_TYPE, schema: vectorAnswer },
    handle: receive,
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/refs',
    summary: 'Move refs forward: compare-and-swap, all or none, only to data that is here',
    right: 'write',
    body: { type: JSON_TYPE, schema: refMoves },
    answer: { type: JSON_TYPE, schema: refMovesAnswer },
    handle: move,
  },
];
