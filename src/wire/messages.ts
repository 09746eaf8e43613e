/** Schemas and types of the JSON messages, one pair a route: what is asked, what is answered. */
import type { SnapshotId } from '../core/ids.ts';
import type { PeerVolset, RefMove, Stretch } from '../core/peer.ts';
import type { Ref, Vector } from '../core/records.ts';
import {
  MAX_BASE_CANDIDATES,
  MAX_BRANCHES,
  MAX_HAVE_IDS,
  MAX_LACKING,
  MAX_NAME_CHARS,
  MAX_OFFERS,
  MAX_REF_MOVES,
  MAX_REFS,
  MAX_TEXT_CHARS,
  MAX_TRANSFER_SNAPSHOTS,
  MAX_TRANSFER_TOKEN,
  MAX_VOLSETS,
} from './limits.ts';
import { chains, hashId, intervals, randomId, ref, snapshotBody, storeId, vector } from './record-schemas.ts';
import { count, list, nullable, object, type Schema, text } from './schema.ts';
import { RIGHTS } from './transfer-service.ts';

const name: Schema = { type: 'string', minLength: 1, maxLength: MAX_NAME_CHARS };

export const volset: Schema = object({
  id: randomId,
  name: text(MAX_NAME_CHARS),
  branches: list(object({ id: randomId, name: text(MAX_NAME_CHARS), tip: nullable(hashId) }), MAX_BRANCHES),
});
export interface VolsetList {
  volsets: PeerVolset[];
}
export const volsetList: Schema = object({ volsets: list(volset, MAX_VOLSETS) });

export const createVolset: Schema = object({ id: randomId, name });
export const created: Schema = object({ id: randomId, created: { type: 'boolean' } });

/** `knownRevision` 0: none. */
export const deltasAsk: Schema = object({ self: storeId, vector, knownRevision: count(), chains }, ['chains']);

export const heldAsk: Schema = object({ snapshots: list(hashId, MAX_HAVE_IDS) });
export interface HeldAnswer {
  held: SnapshotId[];
}
export const heldAnswer: Schema = object({ held: list(hashId, MAX_HAVE_IDS) });

const right: Schema = { type: 'string', enum: RIGHTS };
export const rightsAnswer: Schema = object({ can: list(right, RIGHTS.length), volset: nullable(randomId) });

const stretch: Schema = { type: 'array', items: count(), minItems: 2, maxItems: 2 };

export interface VectorAnswer {
  vector: Vector;
  revisions?: Stretch;
}
export const vectorAnswer: Schema = object({ vector, revisions: stretch }, ['revisions']);

export interface RefMoves {
  moves: RefMove[];
}
export const refMoves: Schema = object({
  moves: list(object({ branch: randomId, from: nullable(hashId), to: hashId }), MAX_REF_MOVES),
});
export interface RefMovesAnswer {
  moved: boolean;
  refs: Ref[];
  revision: number;
  revisions?: Stretch;
  reason?: string;
}
export const refMovesAnswer: Schema = object(
  {
    moved: { type: 'boolean' },
    refs: list(ref, MAX_REFS),
    revision: count(),
    revisions: stretch,
    reason: text(MAX_TEXT_CHARS),
  },
  ['revisions', 'reason'],
);

const baseCandidates = list(hashId, MAX_BASE_CANDIDATES);
const blobNumber: Schema = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
export const offers: Schema = object(
  {
    offers: list(
      object({ id: hashId, body: snapshotBody, bytes: count(), chunks: count(), baseCandidates, number: blobNumber }, [
        'number',
      ]),
      MAX_OFFERS,
    ),
    sender: object({ self: storeId, missing: intervals }),
  },
  ['sender'],
);
export const wants: Schema = object({
  wants: list(object({ id: hashId, baseCandidates, plain: { const: true } }, ['plain']), MAX_OFFERS),
});

const transfer = { url: text(MAX_TEXT_CHARS), token: text(MAX_TRANSFER_TOKEN), expiresAt: count() };
const declined = object(
  {
    id: hashId,
    answer: { const: 'declined' },
    reason: text(MAX_TEXT_CHARS),
    code: { type: 'string', enum: ['no-space', 'quota'] },
    lasting: { const: true },
  },
  ['code', 'lasting'],
);
const answers = (...forms: Schema[]): Schema =>
  object({ answers: list({ oneOf: forms, discriminator: { propertyName: 'answer' } }, MAX_OFFERS) });

export const offerAnswers: Schema = answers(
  object({ id: hashId, answer: { const: 'have' } }),
  declined,
  object({ id: hashId, answer: { const: 'want' }, base: nullable(hashId), empty: { const: true }, ...transfer }, [
    'empty',
  ]),
);
export const wantAnswers: Schema = answers(
  object({ id: hashId, answer: { const: 'absent' } }),
  declined,
  object({ id: hashId, answer: { const: 'available' }, base: nullable(hashId), bytes: count(), ...transfer }),
);

export const partAnswer: Schema = object({
  snapshots: list(hashId, MAX_TRANSFER_SNAPSHOTS),
  lacking: list(object({ kind: { type: 'integer', enum: [0, 1] } as Schema, id: hashId }), MAX_LACKING),
});
