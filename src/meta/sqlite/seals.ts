/**
 * Which numbers of a sender's blobs are sealed here: durable, or declared missing by the sender itself. Fewer is always
 * safe (it is offered again), more never: a row that is damaged counts for nothing, and what one bearer or one sender can
 * make us keep is bounded by dropping rows.
 */
import { hex } from '../../core/hash.ts';
import type { InstallId, SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import { type Interval, intervalsOf, isIntervals, normalise, union } from '../../core/intervals.ts';
import { malformed } from '../../core/malformed.ts';
import type { SealKey } from '../contract.ts';
import { rowSum } from './checksum.ts';
import { type Engine, ensureVolset, findVolsetNumber } from './engine.ts';

/** Intervals kept of one sender, the lowest; and senders of one bearer in one volset. */
const MAX_INTERVALS = 1000;
const MAX_SENDERS = 1000;

interface SealRow {
  first: number;
  last: number;
  sum: string;
}

export function sealed(engine: Engine, key: SealKey): Interval[] {
  const n = findVolsetNumber(engine, key.volset);
  return n === undefined ? [] : sealedIn(engine, n, key);
}

const sumOf = (n: number, { owner, sender }: SealKey, first: number, last: number): string =>
  rowSum('sealed', sender, n, owner, first, last);

function sealedIn({ db }: Engine, n: number, key: SealKey): Interval[] {
  const rows = db.all<SealRow>(
    'SELECT first, last, sum FROM sealed WHERE volset = ? AND owner = ? AND sender = ? ORDER BY first',
    n,
    key.owner,
    key.sender,
  );
  const intact = rows.filter(({ first, last, sum }) => sum === sumOf(n, key, first, last));
  return normalise(intact.map(({ first, last }) => [first, last]));
}

export const seal = (
  engine: Engine,
  key: SealKey,
  numbers: Record<SnapshotId, number>,
  missing: Interval[],
): Interval[] => {
  if (!isIntervals(missing)) malformed('intervals of blob numbers are not ascending and apart');
  return engine.db.write(() => sealComplete(engine, key, numbers, missing));
};

/** Inside a write transaction, so that it is true of the very state that it becomes visible with. */
export function sealComplete(
  engine: Engine,
  key: SealKey,
  numbers: Record<SnapshotId, number>,
  missing: Interval[] = [],
): Interval[] {
  const told = Object.entries(numbers) as [SnapshotId, number][];
  for (const [, number] of told)
    if (!Number.isSafeInteger(number) || number < 1) malformed('a blob has a number that is none');
  const n = ensureVolset(engine, key.volset);
  const durable = told.filter(([id]) => isHere(engine, n, id)).map(([, number]) => number);
  const before = sealedIn(engine, n, key);
  const after = union(before, union(intervalsOf(durable), missing)).slice(0, MAX_INTERVALS);
  if (before.length === 0 && after.length > 0) makeRoom(engine, n, key);
  write(engine, n, key, after);
  return after;
}

const isHere = ({ db }: Engine, n: number, id: SnapshotId): boolean =>
  db.get('SELECT 1 FROM blobs WHERE volset = ? AND id = ?', n, id) !== undefined;

/** Only what differs; damaged rows are gone after that. */
function write({ db }: Engine, n: number, key: SealKey, intervals: readonly Interval[]): void {
  const { owner, sender } = key;
  const wanted = new Map(intervals.map(([first, last]) => [first, { last, sum: sumOf(n, key, first, last) }]));
  const where = 'WHERE volset = ? AND owner = ? AND sender = ?';
  for (const row of db.all<SealRow>(`SELECT first, last, sum FROM sealed ${where}`, n, owner, sender)) {
    const same = wanted.get(row.first);
    if (same?.last === row.last && same.sum === row.sum) wanted.delete(row.first);
    else db.run(`DELETE FROM sealed ${where} AND first = ?`, n, owner, sender, row.first);
  }
  for (const [first, { last, sum }] of wanted) {
    const sql = 'INSERT INTO sealed(volset, owner, sender, first, last, sum) VALUES (?, ?, ?, ?, ?, ?)';
    db.run(sql, n, owner, sender, first, last, sum);
  }
}

/** A bearer may name any number of stores: for a new one too many another of its own goes, whichever. */
function makeRoom({ db, random }: Engine, n: number, { owner, sender }: SealKey): void {
  const where = 'FROM sealed WHERE volset = ? AND owner = ?';
  const kept = db.get<{ count: number }>(`SELECT count(DISTINCT sender) AS count ${where}`, n, owner)?.count ?? 0;
  if (kept < MAX_SENDERS) return;
  const at = (from: string) =>
    db.get<{ sender: StoreId }>(
      `SELECT sender ${where} AND sender > ? AND sender <> ? LIMIT 1`,
      n,
      owner,
      from,
      sender,
    );
  const victim = at(hex(random(16))) ?? at('');
  if (victim) db.run(`DELETE ${where} AND sender = ?`, n, owner, victim.sender);
}

/** Of all its epochs: what it has lost and restored since is offered under numbers that may say something else. */
export function forgetSeals({ db }: Engine, n: number, install: InstallId): void {
  db.run("DELETE FROM sealed WHERE volset = ? AND sender > ? || '.' AND sender < ? || '/'", n, install, install);
}

/** What `verify` finds wrong. */
export function sealFaults({ db }: Engine, n: number): string[] {
  const faults = new Set<string>();
  let previous: (SealRow & Pick<SealKey, 'owner' | 'sender'>) | undefined;
  for (const row of db.each<NonNullable<typeof previous>>(
    'SELECT owner, sender, first, last, sum FROM sealed WHERE volset = ? ORDER BY owner, sender, first',
    n,
  )) {
    const { owner, sender, first, last, sum } = row;
    const isSame = previous?.owner === owner && previous.sender === sender;
    const apart = !isSame || previous === undefined || first > previous.last + 1;
    if (
      sum !== sumOf(n, { volset: '' as VolsetId, owner, sender }, first, last) ||
      !isIntervals([[first, last]]) ||
      !apart
    )
      faults.add(`what is sealed for ${sender} is damaged; it counts as not sealed`);
    previous = row;
  }
  return [...faults];
}
