/** Schemas of views.ts, of what is asked and of what is answered. */
import { MAX_VALUE } from '../core/records.ts';
import { MAX_CREATOR, MAX_SNAPSHOT_PARENTS } from '../core/snapshot-body.ts';
import { MAX_BRANCHES, MAX_NAME_CHARS } from './limits.ts';
import { hashId, label, randomId, storeId } from './record-schemas.ts';
import { count, list, nullable, object, type Schema, text } from './schema.ts';
import { MAX_VIEW_FRONTIER, MAX_VIEW_LIST, MAX_VIEW_POINTS, MAX_VIEW_ROWS, MAX_VIEW_TIPS } from './views.ts';

/** A name that is shown may be longer than any that is given: ones that collide are told apart by digits of their id. */
const name = text(2 * MAX_NAME_CHARS);
const value = text(MAX_VALUE);
const attrs: Schema = { type: 'object', additionalProperties: value };

const summary = {
  id: randomId,
  name,
  description: nullable(value),
  revision: count(),
  branches: count(),
  snapshots: count(),
  newest: nullable(
    object({
      id: hashId,
      created: count(),
      creator: text(MAX_CREATOR),
      description: nullable(value),
      bytes: count(),
      files: count(),
    }),
  ),
  logicalBytes: count(),
  storedBytes: count(),
  members: count(),
  followers: count(),
  conflicts: count(),
  damaged: count(),
};

export const overview: Schema = object({
  store: storeId,
  label,
  now: count(),
  volsets: list(object(summary), MAX_VIEW_LIST),
  more: count(),
});

const tips = list(object({ branch: name, tip: hashId }), MAX_VIEW_TIPS);

const member: Schema = object(
  {
    store: storeId,
    label,
    lastSeen: count(),
    state: { type: 'string', enum: ['active', 'retired'] },
    behind: count(),
    tips,
  },
  ['behind'],
);

export const volsetDetails: Schema = object({
  ...summary,
  attrs,
  branchList: list(object({ id: randomId, name, tip: nullable(hashId) }), MAX_BRANCHES),
  memberList: { type: 'array', items: member },
  remoteList: { type: 'array', items: object({ name: label, store: storeId, tips }) },
});

export const historyAsk: Schema = object(
  {
    from: nullable(list(hashId, MAX_VIEW_FRONTIER)),
    limit: { type: 'integer', minimum: 1, maximum: MAX_VIEW_ROWS },
    only: { type: 'boolean', enum: [true] },
  },
  ['only'],
);

const row = {
  id: hashId,
  parents: list(hashId, MAX_SNAPSHOT_PARENTS),
  created: count(),
  creator: text(MAX_CREATOR),
  name: nullable(name),
  description: nullable(value),
  bytes: count(),
  files: count(),
  hasBlob: { type: 'boolean' } as Schema,
  damaged: { const: true },
  forgotten: { const: true },
  tips: { type: 'array', items: object({ branch: name, store: nullable(name) }) } as Schema,
};
const ONLY_WHERE_SO = ['damaged', 'forgotten'];

export const historyPage: Schema = object({
  revision: count(),
  rows: list(object(row, ONLY_WHERE_SO), MAX_VIEW_ROWS),
  next: list(hashId, MAX_VIEW_FRONTIER),
});

export const snapshotDetails: Schema = object({ ...row, root: hashId, owner: nullable(value), attrs }, ONLY_WHERE_SO);

const conflict: Schema = object(
  {
    id: hashId,
    kind: { type: 'string', enum: ['volset', 'branch', 'snapshot', 'path', 'name', 'delete'] },
    object: value,
    field: value,
    initial: nullable(value),
    current: nullable(value),
    target: nullable(value),
    resolution: { type: 'string', enum: ['current', 'target', 'value'] },
    resolved: { type: 'boolean' },
    writes: { type: 'array', items: hashId },
    pathBase64: value,
    objectName: nullable(name),
  },
  ['pathBase64'],
);

export const conflictsPage: Schema = object({ conflicts: list(conflict, MAX_VIEW_LIST), more: count() });

export const sizes: Schema = object({
  snapshots: list(object({ at: count(), bytes: count(), logical: count() }), MAX_VIEW_POINTS),
  stored: list(object({ at: count(), bytes: count() }), MAX_VIEW_POINTS),
});
