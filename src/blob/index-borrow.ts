/** Rows of one volset for objects that lie in packs of another. */
import type { DatabaseSync } from 'node:sqlite';
import type { VolsetId } from '../core/ids.ts';
import type { ObjectRef } from './contract.ts';

export const FIND = 'SELECT pack, block, raw, length FROM objects WHERE volset = ? AND kind = ? AND id = ?';

/** Answers with the number of refs that `to` has then. */
export function borrowRows(db: DatabaseSync, from: number, to: number, refs: readonly ObjectRef[]): number {
  const put = db.prepare(`INSERT OR IGNORE INTO objects SELECT ?, kind, id, pack, block, raw, length FROM objects
    WHERE volset = ? AND kind = ? AND id = ?`);
  const find = db.prepare(FIND);
  const packs = new Set<number>();
  let held = 0;
  for (const { kind, id } of refs) {
    put.run(to, from, kind, id);
    const row = find.get(to, kind, id);
    if (!row) continue;
    held++;
    packs.add(Number(row.pack));
  }
  const note = db.prepare('INSERT OR IGNORE INTO borrowers SELECT volset, ? FROM packs WHERE n = ? AND volset <> ?');
  for (const pack of packs) note.run(to, pack, to);
  return held;
}

/** Volsets that may have borrowed objects in the packs of `owner`. */
export const readBorrowers = (db: DatabaseSync, owner: VolsetId): VolsetId[] =>
  db
    .prepare(`SELECT v.id FROM borrowers b JOIN volsets v ON v.n = b.volset
      WHERE b.owner = (SELECT n FROM volsets WHERE id = ?)`)
    .all(owner)
    .map(({ id }) => id as VolsetId);
