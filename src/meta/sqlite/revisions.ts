/**
 * One counter for each volset: the order in which this store learned what it tells of it. A generation takes the next
 * number when it is put into the log. So does a change of an own ref, but for those made while a generation is open:
 * they may point at records in it, which leave this store only when it is cut. They wait, in their order, under numbers
 * beyond all others, and take theirs right behind that generation. Whatever has a number may be told.
 */
import type { BranchId, SnapshotId, VolsetId } from '../../core/ids.ts';
import { type Engine, findVolsetNumber } from './engine.ts';
import { ensureIdentity } from './identity.ts';
import { OWN_REFS, ownRefsBetween, putRef } from './ref-rows.ts';

/** Larger than any revision that was given. */
export const WAITING = 2 ** 52;

export const headRevision = ({ db }: Engine, n: number): number =>
  (db.get<{ revision: number }>('SELECT revision FROM volsets WHERE n = ?', n) as { revision: number }).revision;

export const currentRevision = (engine: Engine, volset: VolsetId): number => {
  const n = findVolsetNumber(engine, volset);
  return n === undefined ? 0 : headRevision(engine, n);
};

/** The first of the next `count`. Inside a write transaction. */
export function takeRevisions(engine: Engine, n: number, count: number): number {
  engine.db.run('UPDATE volsets SET revision = revision + ? WHERE n = ?', count, n);
  return headRevision(engine, n) - count + 1;
}

/** Sets our own ref. Inside a write transaction. */
export function setOwnRef(engine: Engine, n: number, branch: BranchId, snapshot: SnapshotId | null): void {
  ensureIdentity(engine);
  const revision = hasOpen(engine, n) ? nextWaiting(engine, n) : takeRevisions(engine, n, 1);
  putRef(engine, n, OWN_REFS, { branch, snapshot, revision });
}

const hasOpen = ({ db }: Engine, n: number): boolean =>
  db.get('SELECT 1 FROM volsets WHERE n = ? AND open_count > 0', n) !== undefined;

function nextWaiting({ db }: Engine, n: number): number {
  const sql = 'SELECT max(revision) AS last FROM refs WHERE volset = ? AND store = ? AND revision > ?';
  return (db.get<{ last: number | null }>(sql, n, OWN_REFS, WAITING)?.last ?? WAITING) + 1;
}

/** Once nothing is open any more: what waited takes its place. Inside a write transaction. */
export function releaseWaiting(engine: Engine, n: number): void {
  const waiting = ownRefsBetween(engine, n, WAITING, Number.MAX_SAFE_INTEGER);
  const first = takeRevisions(engine, n, waiting.length);
  for (const [i, { branch, snapshot }] of waiting.entries())
    putRef(engine, n, OWN_REFS, { branch, snapshot, revision: first + i });
}
