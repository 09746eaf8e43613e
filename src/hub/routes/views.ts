/** What the page of a hub shows of volsets and their history. All of it is derived; nothing is written. */
import { PlaitError } from '../../core/errors.ts';
import type { VolsetId } from '../../core/ids.ts';
import type { VolsetSummary } from '../../meta/contract.ts';
import { JSON_TYPE } from '../../wire/headers.ts';
import * as schemas from '../../wire/view-schemas.ts';
import {
  type ConflictsPage,
  type HistoryAsk,
  type HistoryPage,
  MAX_VIEW_CHARS,
  MAX_VIEW_FRONTIER,
  MAX_VIEW_LIST,
  MAX_VIEW_POINTS,
  MAX_VIEW_TIPS,
  type Overview,
  type VolsetSummary as ShownSummary,
  type Sizes,
  type SnapshotDetails,
  type VolsetDetails,
} from '../../wire/views.ts';
import { storedOver } from '../views/stored.ts';
import type { Summary } from '../views/summaries.ts';
import type { Call, HubContext, Route } from './route.ts';
import { requireVolset } from './volsets.ts';

async function overview({ meta, views, summaries, feeds, now }: HubContext, { caller }: Call): Promise<Overview> {
  const { names } = await views.read(() => false);
  const mine = [...names].filter(([id]) => caller.covers(id)).sort(([, a], [, b]) => (a < b ? -1 : 1));
  const found = await summaries.read(mine.slice(0, MAX_VIEW_LIST).map(([id]) => id));
  const volsets = [...found].map(([id, summary]) =>
    shown(summary, summary, names.get(id) as string, feeds.followersOf(id)),
  );
  const { store, label } = meta.self;
  return { store, label, now: now(), volsets, more: Math.max(0, mine.length - MAX_VIEW_LIST) };
}

/** `of`: its own words; `figures`: what is counted elsewhere than in metadata, which may be older. */
function shown(
  { revision, view, newest, members, conflicts, damaged }: VolsetSummary,
  { series, storedBytes }: Summary,
  name: string,
  followers: number,
): ShownSummary {
  const { id, description, branches, snapshots } = view;
  return {
    ...{ id, name, description, revision, branches, snapshots, newest },
    ...{ logicalBytes: series.sum, storedBytes, members, followers, conflicts, damaged },
  };
}

/** Announced only, or deleted: nothing is there to be looked at. */
async function requireShown(context: HubContext, volset: VolsetId): Promise<Summary> {
  await requireVolset(context, volset);
  const summary = (await context.summaries.read([volset])).get(volset);
  if (summary) return summary;
  throw new PlaitError('not-found', 'nothing of this volume set is here', { hint: 'see `plait remote show`' });
}

/** What the feed tells as well is read at once, at the revision that is told. */
async function view(context: HubContext, { volset }: Call): Promise<VolsetDetails> {
  const figures = await requireShown(context, volset);
  const { branchList, memberList, remoteList, ...state } = await context.meta.volsetState(volset, MAX_VIEW_TIPS);
  // A name that came later is told by the feed once more.
  const { names } = await context.views.read(() => false);
  const name = names.get(volset) ?? state.view.name ?? volset;
  const summary = shown(state, figures, name, context.feeds.followersOf(volset));
  return { ...summary, attrs: state.view.attrs, branchList, memberList, remoteList };
}

async function history({ meta }: HubContext, { volset, body }: Call): Promise<HistoryPage> {
  return meta.historyPage(volset, { ...(body as HistoryAsk), frontier: MAX_VIEW_FRONTIER, chars: MAX_VIEW_CHARS });
}

async function snapshot({ meta }: HubContext, call: Call): Promise<SnapshotDetails> {
  return meta.snapshotFacts(call.volset, call.snapshot);
}

async function conflicts({ meta }: HubContext, { volset }: Call): Promise<ConflictsPage> {
  return meta.conflictPage(volset, MAX_VIEW_LIST);
}

async function sizes(context: HubContext, { volset }: Call): Promise<Sizes> {
  const { series } = await requireShown(context, volset);
  const packs = context.data?.blob.packs(volset) ?? [];
  return { snapshots: series.points(MAX_VIEW_POINTS), stored: storedOver(packs, MAX_VIEW_POINTS) };
}

export const viewRoutes: Route[] = [
  {
    method: 'GET',
    path: '/v1/overview',
    summary: 'Volume sets that the token covers, each in a few figures',
    right: 'read',
    answer: { type: JSON_TYPE, schema: schemas.overview, compressed: true },
    handle: overview,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/view',
    summary: 'One volume set as of a revision: figures, branches, members and where their branches stand',
    right: 'read',
    answer: { type: JSON_TYPE, schema: schemas.volsetDetails, compressed: true },
    handle: view,
  },
  {
    method: 'POST',
    path: '/v1/volsets/:volset/history',
    summary: 'A page of its history, newest first',
    right: 'read',
    body: { type: JSON_TYPE, schema: schemas.historyAsk },
    answer: { type: JSON_TYPE, schema: schemas.historyPage, compressed: true },
    handle: history,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/snapshots/:snapshot',
    summary: 'All that is said of one snapshot, but for its files',
    right: 'read',
    answer: { type: JSON_TYPE, schema: schemas.snapshotDetails, compressed: true },
    handle: snapshot,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/conflicts',
    summary: 'Open conflicts, newest first',
    right: 'read',
    answer: { type: JSON_TYPE, schema: schemas.conflictsPage, compressed: true },
    handle: conflicts,
  },
  {
    method: 'GET',
    path: '/v1/volsets/:volset/sizes',
    summary: 'Bytes of snapshots and of what is stored, over time',
    right: 'read',
    answer: { type: JSON_TYPE, schema: schemas.sizes, compressed: true },
    handle: sizes,
  },
];
