/** Rows of the queue: read by groups of (remote, volset), so that one index serves every filter, however long it is. */
import type { ErrorCode } from '../../core/errors.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { Priority, QueueFilter, QueueItem } from '../contract.ts';
import { rowSum } from './checksum.ts';
import { type Engine, findVolsetNumber } from './engine.ts';

export interface QueueRow {
  n: number;
  remote: string;
  volset: number;
  snapshot: SnapshotId;
  priority: Priority;
  attempts: number;
  not_before: number;
  added: number;
  code: ErrorCode | null;
  message: string | null;
  dead: number;
  sum: string;
}

export interface Group {
  remote: string;
  volset: number;
  id: VolsetId;
}

const sumOf = (row: Omit<QueueRow, 'sum'>): string => {
  const { n, remote, volset, snapshot, priority, attempts, not_before, added, code, message, dead } = row;
  const cells = [n, remote, volset, snapshot, priority, attempts, not_before, added, code, message, dead];
  return rowSum('queue', ...cells);
};

/** One that is damaged might be anything, even for another remote: it is never sent. */
export const isIntact = (row: QueueRow): boolean => row.sum === sumOf(row);

export function itemOf({ id }: Pick<Group, 'id'>, row: QueueRow): QueueItem {
  const { n, remote, snapshot, priority, attempts, not_before: notBefore, added, code, message, dead } = row;
  const error = code !== null && { error: { code, message: message ?? '' } };
  return { n, remote, volset: id, snapshot, priority, attempts, notBefore, added, ...error, dead: dead === 1 };
}

/** At the end of the queue. Inside a write transaction, as are all that write here. */
export function insertRow({ db }: Engine, row: Omit<QueueRow, 'n' | 'sum'>): void {
  const { remote, volset, snapshot, priority, attempts, not_before, added, code, message, dead } = row;
  const { n } = db.get<{ n: number }>(
    `INSERT INTO queue(remote, volset, snapshot, priority, attempts, not_before, added, code, message, dead, sum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '') RETURNING n`,
    remote,
    volset,
    snapshot,
    priority,
    attempts,
    not_before,
    added,
    code,
    message,
    dead,
  ) as { n: number };
  db.run('UPDATE queue SET sum = ? WHERE n = ?', sumOf({ ...row, n }), n);
}

export function updateRow({ db }: Engine, row: QueueRow): void {
  const { n, remote, priority, attempts, not_before, code, message, dead } = row;
  db.run(
    `UPDATE queue SET remote = ?, priority = ?, attempts = ?, not_before = ?, code = ?, message = ?, dead = ?, sum = ?
     WHERE n = ?`,
    remote,
    priority,
    attempts,
    not_before,
    code,
    message,
    dead,
    sumOf(row),
    n,
  );
}

export const deleteRow = ({ db }: Engine, n: number): number => db.run('DELETE FROM queue WHERE n = ?', n);

/** As it lies there, damaged or not. */
export const findRow = ({ db }: Engine, { remote, volset }: Group, snapshot: SnapshotId): QueueRow | undefined =>
  db.get<QueueRow>('SELECT * FROM queue WHERE remote = ? AND volset = ? AND snapshot = ?', remote, volset, snapshot);

/** Of whom there are items; found by leaps over the index, not by reading them. */
export function groupsOf(engine: Engine, { remote, volset }: Pick<QueueFilter, 'remote' | 'volset'>): Group[] {
  const only = volset === undefined ? undefined : findVolsetNumber(engine, volset);
  if (volset !== undefined && only === undefined) return [];
  const remotes = remote === undefined ? remotesOf(engine) : [remote];
  return remotes.flatMap((name) =>
    volset !== undefined && only !== undefined ? [{ remote: name, volset: only, id: volset }] : volsetsOf(engine, name),
  );
}

// A comparison of the pair (remote, volset) would not leap, but read all items of one volset.
function remotesOf({ db }: Engine): string[] {
  const remotes: string[] = [];
  const sql = 'SELECT remote FROM queue WHERE remote > ? ORDER BY remote LIMIT 1';
  for (let at = db.get<Group>(sql, ''); at !== undefined; at = db.get<Group>(sql, at.remote)) remotes.push(at.remote);
  return remotes;
}

