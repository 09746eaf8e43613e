/** Blobs that go from this store; their metadata stays. What may not go is decided in the transaction that lets go. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { isPromise } from '../../core/promise.ts';
import { snapshotKey } from '../../core/register.ts';
import type { Refusal } from '../contract.ts';
import { isComplete } from './blobs.ts';
import { rowSum } from './checksum.ts';
import { type Engine, findVolsetNumber } from './engine.ts';
import { isDead } from './heads.ts';
import { keepersOf } from './keeping.ts';

export function dropBlobs(
  engine: Engine,
  volset: VolsetId,
  ids: SnapshotId[],
  { force = false, dryRun = false }: { force?: boolean; dryRun?: boolean } = {},
): { dropped: SnapshotId[]; refused: { snapshot: SnapshotId; reason: Refusal }[] } {
  const dropped: SnapshotId[] = [];
  const refused: { snapshot: SnapshotId; reason: Refusal }[] = [];
  const { db } = engine;
  db.write(() => {
    const n = findVolsetNumber(engine, volset);
    for (const snapshot of new Set(ids)) {
      const reason = n === undefined ? 'absent' : refusal(engine, n, snapshot, force);
      if (n === undefined || reason !== undefined) {
        refused.push({ snapshot, reason: reason ?? 'absent' });
        continue;
      }
      dropped.push(snapshot);
      if (dryRun) continue;
      // Its number is not given again: receivers hear that it is gone.
      db.run('DELETE FROM blobs WHERE volset = ? AND id = ?', n, snapshot);
      db.run('DELETE FROM damaged WHERE volset = ? AND id = ?', n, snapshot);
      db.run('UPDATE snapshots SET blob = 0 WHERE volset = ? AND id = ?', n, snapshot);
      // What was forgotten and lives again is wanted again.
      if (!isGone(engine, n, snapshot)) db.run(DROPPED, n, snapshot, rowSum('dropped', snapshot, n));
    }
  });
  return { dropped, refused };
}

const isGone = (engine: Engine, n: number, id: SnapshotId): boolean =>
  isDead(engine, n, 'volset') || isDead(engine, n, snapshotKey(id));

const DROPPED = 'INSERT OR REPLACE INTO dropped(volset, id, sum) VALUES (?, ?, ?)';

function refusal(engine: Engine, n: number, id: SnapshotId, force: boolean): Refusal | undefined {
  const { db } = engine;
  if (!isComplete(engine, n, id)) return 'absent';
  const keepers = keepersOf(engine, n, id);
  if (keepers.some((name) => !isPromise(name))) return 'in-use';
  if (isDead(engine, n, 'volset')) return undefined;
  // Of a forgotten one, too: a branch that is still there may bring it back.
  if (db.get('SELECT 1 FROM refs WHERE volset = ? AND store = 0 AND snapshot = ?', n, id)) return 'tip';
  if (isDead(engine, n, snapshotKey(id))) return undefined;
  if (force) return undefined;
  if (keepers.length > 0) return 'promised';
  if (db.get('SELECT 1 FROM queue WHERE volset = ? AND snapshot = ? AND dead = 0', n, id)) return 'queued';
  return undefined;
}

export function goneBlobs(engine: Engine, volset: VolsetId): SnapshotId[] {
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return [];
  const sql = isDead(engine, n, 'volset') ? 'SELECT id FROM blobs WHERE volset = ? ORDER BY id' : FORGOTTEN;
  return engine.db.all<{ id: SnapshotId }>(sql, n).map(({ id }) => id);
}

const FORGOTTEN = `SELECT b.id FROM blobs b JOIN dead d ON d.volset = b.volset AND d.object = 'snapshot:' || b.id
  WHERE b.volset = ? ORDER BY b.id`;
