/** Looking into snapshots: a folder, a search by name, what differs between two. */
import type { SnapshotId } from '../../core/ids.ts';
import type { PathKey } from '../../core/paths.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import { decodeQueryPath, queryPath } from '../../wire/query-path.ts';
import { hashId } from '../../wire/record-schemas.ts';
import type { Schema } from '../../wire/schema.ts';
import { diffPage, entriesPage, searchedName, searchPage } from '../../wire/tree-schemas.ts';
import { type DiffPage, type EntriesPage, MAX_VIEW_ROWS, type SearchPage } from '../../wire/views.ts';
import { Breath } from '../trees/breath.ts';
import * as diffs from '../trees/diff-page.ts';
import * as folders from '../trees/entries-page.ts';
import * as searches from '../trees/search-page.ts';
import { openTree } from '../trees/tree.ts';
import type { Call, HubContext, Route } from './route.ts';

const pageSize: Schema = {
  type: 'string',
  pattern: '^[1-9][0-9]{0,2}$',
  description: `rows, at most ${MAX_VIEW_ROWS}; that many without it`,
};
const after: Schema = { ...queryPath, minLength: 1, description: '`next` of the page before' };

export const pathOf = ({ path = '' }: Call['query']): PathKey => decodeQueryPath(path);
const afterOf = ({ after }: Call['query']): PathKey | undefined =>
  after === undefined ? undefined : decodeQueryPath(after);

async function entries(context: HubContext, { volset, snapshot, query, signal }: Call): Promise<EntriesPage> {
  const limit = Math.min(Number(query.limit ?? MAX_VIEW_ROWS), MAX_VIEW_ROWS);
  const ask = { path: pathOf(query), after: afterOf(query), limit };
  return folders.entriesPage(await openTree(context, volset, snapshot), ask, await Breath.first(signal));
}

async function search(context: HubContext, { volset, snapshot, query, signal }: Call): Promise<SearchPage> {
  const ask = { name: query.name as string, path: pathOf(query), after: afterOf(query) };
  return searches.searchPage(await openTree(context, volset, snapshot), ask, await Breath.first(signal));
}

async function diff(context: HubContext, { volset, query, signal }: Call): Promise<DiffPage> {
  const to = await openTree(context, volset, query.to as SnapshotId);
  const from = query.from === undefined ? undefined : await openTree(context, volset, query.from as SnapshotId);
  return diffs.diffPage({ from, to, after: afterOf(query) }, await Breath.first(signal));
}

export const treeRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/volsets/:volset/snapshots/:snapshot/entries',
    summary: "A folder's own entries, page by page; without a path those of the root",
    right: 'read',
    optionalQuery: { path: queryPath, after, limit: pageSize },
    answer: { type: JSON_TYPE, schema: entriesPage, compressed: true },
    handle: entries,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/snapshots/:snapshot/search',
    summary: 'Entries whose own name contains a text, in any case; a page ends early where that takes long',
    right: 'read',
    query: { name: searchedName },
    optionalQuery: { path: queryPath, after },
    answer: { type: JSON_TYPE, schema: searchPage, compressed: true },
    handle: search,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/diff',
    summary: 'What differs between two snapshots, page by page, the first with totals; without `from` all is added',
    right: 'read',
    query: { to: hashId },
    optionalQuery: { from: hashId, after },
    answer: { type: JSON_TYPE, schema: diffPage, compressed: true },
    handle: diff,
  },
];
