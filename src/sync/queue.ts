/** `plait queue`: what waits to be sent to each remote, and what was refused. */
import { PlaitError } from '../core/errors.ts';
import { installOf, type SnapshotId, type VolsetId } from '../core/ids.ts';
import type { Interval } from '../core/intervals.ts';
import type { MetaStore, QueueFilter, QueueItem, RemoteConfig } from '../meta/contract.ts';
import { type MetaEngine, type Outcome, outcome } from './engine.ts';
import { resolveReference } from './references.ts';
import { remoteByName } from './remotes.ts';
import { lastSealed } from './sealed.ts';

/** Rows of one list of one remote; a queue may be longer than anybody reads. */
const MAX_ROWS = 10_000;
const PAGE = 1000;

export const PRIORITIES = ['low', 'medium', 'high'] as const;

export interface QueueRow {
  snapshot: SnapshotId;
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  priority: (typeof PRIORITIES)[number];
  attempts: number;
  /** ISO 8601, UTC; null: at once. */
  notBefore: string | null;
  added: string;
  error: { code: string; message: string } | null;
}

export interface RemoteQueue {
  name: string;
  /** The volset that the remote follows, which `head` and `sealed` are about. */
  volset: string | null;
  /** The largest number of a blob here. */
  head: number;
  /** Numbers that the remote holds, or will never get, as it last said. */
  sealed: Interval[];
  lastSync: string | null;
  entries: QueueRow[];
  dead: QueueRow[];
  /** How many were left out of both lists for their length. */
  more: number;
}

type Reader = Pick<MetaEngine, 'meta'>;

export function listQueue({ meta }: Reader, name?: string): Outcome<{ remotes: RemoteQueue[] }> {
  const remotes = name === undefined ? meta.listRemotes() : [remoteByName({ meta }, name)];
  return outcome({ remotes: remotes.map((remote) => remoteQueue(meta, remote)) });
}

function remoteQueue(meta: MetaStore, remote: RemoteConfig): RemoteQueue {
  const { name, volset, identity } = remote;
  const known = volset !== undefined && meta.knowsVolset(volset) ? volset : undefined;
  const install = identity && installOf(identity);
  const lastSync = known && install ? (meta.peer(install, known)?.lastSync ?? null) : null;
  const names = new Map(meta.listVolsets().map((view) => [view.id, view.name]));
  const [entries, dead] = [false, true].map((isDead) =>
    rowsOf(meta, { remote: name, dead: isDead }).map((item) => queueRow(item, names.get(item.volset) ?? null)),
  );
  const count = queueCount(meta, { remote: name });
  return {
    name,
    volset: (known && names.get(known)) ?? remote.volsetName ?? null,
    head: known ? meta.blobHead(known) : 0,
    sealed: known && install ? lastSealed(meta, install, known) : [],
    lastSync: isoOrNull(lastSync),
    entries,
    dead,
    more: count.waiting + count.dead - entries.length - dead.length,
  };
}

/** By priority, then in order of acceptance. */
function rowsOf(meta: MetaStore, filter: QueueFilter): QueueItem[] {
  const rows: QueueItem[] = [];
  while (rows.length < MAX_ROWS) {
    const page = meta.queue(filter, { limit: PAGE, ...(rows.length > 0 && { after: rows.at(-1) }) });
    rows.push(...page);
    if (page.length < PAGE) break;
  }
  return rows;
}

const queueRow = (item: QueueItem, volset: string | null): QueueRow => ({
  snapshot: item.snapshot,
  volset,
  volsetId: item.volset,
  priority: PRIORITIES[item.priority],
  attempts: item.attempts,
  notBefore: item.notBefore === 0 ? null : isoOrNull(item.notBefore),
  added: new Date(item.added).toISOString(),
  error: item.error ?? null,
});

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Over all that the filter meets. */
export function queueCount(meta: Pick<MetaStore, 'queueCounts'>, filter: QueueFilter) {
  const sum = { waiting: 0, dead: 0 };
  for (const { waiting, dead } of meta.queueCounts(filter)) {
    sum.waiting += waiting;
    sum.dead += dead;
  }
  return sum;
}

/** Of these, those that the remote refused for good or that could not be read here. */
export function deadOf(
  meta: Pick<MetaStore, 'queue' | 'queueCounts'>,
  of: { remote: string; volset: VolsetId },
  ids: SnapshotId[],
): Set<SnapshotId> {
  if (ids.length === 0 || queueCount(meta, of).dead === 0) return new Set();
  const wanted = new Set(ids);
  const dead = meta.queue({ ...of, dead: true }).map(({ snapshot }) => snapshot);
  return new Set(dead.filter((id) => wanted.has(id)));
}

/** Of one remote or all: the next push tries them, whatever was said of them. */
export function retryQueued(
  engine: Reader,
  name: string | undefined,
  refs: string[],
): Outcome<{ remote: string | null; requeued: number }> {
  const requeued = sumOf(filtersOf(engine, name, refs), (filter) => engine.meta.requeue(filter));
  return outcome({ remote: name ?? null, requeued });
}

export function dropQueued(engine: Reader, name: string, refs: string[]): Outcome<{ remote: string; dropped: number }> {
  const dropped = sumOf(filtersOf(engine, name, refs), (filter) => engine.meta.unqueue(filter));
  return outcome({ remote: name, dropped });
}

const sumOf = (filters: QueueFilter[], count: (filter: QueueFilter) => number): number =>
  filters.reduce((sum, filter) => sum + count(filter), 0);

/** One filter for all, or one for each snapshot: its reference is looked up in each volset of which something is queued. */
function filtersOf(engine: Reader, name: string | undefined, refs: string[]): QueueFilter[] {
  const remote = name === undefined ? {} : { remote: remoteByName(engine, name).name };
  if (refs.length === 0) return [remote];
  const volsets = [...new Set(engine.meta.queueCounts(remote).map(({ volset }) => volset))];
  return refs.map((ref) => {
    for (const volset of volsets) {
      const snapshot = snapshotIn(engine, volset, ref);
      if (snapshot) return { ...remote, volset, snapshots: [snapshot] };
    }
    throw new PlaitError('not-found', `nothing that is queued is called ${ref}`, { hint: 'see `plait queue list`' });
  });
}

function snapshotIn(engine: Reader, volset: VolsetId, ref: string): SnapshotId | undefined {
  try {
    return resolveReference(engine, volset, ref).snapshot;
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'not-found') return undefined;
    throw error;
  }
}
