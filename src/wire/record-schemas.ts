/**
 * Schemas of what is replicated: records and generation headers. They bound the form; order of ids, byte lengths,
 * hashes and chains are checked by the core when a round is verified.
 */
import { MAX_GENERATION_RECORDS } from '../core/generation.ts';
import { MAX_TOMBSTONE_SEES, MAX_VALUE, MAX_WRITE_PARENTS } from '../core/records.ts';
import { MAX_CREATOR, MAX_SNAPSHOT_PARENTS } from '../core/snapshot-body.ts';
import { MAX_STORES } from '../core/vector.ts';
import { MAX_CHAIN_POINTS, MAX_CHAINS, MAX_INTERVALS, MAX_LABEL_CHARS, MAX_REGISTER_CHARS } from './limits.ts';
import { count, list, nullable, object, type Schema, text, tuple } from './schema.ts';

export const hashId: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'SHA-256, 64 hex digits' };
export const randomId: Schema = { type: 'string', pattern: '^[0-9a-f]{32}$', description: 'random, 32 hex digits' };
const STORE = '[0-9a-f]{32}\\.[1-9][0-9]{0,8}';
const STORE_KEY = `^${STORE}$`;
const CHAIN_KEY = `^${STORE}(?:/[0-9a-f]{64})?$`;
export const storeId: Schema = { type: 'string', pattern: STORE_KEY, description: '<install id>.<epoch>' };
const stamp: Schema = {
  type: 'string',
  pattern: '^[0-9a-f]{16}$',
  description: 'hybrid clock, 48-bit ms + 16-bit counter',
};
/** Ascending and apart, which the reader checks (core/intervals.ts). */
export const intervals: Schema = list(tuple(count(), count()), MAX_INTERVALS);
/** What a store calls itself: one line of well-formed text, for lists that people read. */
export const label: Schema = {
  type: 'string',
  maxLength: MAX_LABEL_CHARS,
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$',
  description: 'host name unless configured',
};
export const generationNumber: Schema = { type: 'integer', minimum: 1 };

const OBJECT = 'volset|branch:[0-9a-f]{32}|snapshot:[0-9a-f]{64}';
const register: Schema = {
  type: 'string',
  maxLength: MAX_REGISTER_CHARS,
  pattern: `^(?:(?:${OBJECT}):(?:name|description|owner|creator|attr:[\\s\\S]+)|conflict:[0-9a-f]{64}:resolved)$`,
};

export const write: Schema = object(
  {
    type: { const: 'write' },
    register,
    value: nullable(text(MAX_VALUE)),
    parents: list(hashId, MAX_WRITE_PARENTS),
    stamp,
    author: storeId,
    resolution: { const: true },
  },
  ['resolution'],
);

export const tombstone: Schema = object(
  {
    type: { const: 'tombstone' },
    object: { type: 'string', pattern: `^(?:${OBJECT})$` },
    sees: list(hashId, MAX_TOMBSTONE_SEES),
    tip: hashId,
    stamp,
    author: storeId,
  },
  ['tip'],
);

export const snapshotBody: Schema = object(
  {
    type: { const: 'snapshot' },
    volset: randomId,
    parents: list(hashId, MAX_SNAPSHOT_PARENTS),
    root: hashId,
    created: count(),
    creator: text(MAX_CREATOR),
    files: count(),
    bytes: count(),
    dir: object({
      mode: { type: 'integer', minimum: 0, maximum: 0o777 },
      mtime: { type: 'string', maxLength: 20, pattern: '^(0|-?[1-9][0-9]{0,18})$' },
    }),
  },
  ['dir'],
);

/** Stands where a write was dropped that others follow; `what` is the hash of what it said. */
export const pastRecord: Schema = object(
  {
    type: { const: 'past' },
    author: storeId,
    parents: list(hashId, MAX_WRITE_PARENTS),
    stamp,
    what: hashId,
    resolution: { const: true },
  },
  ['resolution'],
);

const oneOf = (...forms: Schema[]): Schema => ({ oneOf: forms, discriminator: { propertyName: 'type' } });
/** What a store writes. */
export const record: Schema = oneOf(write, tombstone, snapshotBody);
/** What a generation may hold. */
export const loggedRecord: Schema = oneOf(write, tombstone, snapshotBody, pastRecord);

export const generationHeader: Schema = object({
  store: storeId,
  generation: generationNumber,
  count: { type: 'integer', minimum: 1, maximum: MAX_GENERATION_RECORDS },
  previous: hashId,
  hash: hashId,
});

export const vector: Schema = {
  type: 'object',
  propertyNames: { pattern: CHAIN_KEY },
  additionalProperties: object({ generation: generationNumber, hash: hashId }),
  maxProperties: MAX_STORES,
  description: 'chain (`STORE`, or `STORE/HASH` behind a fork) -> highest generation held without gaps, and its hash',
};

/** Where chains of stores run through, in no particular order; see docs/protocol.md, "Forks". */
export const chains: Schema = {
  type: 'object',
  propertyNames: { pattern: STORE_KEY },
  additionalProperties: list(tuple(generationNumber, hashId), MAX_CHAIN_POINTS),
  maxProperties: MAX_CHAINS,
  description: 'store id -> [generation, hash] of some of its generations',
};

/** Revision 0: the branch has no ref there yet. */
export const ref: Schema = object({ branch: randomId, snapshot: nullable(hashId), revision: count() });