function volsetsOf({ db }: Engine, remote: string): Group[] {
  const groups: Group[] = [];
  const sql = `SELECT q.remote, q.volset, v.id FROM queue q CROSS JOIN volsets v ON v.n = q.volset
    WHERE q.remote = ? AND q.volset > ? ORDER BY q.volset LIMIT 1`;
  for (let at = db.get<Group>(sql, remote, 0); at !== undefined; at = db.get<Group>(sql, remote, at.volset))
    groups.push(at);
  return groups;
}

/** Where an item stands: high first, then as accepted. */
export type Place = Pick<QueueItem, 'priority' | 'n'>;

export interface Slice extends Group {
  dead: 0 | 1;
  snapshots?: SnapshotId[];
}

/** The next rows of one slice behind `after`, damaged ones among them. */
export function rowsAfter({ db }: Engine, slice: Slice, after: Place | undefined, limit: number): QueueRow[] {
  const { remote, volset, dead, snapshots } = slice;
  const { priority, n } = after ?? { priority: 2, n: 0 };
  const order = 'ORDER BY q.priority DESC, q.n LIMIT ?';
  if (snapshots !== undefined) {
    return db.all<QueueRow>(
      `SELECT DISTINCT q.* FROM json_each(?) AS asked
       CROSS JOIN queue q ON q.remote = ? AND q.volset = ? AND q.snapshot = asked.value
       WHERE q.dead = ? AND (q.priority < ? OR (q.priority = ? AND q.n > ?)) ${order}`,
      JSON.stringify(snapshots),
      remote,
      volset,
      dead,
      priority,
      priority,
      n,
      limit,
    );
  }
  const rows: QueueRow[] = [];
  // One priority at a time: each is a run of the index.
  for (let at = priority; at >= 0 && rows.length < limit; at--) {
    const sql = 'SELECT * FROM queue q WHERE remote = ? AND volset = ? AND dead = ? AND priority = ? AND n > ?';
    const from = at === priority ? n : 0;
    rows.push(...db.all<QueueRow>(`${sql} ORDER BY n LIMIT ?`, remote, volset, dead, at, from, limit - rows.length));
  }
  return rows;
}

/** Of a snapshot that was forgotten: it goes nowhere any more. */
export function unqueueSnapshot(engine: Engine, volset: number, snapshot: SnapshotId): void {
  const sql = 'DELETE FROM queue WHERE remote = ? AND volset = ? AND snapshot = ?';
  for (const remote of remotesOf(engine)) engine.db.run(sql, remote, volset, snapshot);
}

/** Of a remote that is gone. */
export const dropQueue = ({ db }: Engine, remote: string): number =>
  db.run('DELETE FROM queue WHERE remote = ?', remote);

/** A damaged row does not become intact by this. */
export function moveQueue(engine: Engine, from: string, to: string): void {
  const BATCH = 1000;
  for (let rows: QueueRow[] | undefined; rows === undefined || rows.length > 0; ) {
    rows = engine.db.all<QueueRow>('SELECT * FROM queue WHERE remote = ? LIMIT ?', from, BATCH);
    for (const row of rows) {
      if (isIntact(row)) updateRow(engine, { ...row, remote: to });
      else engine.db.run('UPDATE queue SET remote = ? WHERE n = ?', to, row.n);
    }
  }
}

/** What `verify` finds wrong. */
export function queueFaults({ db }: Engine): string[] {
  const faults: string[] = [];
  for (const row of db.each<QueueRow & { known: number }>(
    `SELECT q.*, EXISTS (SELECT 1 FROM snapshots s WHERE s.volset = q.volset AND s.id = q.snapshot) AS known
     FROM queue q ORDER BY n`,
  )) {
    if (!isIntact(row)) faults.push(`item ${row.n} of the queue is damaged; it is passed over`);
    else if (row.known === 0) faults.push(`item ${row.n} of the queue is an unknown snapshot: ${row.snapshot}`);
  }
  return faults;
}
