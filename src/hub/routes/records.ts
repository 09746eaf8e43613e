/** Generations out (deltas) and in (a push), records to be logged here, and moves of this store's own refs. */
import { MAX_GENERATION_BYTES } from '../../core/generation.ts';
import { type ChainId, installOf, type StoreId, type VolsetId } from '../../core/ids.ts';
import type { DeltasAsk } from '../../core/peer.ts';
import type { Generation, Vector } from '../../core/records.ts';
import type { DeltasPlan } from '../../meta/contract.ts';
import { deltasHead, deltasTrailer, encodeDeltas, refsLine } from '../../wire/deltas.ts';
import { JSON_TYPE, NDJSON_TYPE } from '../../wire/headers.ts';
import { MAX_HANDED_OVER, MAX_INTERVALS } from '../../wire/limits.ts';
import {
  deltasAsk,
  type RefMoves,
  type RefMovesAnswer,
  refMoves,
  refMovesAnswer,
  type VectorAnswer,
  vectorAnswer,
} from '../../wire/messages.ts';
import { decodePush, pushHead, pushTrailer } from '../../wire/push.ts';
import { generationHeader, loggedRecord, record } from '../../wire/record-schemas.ts';
import { object } from '../../wire/schema.ts';
import { decodeWrites, writesHead, writesTrailer } from '../../wire/writes.ts';
import type { HubMeta } from '../contract.ts';
import { answerHeld } from '../feed/pinned.ts';
import { Intake, refuseOurselves } from '../intake.ts';
import { ownPart } from '../own-part.ts';
import { moveRefs } from '../ref-moves.ts';
import type { Call, HubContext, Route } from './route.ts';
import { requireOrMake, requireVolset } from './volsets.ts';

/** Moves of one request that the audit log names. */
const MAX_NOTED = 100;
/** Records of a hand-over, their newlines, its first line and its trailer. */
const MAX_WRITES_BODY = MAX_GENERATION_BYTES + MAX_HANDED_OVER + 1024;

async function deltas(context: HubContext, call: Call): Promise<AsyncGenerator<Uint8Array>> {
  const { volset, body, caller } = call;
  const { self, vector, knownRevision, chains } = body as DeltasAsk;
  refuseOurselves(context.meta, self);
  const { known } = await requireVolset(context, volset);
  if (!known) {
    const nothing = { refs: [], vector: {}, revision: 0, sealed: [] };
    return encodeDeltas({ ...nothing, generations: pages(context.meta, volset) });
  }
  if (!caller.can('read')) return ownDeltas(context, call);
  const { meta } = context;
  const planned = async (): Promise<DeltasPlan> => meta.planDeltas(volset, vector, knownRevision, chains);
  return answerHeld(context, call, planned, async (plan) => {
    // Read after the plan: what was sealed meanwhile is durable as well.
    const sealed = await meta.sealed({ volset, sender: self, owner: caller.owner });
    const blobs = await meta.blobHead(volset);
    const generations = pages(meta, volset, plan.cursor);
    return encodeDeltas({ ...plan, sealed: sealed.slice(0, MAX_INTERVALS), blobs, generations });
  });
}

/**
 * For who may not read: what its own store has brought, which it may have lost since.
 */
async function ownDeltas(context: HubContext, call: Call): Promise<AsyncGenerator<Uint8Array>> {
  const { meta } = context;
  const { volset, body, caller } = call;
  const { self, vector: theirs, chains = {} } = body as DeltasAsk;
  const isOwn = (chain: ChainId): boolean => installOf(chain) === installOf(self);
  // As if the asker held all that others brought.
  const held = { ...keysOf(await meta.vector(volset), (chain) => !isOwn(chain)), ...keysOf(theirs, isOwn) };
  const planned = async (): Promise<DeltasPlan> => meta.planDeltas(volset, held, 0, keysOf(chains, isOwn));
  return answerHeld(context, call, planned, async (plan) => {
    const sealed = (await meta.sealed({ volset, sender: self, owner: caller.owner })).slice(0, MAX_INTERVALS);
    const vector = ownPart(plan.vector, self, theirs);
    const generations = only(isOwn, pages(meta, volset, plan.cursor));
    // Where a tip is that it may move, it hears of when it tries.
    const partial = caller.can('write') ? 'write' : 'append';
    return encodeDeltas({ vector, refs: [], revision: 0, sealed, partial, generations });
  });
}

