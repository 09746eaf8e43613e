/** Negotiation and transfer of blobs: rights and tokens are checked here, everything else is the transfer service's. */
import { PlaitError } from '../../core/errors.ts';
import type { Offer, OfferSender, Share, Want } from '../../core/peer.ts';
import { BYTES_TYPE, JSON_TYPE, TAR_TYPE } from '../../wire/headers.ts';
import { MAX_HAVE_IDS, MAX_HELD_IDS, MAX_SHARES } from '../../wire/limits.ts';
import { offerAnswers, offers, partAnswer, wantAnswers, wants } from '../../wire/messages.ts';
import type { Schema } from '../../wire/schema.ts';
import { started } from '../stream-answer.ts';
import type { Call, HubContext, Route } from './route.ts';
import { requireOrMake, requireVolset } from './volsets.ts';

const ID_BYTES = 32;
const PREFIX_BYTES = 8;
const kind: Schema = { type: 'string', enum: ['0', '1'], description: '0 chunks, 1 manifest nodes' };

async function have({ transfer }: HubContext, { claims, query, body, volset, caller }: Call): Promise<Uint8Array> {
  const ids = body as Uint8Array;
  if (claims.volset !== volset) throw new PlaitError('forbidden', 'the transfer token is for another volume set');
  if (ids.length % ID_BYTES !== 0 || ids.length > MAX_HAVE_IDS * ID_BYTES) {
    throw new PlaitError('protocol', `a have request is at most ${MAX_HAVE_IDS} ids of ${ID_BYTES} bytes`);
  }
  // Who may not read is not told what is here either, and sends what its base lacks.
  if (!caller.can('read')) return new Uint8Array(ids.length / ID_BYTES);
  return transfer.have(claims, query.kind === '1' ? 1 : 0, ids);
}

async function held({ transfer }: HubContext, { claims, query, body }: Call): Promise<unknown> {
  const prefixes = body as Uint8Array;
  if (prefixes.length % PREFIX_BYTES !== 0 || prefixes.length > MAX_HELD_IDS * PREFIX_BYTES) {
    throw new PlaitError('protocol', `a held request is at most ${MAX_HELD_IDS} times ${PREFIX_BYTES} bytes`);
  }
  await transfer.hold(claims, query.kind === '1' ? 1 : 0, prefixes);
  return {};
}

/** Both or neither. */
function shareOf({ share, of }: Call['query']): Share | undefined {
  if (share === undefined && of === undefined) return undefined;
  const [index, count] = [Number(share), Number(of)];
  const valid = Number.isInteger(index) && index >= 0 && index < count && count <= MAX_SHARES;
  if (!valid) throw new PlaitError('protocol', `share and of: a stream of at most ${MAX_SHARES}, counted from 0`);
  return { index, of: count };
}

async function upload({ transfer, limits, metrics, heads }: HubContext, call: Call): Promise<unknown> {
  metrics.uploads++;
  try {
    const answer = await transfer.receive(call.claims, call.stream(limits.uploadBytes), call.signal);
    call.note({ upload: call.claims.uploadId, snapshots: answer.snapshots });
    return answer;
  } finally {
    metrics.uploads--;
    // Whatever became complete has a number now: the service writes that itself.
    heads.poke();
  }
}

async function download({ transfer, metrics }: HubContext, call: Call): Promise<AsyncGenerator<Uint8Array>> {
  const pieces = await started(transfer.send(call.claims, call.signal, shareOf(call.query)));
  return (async function* () {
    // Here: of one whose client has gone before it starts, nothing below runs.
    metrics.downloads++;
    try {
      yield* pieces;
    } finally {
      metrics.downloads--;
    }
  })();
}

const blobDiff = { type: TAR_TYPE, description: 'a blob diff: tar with header.json first and trailer.json last' };
const uploadRoute: Omit<Route, 'method'> = {
  path: '/v1/transfers/:upload',
  summary: 'Take one part of an upload in, a whole blob diff; several at once, and safe to repeat',
  right: 'append',
  audit: 'upload',
  transfer: 'up',
  body: blobDiff,
  answer: { type: JSON_TYPE, schema: partAnswer },
  handle: upload,
};

export const transferRoutes: Route[] = [
  {
    method: 'POST',
    path: '/v1/volsets/:volset/offers',
    summary: 'Offer snapshots, oldest first',
    right: 'append',
    body: { type: JSON_TYPE, schema: offers },
    answer: { type: JSON_TYPE, schema: offerAnswers },
    handle: async (context, call) => {
      await requireOrMake(context, call);
      const { offers, sender } = call.body as { offers: Offer[]; sender?: OfferSender };
      return { answers: await context.transfer.answerOffers(call.volset, offers, call.caller, sender) };
    },
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/requests',
    summary: 'Ask for snapshots, oldest first',
    right: 'read',
    body: { type: JSON_TYPE, schema: wants },
    answer: { type: JSON_TYPE, schema: wantAnswers },
    handle: async (context, { volset, body, caller }) => {
      await requireVolset(context, volset);
      return { answers: await context.transfer.answerRequests(volset, (body as { wants: Want[] }).wants, caller) };
    },
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/have',
    summary: 'Which of these objects the hub holds for an upload: n x 32 bytes in, n bytes out (1 = held)',
    right: 'append',
    transfer: 'up',
    query: { kind },
    body: { type: BYTES_TYPE },
    answer: { type: BYTES_TYPE },
    handle: have,
  },
  { method: 'PUT', ...uploadRoute },
  { method: 'POST', ...uploadRoute },
  {
    method: 'GET',
    path: '/v1/transfers/:upload',
    summary: 'Get a blob diff, or one of several streams that together are one',
    right: 'read',
    transfer: 'down',
    optionalQuery: {
      share: { type: 'string', pattern: '^[0-9]{1,2}$', description: 'which of them, from 0; markers are in 0' },
      of: { type: 'string', pattern: '^[0-9]{1,2}$', description: `how many, at most ${MAX_SHARES}` },
    },
    answer: blobDiff,
    handle: download,
  },
  {
    method: 'POST',
    path: '/v1/transfers/:upload/held',
    summary: 'Before a download: what its receiver holds already, the first 8 bytes of ids; these are left out',
    right: 'read',
    transfer: 'down',
    query: { kind },
    body: { type: BYTES_TYPE },
    answer: { type: JSON_TYPE, schema: { type: 'object', additionalProperties: false } },
    handle: held,
  },
];
