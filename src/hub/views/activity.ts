/** What a hub is at: its own queues, transfers that move, feeds, and when things last went well; of what the asker covers. */
import type { VolsetId } from '../../core/ids.ts';
import type { Priority, QueueItem, Stamp } from '../../meta/contract.ts';
import { MAX_VIEW_QUEUES, SHORT_ID } from '../../wire/activity-schemas.ts';
import { MAX_TEXT_CHARS } from '../../wire/limits.ts';
import { type Activity, MAX_VIEW_ITEMS, MAX_VIEW_LIST } from '../../wire/views.ts';
import type { ScopedCaller } from '../access.ts';
import type { HubMeta } from '../contract.ts';
import type { Call, HubContext } from '../routes/route.ts';

type Queue = Activity['queues'][number];
type Counts = Awaited<ReturnType<HubMeta['queueCounts']>>[number];
type Names = (volset: VolsetId) => string | null;

const PRIORITIES: Readonly<Record<Priority, Queue['items'][number]['priority']>> = { 2: 'high', 1: 'medium', 0: 'low' };
/** Of the whole store, and told to everybody, as metrics tell it; other stamps of the store name remotes. */
const UPKEEP: ReadonlySet<string> = new Set(['gc', 'scrub', 'verify']);
/** A finding, not a success. */
const DAMAGE = 'damage';

export async function activity(context: HubContext, { caller, signal }: Call): Promise<Activity> {
  const { views, pending, meta, now } = context;
  const shown = (await views.read(() => false)).names;
  const names: Names = (volset) => shown.get(volset) ?? pending.name(volset) ?? null;
  return {
    now: now(),
    queues: await queuesOf(meta, caller, names, signal),
    transfers: await transfersOf(context, caller, names),
    followers: followersOf(context, caller),
    stamps: stampsOf(await meta.stamps(), caller, names),
  };
}

async function queuesOf(meta: HubMeta, caller: ScopedCaller, names: Names, signal: AbortSignal): Promise<Queue[]> {
  const covered = (await meta.queueCounts())
    .filter(({ volset }) => caller.covers(volset))
    .map((counts) => ({ ...counts, volsetName: names(counts.volset) }))
    .sort((a, b) => compare(a.remote, b.remote) || compare(a.volsetName ?? '', b.volsetName ?? ''));
  const queues: Queue[] = [];
  for (const counts of covered.slice(0, MAX_VIEW_QUEUES)) {
    signal.throwIfAborted();
    const items = await nextItems(meta, counts);
    queues.push({ ...counts, items: items.map((item) => itemOf(item, caller)) });
  }
  return queues;
}

async function nextItems(meta: HubMeta, { remote, volset, waiting, dead }: Counts): Promise<QueueItem[]> {
  const page = (state: boolean, limit: number): Promise<QueueItem[]> =>
    meta.queue({ remote, volset, dead: state }, { limit });
  const items = waiting > 0 ? await page(false, MAX_VIEW_ITEMS) : [];
  const room = MAX_VIEW_ITEMS - items.length;
  return dead > 0 && room > 0 ? [...items, ...(await page(true, room))] : items;
}

/** What went wrong may name a directory of this machine: who may not see all of the store hears the code alone. */
function itemOf({ snapshot, priority, added, attempts, error, dead }: QueueItem, { volset }: ScopedCaller) {
  const why = error === undefined ? null : volset === null ? error.message.slice(0, MAX_TEXT_CHARS) : error.code;
  return { snapshot, priority: PRIORITIES[priority], added, attempts, error: why, dead };
}

async function transfersOf(
  { meta, transfer }: HubContext,
  caller: ScopedCaller,
  names: Names,
): Promise<Activity['transfers']> {
  const open = (transfer.open?.() ?? []).filter(({ volset }) => caller.covers(volset)).slice(0, MAX_VIEW_LIST);
  if (open.length === 0) return [];
  const labels = new Map((await meta.listTokens()).map(({ id, label }) => [id, label]));
  return open.map(({ uploadId, owner, ...view }) => ({
    ...view,
    id: uploadId.slice(0, SHORT_ID),
    volsetName: names(view.volset),
    by: labels.get(owner) ?? owner,
  }));
}

/** Who may see one volume set hears of those who follow that one alone. */
const followersOf = ({ metrics, feeds }: HubContext, { volset }: ScopedCaller): number =>
  volset === null ? metrics.followers : feeds.followersOf(volset);

function stampsOf(stamps: readonly Stamp[], caller: ScopedCaller, names: Names): Activity['stamps'] {
  const may = ({ what, volset }: Stamp): boolean =>
    volset === null ? caller.volset === null || UPKEEP.has(what) : caller.covers(volset);
  return stamps
    .filter((stamp) => stamp.what !== DAMAGE && may(stamp))
    .sort((a, b) => b.at - a.at)
    .slice(0, MAX_VIEW_LIST)
    .map(({ what, volset, at }) => ({ what, volset, volsetName: volset && names(volset), at }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
