/** Rows of the table of refs. Whose they are, and when they may move, is decided elsewhere (refs.ts, revisions.ts). */
import type { BranchId, SnapshotId, StoreId } from '../../core/ids.ts';
import type { Ref } from '../../core/records.ts';
import { checkRow, rowSum } from './checksum.ts';
import type { Engine } from './engine.ts';

/** Stands for this store in `refs.store`, whatever its epoch. */
export const OWN_REFS = 0;

interface RefRow {
  branch: BranchId;
  snapshot: SnapshotId | null;
  revision: number;
  sum: string;
}

const COLUMNS = 'SELECT branch, snapshot, revision, sum FROM refs WHERE volset = ? AND store = ?';

function checked({ sum, ...ref }: RefRow): Ref {
  checkRow(sum, 'refs', ref.branch, ref.snapshot, ref.revision);
  return ref;
}

export function putRef({ db }: Engine, n: number, store: number, { branch, snapshot, revision }: Ref): void {
  db.run(
    'INSERT OR REPLACE INTO refs(volset, store, branch, snapshot, revision, sum) VALUES (?, ?, ?, ?, ?, ?)',
    n,
    store,
    branch,
    snapshot,
    revision,
    rowSum('refs', branch, snapshot, revision),
  );
}

export function findRef({ db }: Engine, n: number, store: number, branch: BranchId): Ref | undefined {
  const row = db.get<RefRow>(`${COLUMNS} AND branch = ?`, n, store, branch);
  return row && checked(row);
}

export const refsOf = ({ db }: Engine, n: number, store: number): Ref[] =>
  db.all<RefRow>(`${COLUMNS} ORDER BY branch`, n, store).map(checked);

/** Refs of all stores that point at one of these, with the chain whose they are (null: ours). */
export const refsAt = (
  { db }: Engine,
  n: number,
  ids: readonly SnapshotId[],
): (Omit<Ref, 'snapshot'> & { snapshot: SnapshotId; store: number; id: StoreId | null })[] =>
  db
    .all<RefRow & { snapshot: SnapshotId; store: number; id: StoreId | null }>(
      `SELECT r.branch, r.snapshot, r.revision, r.sum, r.store, t.id FROM refs r LEFT JOIN stores t ON t.n = r.store
       WHERE r.volset = ? AND r.snapshot IN (SELECT value FROM json_each(?))`,
      n,
      JSON.stringify(ids),
    )
    .map(({ store, id, snapshot, ...row }) => ({ ...checked({ ...row, snapshot }), snapshot, store, id }));

/** Of branches that have a tombstone, be they alive again. */
export const refsOfDeleted = ({ db }: Engine, n: number, store: number): Ref[] =>
  db
    .all<RefRow>(
      `${COLUMNS} AND EXISTS (SELECT 1 FROM tombstones t WHERE t.volset = refs.volset AND t.object = 'branch:' || branch)
       ORDER BY branch`,
      n,
      store,
    )
    .map(checked);

/** Own refs changed after revision `after` and not after `upTo`, oldest change first, at most `limit` (-1: all). */
export const ownRefsBetween = ({ db }: Engine, n: number, after: number, upTo: number, limit = -1): Ref[] =>
  db
    .all<RefRow>(
      `${COLUMNS} AND revision > ? AND revision <= ? ORDER BY revision LIMIT ?`,
      n,
      OWN_REFS,
      after,
      upTo,
      limit,
    )
    .map(checked);

export const ownTip = (engine: Engine, n: number, branch: BranchId): SnapshotId | null =>
  findRef(engine, n, OWN_REFS, branch)?.snapshot ?? null;
