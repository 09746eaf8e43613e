/** Which blobs are complete here, and the numbers that they got when they became so. */
import { type InstallId, isInstallId, type SnapshotId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import { snapshotKey } from '../../core/register.ts';
import type { NumberedBlob, SealKey } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, ensureVolset, findVolsetNumber } from './engine.ts';
import { isDead } from './heads.ts';
import { sealComplete } from './seals.ts';

interface BlobRow {
  id: SnapshotId;
  number: number;
  source: InstallId | null;
  sum: string;
}

/** Complete here, whether or not its record has come. */
export const isComplete = ({ db }: Engine, n: number, id: SnapshotId): boolean =>
  db.get('SELECT 1 FROM blobs WHERE volset = ? AND id = ?', n, id) !== undefined;

export function setBlobs(
  engine: Engine,
  volset: VolsetId,
  ids: SnapshotId[],
  { from, seal }: { from?: InstallId; seal?: { key: SealKey; numbers: Record<SnapshotId, number> } } = {},
): void {
  if (from !== undefined && !isInstallId(from)) malformed('a peer has no install id');
  engine.db.write(() => {
    const n = ensureVolset(engine, volset);
    markBlobs(engine, n, ids, from ?? null);
    if (seal) sealComplete(engine, seal.key, seal.numbers);
  });
}

/** Numbers those that are new, in the order given. Inside a write transaction. */
export function markBlobs(engine: Engine, n: number, ids: readonly SnapshotId[], source: InstallId | null): void {
  const { db } = engine;
  heal(engine, n, ids);
  const fresh = [...new Set(ids)].filter((id) => !isComplete(engine, n, id));
  if (fresh.length === 0) return;
  let number = headOf(engine, n);
  for (const id of fresh) {
    number++;
    db.run(
      'INSERT INTO blobs(volset, id, number, source, sum) VALUES (?, ?, ?, ?, ?)',
      n,
      id,
      number,
      source,
      rowSum('blobs', id, n, number, source),
    );
    // One that was forgotten comes from whoever has not heard of it: it stays hidden.
    if (!isDead(engine, n, snapshotKey(id))) db.run('UPDATE snapshots SET blob = 1 WHERE volset = ? AND id = ?', n, id);
    db.run('DELETE FROM dropped WHERE volset = ? AND id = ?', n, id);
  }
  putHead(engine, n, number);
}

/** What was damaged has come whole. It gets a new number: while it was not vouched for, others were told it does not come. */
function heal({ db }: Engine, n: number, ids: readonly SnapshotId[]): void {
  for (const id of ids) {
    if (db.run('DELETE FROM damaged WHERE volset = ? AND id = ?', n, id) === 0) continue;
    db.run('DELETE FROM blobs WHERE volset = ? AND id = ?', n, id);
  }
}

/**
 * The rows with numbers may go again, their largest number must not: it is kept apart. Damage throws, since a number that
 * is given twice would make a receiver believe that it has what it never got.
 */
export function headOf({ db }: Engine, n: number): number {
  const row = db.get<{ head: number; sum: string }>('SELECT head, sum FROM numbers WHERE volset = ?', n);
  if (row === undefined && db.get('SELECT 1 FROM blobs WHERE volset = ?', n) === undefined) return 0;
  return headOfRow(n, row ?? { head: 0, sum: '' });
}

export function headOfRow(n: number, { head, sum }: { head: number; sum: string }): number {
  checkRow(sum, 'numbers', n, head);
  return head;
}

function putHead({ db }: Engine, n: number, head: number): void {
  const sql = 'INSERT OR REPLACE INTO numbers(volset, head, sum) VALUES (?, ?, ?)';
  db.run(sql, n, head, rowSum('numbers', n, head));
}

export function blobHead(engine: Engine, volset: VolsetId): number {
  const n = findVolsetNumber(engine, volset);
  return n === undefined ? 0 : headOf(engine, n);
}

export function numberedBlobs(
  engine: Engine,
  volset: VolsetId,
  first: number,
  last: number,
  limit: number,
): NumberedBlob[] {
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return [];
  const rows = engine.db.all<BlobRow>(
    'SELECT id, number, source, sum FROM blobs WHERE volset = ? AND number BETWEEN ? AND ? ORDER BY number LIMIT ?',
    n,
    first,
    last,
    limit,
  );
  return rows.map((row) => checked(n, row));
}

/** One that is damaged is not passed over: what is not listed is told to a receiver as gone. */
function checked(n: number, { id, number, source, sum }: BlobRow): NumberedBlob {
  checkRow(sum, 'blobs', id, n, number, source);
  return { number, snapshot: id, from: source };
}

export function blobNumbers(engine: Engine, volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, number> {
  const numbers: Record<SnapshotId, number> = {};
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return numbers;
  const rows = engine.db.all<BlobRow>(
    `SELECT b.id, b.number, b.source, b.sum FROM json_each(?) AS asked
     CROSS JOIN blobs b ON b.volset = ? AND b.id = asked.value`,
    JSON.stringify(ids),
    n,
  );
  for (const row of rows) numbers[row.id] = checked(n, row).number;
  return numbers;
}

export function renumber(engine: Engine, volset: VolsetId, ids: SnapshotId[]): void {
  if (ids.length === 0) return;
  const { db } = engine;
  db.write(() => {
    const n = ensureVolset(engine, volset);
    let head = headOf(engine, n);
    for (const id of new Set(ids)) {
      const row = db.get<BlobRow>('SELECT id, number, source, sum FROM blobs WHERE volset = ? AND id = ?', n, id);
      if (!row) continue;
      const { from } = checked(n, row);
      const sum = rowSum('blobs', id, n, ++head, from);
      db.run('UPDATE blobs SET number = ?, sum = ? WHERE volset = ? AND id = ?', head, sum, n, id);
    }
    putHead(engine, n, head);
  });
}

/** A peer that went back may have lost what it once sent us: nothing is taken to have come from it. */
export function forgetSource({ db }: Engine, n: number, install: InstallId): void {
  for (const { id, number } of db.all<BlobRow>(
    'SELECT id, number FROM blobs WHERE volset = ? AND source = ?',
    n,
    install,
  ))
    db.run(
      'UPDATE blobs SET source = NULL, sum = ? WHERE volset = ? AND id = ?',
      rowSum('blobs', id, n, number, null),
      n,
      id,
    );
}

/** What `verify` finds wrong. */
export function blobFaults(engine: Engine, n: number): string[] {
  const { db } = engine;
  const faults: string[] = [];
  let last = 0;
  for (const row of db.each<BlobRow>('SELECT id, number, source, sum FROM blobs WHERE volset = ? ORDER BY number', n)) {
    checked(n, row);
    if (row.number <= last) faults.push(`two blobs have the number ${row.number}`);
    last = row.number;
  }
  const head = headOf(engine, n);
  if (head < last) faults.push(`a blob has the number ${last}, beyond the last that was given (${head})`);
  const differing = db.get<{ count: number }>(
    `SELECT count(*) AS count FROM snapshots s
     WHERE s.volset = ? AND s.blob <> (EXISTS (SELECT 1 FROM blobs b WHERE b.volset = s.volset AND b.id = s.id)
       AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.volset = s.volset AND d.object = 'snapshot:' || s.id))`,
    n,
  );
  if (differing?.count !== 0)
    faults.push(`it is wrong about whether the data of ${differing?.count} snapshots is here`);
  return faults;
}