/** What others bring between two looks is none of the asker's. */
async function* only(isOwn: (chain: ChainId) => boolean, all: AsyncIterable<Generation>): AsyncGenerator<Generation> {
  for await (const generation of all) if (isOwn(generation.store)) yield generation;
}

const keysOf = <K extends ChainId, T>(all: Record<K, T>, keep: (chain: K) => boolean): Record<K, T> =>
  Object.fromEntries(Object.entries(all).filter(([chain]) => keep(chain as K))) as Record<K, T>;

export async function* pages(meta: HubMeta, volset: VolsetId, first?: string): AsyncGenerator<Generation> {
  for (let cursor = first; cursor !== undefined; ) {
    const page = await meta.readDeltas(volset, cursor);
    yield* page.generations;
    cursor = page.cursor;
  }
}

async function receive(context: HubContext, call: Call): Promise<VectorAnswer> {
  const { known } = await requireOrMake(context, call);
  const { generations, ...speaker } = await decodePush(call.stream(context.limits.recordBytes));
  refuseOurselves(context.meta, speaker.self);
  call.note({ store: speaker.self });
  return shown(call, speaker, await new Intake(context, call, known).push(speaker, generations));
}

/** A store that never cuts leaves its records for this one to log. */
async function takeOver(context: HubContext, call: Call): Promise<VectorAnswer> {
  const { known } = await requireOrMake(context, call);
  const writes = await decodeWrites(call.stream(MAX_WRITES_BODY));
  refuseOurselves(context.meta, writes.self);
  call.note({ store: writes.self, records: writes.records.length });
  return shown(call, writes, await new Intake(context, call, known).handOver(writes));
}

/** What was written is told to whoever wrote it; what others wrote only to those who may read. */
function shown({ caller }: Call, of: { self: StoreId; vector?: Vector }, answer: VectorAnswer): VectorAnswer {
  return caller.can('read') ? answer : { vector: ownPart(answer.vector, of.self, of.vector) };
}

async function move(context: HubContext, { volset, body, note }: Call): Promise<RefMovesAnswer> {
  const { moves } = body as RefMoves;
  note({ branches: moves.length, moves: moves.slice(0, MAX_NOTED) });
  const { known } = await requireVolset(context, volset);
  if (!known) return { moved: false, refs: [], revision: 0, reason: 'nothing of this volume set is here yet' };
  const answer = await moveRefs(context.meta, volset, moves);
  note({ moved: answer.moved });
  return answer;
}

const generationLine = object({ generation: generationHeader });

export const recordRoutes: Route[] = [
  {
    method: 'POST',
    path: '/v1/volsets/:volset/deltas',
    summary:
      'Generations beyond the vector, and refs changed since the revision; without read only how far the asker is here',
    right: 'read',
    also: 'append',
    body: { type: JSON_TYPE, schema: deltasAsk },
    answer: {
      type: NDJSON_TYPE,
      description:
        'first line, refs, generations (a header, then its records), trailer; or a line `error` in place of the rest',
      lines: {
        first: deltasHead,
        refs: refsLine,
        generation: generationLine,
        record: loggedRecord,
        trailer: deltasTrailer,
      },
    },
    handle: deltas,
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/generations',
    summary: 'Take generations in; idempotent',
    right: 'append',
    audit: 'push-records',
    body: {
      type: NDJSON_TYPE,
      description: 'first line, generations (a header, then its records), trailer',
      lines: { first: pushHead, generation: generationLine, record: loggedRecord, trailer: pushTrailer },
    },
    answer: { type: JSON_TYPE, schema: vectorAnswer },
    handle: receive,
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/writes',
    summary: 'Log records of a store that never closes generations; idempotent',
    right: 'append',
    audit: 'hand-over-records',
    body: {
      type: NDJSON_TYPE,
      description: 'first line, records (parents first), trailer',
      lines: { first: writesHead, record, trailer: writesTrailer },
    },
    answer: { type: JSON_TYPE, schema: vectorAnswer },
    handle: takeOver,
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/refs',
    summary: 'Move refs forward: compare-and-swap, all or none, only to data that is here',
    right: 'write',
    audit: 'move-branches',
    body: { type: JSON_TYPE, schema: refMoves },
    answer: { type: JSON_TYPE, schema: refMovesAnswer },
    handle: move,
  },
];
