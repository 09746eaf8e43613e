/** What the hub tells as it happens, and the state from which one may follow. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import { deltasHead, deltasTrailer, encodeDeltas, refsLine } from '../../wire/deltas.ts';
import {
  feedGeneration,
  feedHead,
  feedMark,
  feedRefs,
  feedTrailer,
  headsGone,
  headsHead,
  headsHeadLine,
  headsMark,
} from '../../wire/feed.ts';
import { NDJSON_TYPE } from '../../wire/headers.ts';
import { generationHeader, loggedRecord, storeId } from '../../wire/record-schemas.ts';
import { object, type Schema } from '../../wire/schema.ts';
import { hold } from '../feed/pinned.ts';
import { pages } from './records.ts';
import type { Call, HubContext, Route } from './route.ts';
import { requireVolset } from './volsets.ts';

const revision: Schema = { type: 'string', pattern: '^(0|[1-9][0-9]{0,15})$', description: 'a revision of the hub' };

async function changes(context: HubContext, call: Call): Promise<AsyncGenerator<Uint8Array>> {
  const { volset, query } = call;
  const { self } = context.meta;
  if (query.store !== undefined && query.store !== self.store) {
    throw new PlaitError('identity', 'the revision is that of another store', {
      hint: 'take the state as it is now, and follow from there',
      data: { expected: query.store, found: self.store },
    });
  }
  await requireKnown(context, volset);
  return context.feeds.open(call, volset, { ...(query.after !== undefined && { after: Number(query.after) }) });
}

/** One that is only announced has nothing to tell yet. */
async function requireKnown(context: HubContext, volset: VolsetId): Promise<void> {
  const { known } = await requireVolset(context, volset);
  if (!known) throw new PlaitError('not-found', 'nothing of this volume set is here yet', { hint: 'push it first' });
}

async function state(context: HubContext, { volset, query, signal }: Call): Promise<AsyncGenerator<Uint8Array>> {
  const { meta } = context;
  await requireKnown(context, volset);
  await reached(context, volset, Number(query.min ?? '0'), signal);
  const held = await hold(context, volset, signal);
  try {
    const plan = await meta.planDeltas(volset, {}, 0);
    const blobs = await meta.blobHead(volset);
    const bytes = encodeDeltas({ ...plan, sealed: [], blobs, generations: pages(meta, volset, plan.cursor) });
    return held.during(bytes);
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** Waits for the store to get there: what others write to it, or bring, may be on its way. */
async function reached({ meta, heads, limits }: HubContext, volset: VolsetId, min: number, signal: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Before the first look: what comes in between is heard of.
  const leave = heads.subscribe((moved, head) => {
    if (moved === volset && head.revision >= min) resolve();
  });
  const stop = heads.follow();
  const timer = setTimeout(resolve, limits.stateWaitMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  try {
    if ((await meta.revision(volset)) >= min) return;
    await promise;
  } finally {
    clearTimeout(timer);
    leave();
    stop();
  }
  const revision = await meta.revision(volset);
  if (revision >= min) return;
  throw new PlaitError('behind', `revision ${min} is not reached here: this hub is at ${revision}`, {
    hint: 'try again later',
    data: { min, revision },
  });
}

export const feedRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/volsets/:volset/changes',
    summary: 'Changes after a revision, from now on without one, as they come; ends when somebody ends it',
    right: 'read',
    live: true,
    optionalQuery: { after: revision, store: storeId },
    answer: {
      type: NDJSON_TYPE,
      description: 'first line, then changes in ascending revision and marks; at the end a trailer or a line `error`',
      lines: {
        first: feedHead,
        generation: feedGeneration,
        record: loggedRecord,
        refs: feedRefs,
        mark: feedMark,
        trailer: feedTrailer,
      },
    },
    handle: changes,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/state',
    summary: 'All of a volume set, as the deltas of one who holds nothing, at or after a revision',
    right: 'read',
    optionalQuery: { min: revision },
    answer: {
      type: NDJSON_TYPE,
      description: 'as for deltas',
      lines: {
        first: deltasHead,
        refs: refsLine,
        generation: object({ generation: generationHeader }),
        record: loggedRecord,
        trailer: deltasTrailer,
      },
    },
    handle: state,
  },
  {
    method: 'GET',
    path: '/v1/changes',
    summary: 'Which volume sets are here and how far, of those that the token covers, and each whenever it moves',
    right: 'read',
    live: true,
    answer: {
      type: NDJSON_TYPE,
      description: 'first line, a head for each volume set, a mark; then whatever moves, and marks',
      lines: { first: headsHead, head: headsHeadLine, gone: headsGone, mark: headsMark, trailer: feedTrailer },
    },
    handle: (context, call) => context.feeds.openHeads(call),
  },
];
