/** The transfer queue: what is to go to which remote. Its rules are the contract's; its rows are queue-rows.ts. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { Outcome, Priority, QueueFilter, QueueItem } from '../contract.ts';
import { type Engine, findVolsetNumber, volsetNumber } from './engine.ts';
import type { Group, QueueRow, Slice } from './queue-rows.ts';
import * as table from './queue-rows.ts';

/** Rows in memory at once, where a whole queue is gone through. */
const BATCH = 1000;

export function enqueue(
  engine: Engine,
  volset: VolsetId,
  remote: string,
  items: { snapshot: SnapshotId; priority: Priority }[],
  now: number,
): number {
  if (items.length === 0) return 0;
  return engine.db.write(() => {
    const group = { remote, volset: volsetNumber(engine, volset), id: volset };
    return items.filter((item) => accept(engine, group, item, now)).length;
  });
}

const FRESH = { attempts: 0, not_before: 0, code: null, message: null, dead: 0 } as const;

function accept(
  engine: Engine,
  group: Group,
  { snapshot, priority }: { snapshot: SnapshotId; priority: Priority },
  now: number,
): boolean {
  const row = table.findRow(engine, group, snapshot);
  if (row !== undefined && table.isIntact(row)) {
    const raised = { ...row, priority: Math.max(row.priority, priority) as Priority, ...(row.dead === 1 && FRESH) };
    if (row.dead === 1 || raised.priority !== row.priority) table.updateRow(engine, raised);
    return false;
  }
  if (row !== undefined) table.deleteRow(engine, row.n);
  table.insertRow(engine, { remote: group.remote, volset: group.volset, snapshot, priority, added: now, ...FRESH });
  return true;
}

export function queue(
  engine: Engine,
  filter: QueueFilter,
  { limit, after }: { limit: number; after?: QueueItem } = { limit: Number.MAX_SAFE_INTEGER },
): QueueItem[] {
  return engine.db.read(() => {
    let items: QueueItem[] = [];
    for (const slice of slicesOf(engine, filter)) {
      items.push(...itemsOf(engine, slice, after, limit));
      items.sort((a, b) => b.priority - a.priority || a.n - b.n);
      items = items.slice(0, limit);
    }
    return items;
  });
}

/** Each is in order by itself. */
function slicesOf(engine: Engine, { dead, snapshots, ...filter }: QueueFilter): Slice[] {
  const states: (0 | 1)[] = dead === undefined ? [0, 1] : [dead ? 1 : 0];
  return table
    .groupsOf(engine, filter)
    .flatMap((group) => states.map((state) => ({ ...group, dead: state, snapshots })));
}

function itemsOf(engine: Engine, slice: Slice, after: table.Place | undefined, limit: number): QueueItem[] {
  const items: QueueItem[] = [];
  for (const row of intactRows(engine, slice, after, limit)) {
    items.push(table.itemOf(slice, row));
    if (items.length >= limit) break;
  }
  return items;
}

function* intactRows(engine: Engine, slice: Slice, after?: table.Place, limit = BATCH): Generator<QueueRow> {
  const page = Math.min(limit, BATCH);
  for (let last = after; ; ) {
    const rows = table.rowsAfter(engine, slice, last, page);
    yield* rows.filter(table.isIntact);
    if (rows.length < page) return;
    last = rows[rows.length - 1];
  }
}

export function queueCounts(
  engine: Engine,
  filter: QueueFilter = {},
): { remote: string; volset: VolsetId; waiting: number; dead: number }[] {
  return engine.db.read(() => {
    const counts = new Map<string, { remote: string; volset: VolsetId; waiting: number; dead: number }>();
    for (const slice of slicesOf(engine, filter)) {
      const key = `${slice.volset} ${slice.remote}`;
      const entry = counts.get(key) ?? { remote: slice.remote, volset: slice.id, waiting: 0, dead: 0 };
      entry[slice.dead === 1 ? 'dead' : 'waiting'] += countOf(engine, slice);
      counts.set(key, entry);
    }
    return [...counts.values()].filter(({ waiting, dead }) => waiting + dead > 0);
  });
}

function countOf({ db }: Engine, { remote, volset, dead, snapshots }: Slice): number {
  const among = snapshots ? 'AND snapshot IN (SELECT value FROM json_each(?))' : '';
  const sql = `SELECT count(*) AS count FROM queue WHERE remote = ? AND volset = ? AND dead = ? ${among}`;
  const values = snapshots ? [JSON.stringify(snapshots)] : [];
  return db.get<{ count: number }>(sql, remote, volset, dead, ...values)?.count ?? 0;
}

export function settle(engine: Engine, volset: VolsetId, remote: string, outcomes: Outcome[]): void {
  if (outcomes.length === 0) return;
  engine.db.write(() => {
    const n = findVolsetNumber(engine, volset);
    if (n === undefined) return;
    for (const outcome of outcomes) {
      const row = table.findRow(engine, { remote, volset: n, id: volset }, outcome.snapshot);
      if (row) settleRow(engine, row, outcome);
    }
  });
}

const cells = ({ code, message }: NonNullable<QueueItem['error']>) => ({ code, message });

function settleRow(engine: Engine, row: QueueRow, outcome: Outcome): void {
  switch (outcome.outcome) {
    case 'durable':
    case 'notWanted':
    case 'cancelled':
      table.deleteRow(engine, row.n);
      return;
    case 'missing':
    case 'rejected':
      if (table.isIntact(row)) table.updateRow(engine, { ...row, ...cells(outcome.error), dead: 1 });
      return;
    case 'retry': {
      if (!table.isIntact(row) || row.dead === 1) return;
      const attempts = row.attempts + 1;
      table.updateRow(engine, { ...row, ...cells(outcome.error), attempts, not_before: outcome.notBefore });
    }
  }
}

export function requeue(engine: Engine, filter: QueueFilter): number {
  return engine.db.write(() => {
    let changed = 0;
    // Waiting ones first: the dead join them and must not be met twice.
    for (const slice of slicesOf(engine, filter)) {
      for (const row of intactRows(engine, slice)) {
        table.updateRow(engine, { ...row, ...FRESH });
        changed++;
      }
    }
    return changed;
  });
}

/** Damaged ones go as well. */
export function unqueue(engine: Engine, filter: QueueFilter): number {
  return engine.db.write(() =>
    slicesOf(engine, filter).reduce((removed, slice) => removed + removeSlice(engine, slice), 0),
  );
}

function removeSlice({ db }: Engine, { remote, volset, dead, snapshots }: Slice): number {
  const among = snapshots ? 'AND snapshot IN (SELECT value FROM json_each(?))' : '';
  const values = snapshots ? [JSON.stringify(snapshots)] : [];
  const sql = `DELETE FROM queue WHERE remote = ? AND volset = ? AND dead = ? ${among}`;
  return db.run(sql, remote, volset, dead, ...values);
}
