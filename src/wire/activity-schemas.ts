/** Schemas of what a hub tells of its work and of its health (views.ts), as the description of the protocol shows them. */
import { MAX_LABEL_CHARS, MAX_NAME_CHARS, MAX_TEXT_CHARS } from './limits.ts';
import { hashId, randomId } from './record-schemas.ts';
import { count, list, nullable, object, type Schema, text } from './schema.ts';
import { MAX_VIEW_ITEMS, MAX_VIEW_LIST } from './views.ts';

/** Remotes and volume sets together, each with its next items. */
export const MAX_VIEW_QUEUES = 200;
/** Digits of a transfer's id that are told. */
export const SHORT_ID = 8;
const MAX_STAMP_CHARS = MAX_NAME_CHARS + 8;
export const MAX_DOCTOR_ROWS = 10_000;

const about = { volset: randomId, volsetName: nullable(text(MAX_NAME_CHARS)) };

const queueItem: Schema = object({
  snapshot: hashId,
  priority: { type: 'string', enum: ['high', 'medium', 'low'] },
  added: count(),
  attempts: count(),
  error: nullable(text(MAX_TEXT_CHARS)),
  dead: { type: 'boolean' },
});

const queue: Schema = object({
  remote: text(MAX_NAME_CHARS),
  ...about,
  waiting: count(),
  dead: count(),
  items: list(queueItem, MAX_VIEW_ITEMS),
});

const transfer: Schema = object({
  id: { type: 'string', pattern: `^[0-9a-f]{${SHORT_ID}}$` },
  direction: { type: 'string', enum: ['up', 'down'] },
  ...about,
  by: text(MAX_LABEL_CHARS),
  snapshots: count(),
  bytes: count(),
  since: count(),
  used: count(),
});

export const activityAnswer: Schema = object({
  now: count(),
  queues: list(queue, MAX_VIEW_QUEUES),
  transfers: list(transfer, MAX_VIEW_LIST),
  followers: count(),
  stamps: list(
    object({ what: text(MAX_STAMP_CHARS), ...about, volset: nullable(randomId), at: count() }),
    MAX_VIEW_LIST,
  ),
});

const doctorRow: Schema = object({
  name: text(MAX_TEXT_CHARS),
  ok: { type: 'boolean' },
  detail: text(MAX_TEXT_CHARS),
  hint: nullable(text(MAX_TEXT_CHARS)),
});

export const healthChecks: Schema = { type: 'object', additionalProperties: { type: 'boolean' } };

export const healthViewAnswer: Schema = object({
  ok: { type: 'boolean' },
  checks: healthChecks,
  doctor: nullable(object({ ok: { type: 'boolean' }, at: count(), checks: list(doctorRow, MAX_DOCTOR_ROWS) })),
});
