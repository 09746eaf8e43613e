/** Schemas of the JSON answers that look into snapshots; their types are in views.ts. */
import { MAX_NAME, MAX_PATH } from '../core/paths.ts';
import { MAX_QUERY_PATH, queryPath } from './query-path.ts';
import { count, list, nullable, object, type Schema, text } from './schema.ts';
import { MAX_VIEW_ROWS } from './views.ts';

/** An entry is not longer, whatever its target is. */
const MAX_TARGET = 65_536;

const kind: Schema = { type: 'string', enum: ['file', 'dir', 'symlink'] };
const path = { path: text(MAX_PATH), pathBase64: text(MAX_QUERY_PATH + 4) };

export const entryRow: Schema = object(
  {
    ...path,
    kind,
    mode: { type: 'string', pattern: '^[0-7]{4}$' },
    size: count(),
    mtime: nullable(text(40)),
    target: text(MAX_TARGET),
  },
  ['pathBase64', 'target'],
);

const rows: Schema = list(entryRow, MAX_VIEW_ROWS);
const next: Schema = nullable(queryPath);

export const entriesPage: Schema = object({ at: nullable(entryRow), rows, next });

/** What is searched for is part of one name. */
export const searchedName: Schema = { ...text(MAX_NAME), minLength: 1 };
export const searchPage: Schema = object({ rows, next, scanned: count() });

const side: Schema = object({ kind, size: count() });
const diffEntry: Schema = object(
  { ...path, letter: { type: 'string', enum: ['A', 'M', 'D', 'T'] }, before: side, after: side },
  ['pathBase64', 'before', 'after'],
);
const diffTotals: Schema = object({
  added: count(),
  modified: count(),
  deleted: count(),
  typeChanged: count(),
  bytesBefore: count(),
  bytesAfter: count(),
  whole: { type: 'boolean' },
});
export const diffPage: Schema = object({ rows: list(diffEntry, MAX_VIEW_ROWS), next, totals: nullable(diffTotals) });
