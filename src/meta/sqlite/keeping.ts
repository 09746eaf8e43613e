/** Rows behind MetaKeeping: promises, damage, stamps and use. None follows from the log, so all carry a checksum. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { isCount, malformed } from '../../core/malformed.ts';
import type { Stamp } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, ensureVolset, findVolsetNumber, volsetNumber } from './engine.ts';

interface KeptRow {
  name: string;
  id: SnapshotId;
  until: number;
  sum: string;
}

export function keepBlobs(
  engine: Engine,
  volset: VolsetId,
  name: string,
  ids: SnapshotId[],
  until: number,
  { add = false }: { add?: boolean } = {},
): void {
  if (!isCount(until) || name === '') malformed('what keeps blobs has no name, or no end');
  const { db } = engine;
  db.write(() => {
    const n = volsetNumber(engine, volset);
    db.run('DELETE FROM kept WHERE until <= ?', engine.now());
    if (!add) db.run('DELETE FROM kept WHERE name = ?', name);
    for (const id of new Set(ids)) {
      const sum = rowSum('kept', name, id, n, until);
      db.run(KEEP, name, id, n, until, sum);
    }
  });
}

const KEEP = `INSERT INTO kept(name, id, volset, until, sum) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT(name, id) DO UPDATE SET volset = excluded.volset, until = excluded.until, sum = excluded.sum
  WHERE excluded.until >= kept.until OR excluded.volset <> kept.volset`;

export const unkeepBlobs = ({ db }: Engine, name: string): void => void db.run('DELETE FROM kept WHERE name = ?', name);

/** Names that keep a blob now. One that is damaged keeps it. */
export function keepersOf(engine: Engine, n: number, id: SnapshotId): string[] {
  const rows = engine.db.all<KeptRow>('SELECT name, id, until, sum FROM kept WHERE volset = ? AND id = ?', n, id);
  return rows
    .filter(({ name, until, sum }) => until > engine.now() || sum !== rowSum('kept', name, id, n, until))
    .map(({ name }) => name);
}

export function setDamaged(engine: Engine, volset: VolsetId, ids: SnapshotId[], damaged: boolean): void {
  const { db } = engine;
  db.write(() => {
    const n = ensureVolset(engine, volset);
    // Senders were told that it is durable here, under numbers of theirs: all are offered once more.
    if (damaged && ids.length > 0) db.run('DELETE FROM sealed WHERE volset = ?', n);
    for (const id of ids) {
      if (damaged)
        db.run('INSERT OR REPLACE INTO damaged(volset, id, sum) VALUES (?, ?, ?)', n, id, rowSum('damaged', id, n));
      else db.run('DELETE FROM damaged WHERE volset = ? AND id = ?', n, id);
    }
  });
}

export function damagedBlobs(engine: Engine, volset: VolsetId): SnapshotId[] {
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return [];
  // A row whose checksum is wrong is no reason to trust a blob.
  return engine.db
    .all<{ id: SnapshotId }>('SELECT id FROM damaged WHERE volset = ? ORDER BY id', n)
    .map(({ id }) => id);
}

export function putStamp(
  engine: Engine,
  { what, volset, at, detail }: Stamp,
  { everyMs = 0 }: { everyMs?: number } = {},
): void {
  if (!isCount(at) || what === '') malformed('a stamp has no name, or no time');
  const { db } = engine;
  // What is only read (an older format) keeps no note of that.
  if (db.isReadOnly) return;
  const age = everyMs > 0 ? ageOfSame(engine, { what, volset, at, detail }) : undefined;
  if (age !== undefined && age >= 0 && age < everyMs) return;
  db.write(() => {
    const n = volset === null ? 0 : ensureVolset(engine, volset);
    const sum = rowSum('stamps', what, n, at, detail);
    db.run(
      'INSERT OR REPLACE INTO stamps(volset, what, at, detail, sum) VALUES (?, ?, ?, ?, ?)',
      n,
      what,
      at,
      detail,
      sum,
    );
  });
}

/** How much older the stamp is that says the same; negative where the clock was set back. */
function ageOfSame(engine: Engine, { what, volset, at, detail }: Stamp): number | undefined {
  const n = volset === null ? 0 : findVolsetNumber(engine, volset);
  if (n === undefined) return undefined;
  const row = engine.db.get<Omit<StampRow, 'id'>>(
    'SELECT volset, what, at, detail, sum FROM stamps WHERE volset = ? AND what = ?',
    n,
    what,
  );
  return row !== undefined && row.detail === detail && isSound(row) ? at - row.at : undefined;
}

interface StampRow {
  volset: number;
  id: VolsetId | null;
  what: string;
  at: number;
  detail: string | null;
  sum: string;
}

const STAMPS = `SELECT s.volset, v.id, s.what, s.at, s.detail, s.sum FROM stamps s LEFT JOIN volsets v ON v.n = s.volset
  ORDER BY s.volset, s.what`;

const isSound = ({ what, volset, at, detail, sum }: Omit<StampRow, 'id'>): boolean =>
  sum === rowSum('stamps', what, volset, at, detail);

export const stamps = ({ db }: Engine): Stamp[] =>
  db
    .all<StampRow>(STAMPS)
    .filter(isSound)
    .map(({ id, what, at, detail }) => ({ what, volset: id, at, detail }));

export function addUsage(engine: Engine, owner: string, bytes: number): number {
  const { db } = engine;
  return db.write(() => {
    const sum = (usage(engine)[owner] ?? 0) + bytes;
    db.run('INSERT OR REPLACE INTO usage(owner, bytes, sum) VALUES (?, ?, ?)', owner, sum, rowSum('usage', owner, sum));
    return sum;
  });
}

export function usage({ db }: Engine): Record<string, number> {
  const used: Record<string, number> = Object.create(null);
  for (const { owner, bytes, sum } of db.all<{ owner: string; bytes: number; sum: string }>('SELECT * FROM usage')) {
    checkRow(sum, 'usage', owner, bytes);
    used[owner] = bytes;
  }
  return used;
}

/** What `verify` finds wrong, of all volsets. */
export function keepingFaults({ db }: Engine): string[] {
  const faults: string[] = [];
  const fault = (table: string, name: string): void => void faults.push(`a row of ${table} is damaged (${name})`);
  for (const row of db.all<KeptRow & { volset: number }>('SELECT * FROM kept'))
    if (row.sum !== rowSum('kept', row.name, row.id, row.volset, row.until)) fault('kept', row.name);
  for (const row of db.all<{ volset: number; id: string; sum: string }>('SELECT * FROM damaged'))
    if (row.sum !== rowSum('damaged', row.id, row.volset)) fault('damaged', row.id);
  for (const row of db.all<{ volset: number; id: string; sum: string }>('SELECT * FROM dropped'))
    if (row.sum !== rowSum('dropped', row.id, row.volset)) fault('dropped', row.id);
  for (const row of db.all<StampRow>(STAMPS)) if (!isSound(row)) fault('stamps', row.what);
  for (const row of db.all<{ owner: string; bytes: number; sum: string }>('SELECT * FROM usage'))
    if (row.sum !== rowSum('usage', row.owner, row.bytes)) fault('usage', row.owner);
  return faults;
}
