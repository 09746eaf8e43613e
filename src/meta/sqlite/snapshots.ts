/** Snapshot rows: derived from bodies in the log, with the place in history and whether the blob is here. */
import { type Lineage, lineageOf } from '../../core/ancestry.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { SnapshotBody } from '../../core/records.ts';
import { isComplete } from './blobs.ts';
import { type Engine, findVolsetNumber, volsetNumber } from './engine.ts';

interface LineageRow {
  parents: string;
  depth: number;
  line: number;
  jump: SnapshotId | null;
}

const splitIds = (joined: string): SnapshotId[] => (joined === '' ? [] : (joined.split(' ') as SnapshotId[]));

const lineageOfRow = ({ parents, ...place }: LineageRow): Lineage => ({ parents: splitIds(parents), ...place });

export function lineageAt({ db }: Engine, n: number, id: SnapshotId): Lineage | undefined {
  const row = db.get<LineageRow>('SELECT parents, depth, line, jump FROM snapshots WHERE volset = ? AND id = ?', n, id);
  return row && lineageOfRow(row);
}

export const knowsSnapshot = ({ db }: Engine, n: number, id: SnapshotId): boolean =>
  db.get('SELECT 1 FROM snapshots WHERE volset = ? AND id = ?', n, id) !== undefined;

/** Inside a write transaction; parents are known, the snapshot is not. */
export function insertSnapshot(engine: Engine, n: number, id: SnapshotId, body: SnapshotBody): void {
  const { db } = engine;
  const { depth, line, jump } = lineageOf(body.parents, (parent) => lineageAt(engine, n, parent));
  db.run(
    'INSERT INTO snapshots(volset, id, created, depth, line, jump, parents, blob) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    n,
    id,
    body.created,
    depth,
    line,
    jump,
    body.parents.join(' '),
    // It may be here before the record is.
    isComplete(engine, n, id) ? 1 : 0,
  );
  db.run('UPDATE volsets SET snapshots = snapshots + 1 WHERE n = ?', n);
}

export const hasBlob = ({ db }: Engine, n: number, id: SnapshotId): boolean =>
  db.get('SELECT 1 FROM snapshots WHERE volset = ? AND id = ? AND blob = 1', n, id) !== undefined;

export function parentsOf(engine: Engine, volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, SnapshotId[]> {
  const parents: Record<SnapshotId, SnapshotId[]> = {};
  for (const [id, known] of Object.entries(lineage(engine, volset, ids)))
    parents[id as SnapshotId] = [...known.parents];
  return parents;
}

export function lineage(engine: Engine, volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, Lineage> {
  const n = volsetNumber(engine, volset);
  const found: Record<SnapshotId, Lineage> = {};
  // One statement, however many: a session that sends one tip looks at all of them. CROSS JOIN: never the other way round.
  const rows = engine.db.all<LineageRow & { id: SnapshotId }>(
    `SELECT s.id, parents, depth, line, jump FROM json_each(?) AS asked
     CROSS JOIN snapshots s ON s.volset = ? AND s.id = asked.value`,
    JSON.stringify(ids),
    n,
  );
  for (const { id, ...row } of rows) found[id] = lineageOfRow(row);
  return found;
}

export function missingBlobs(engine: Engine, volset: VolsetId, ids?: SnapshotId[]): SnapshotId[] {
  const { db } = engine;
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return ids ?? [];
  if (ids !== undefined) {
    return db.read(() => ids.filter((id) => !isComplete(engine, n, id)));
  }
  return db
    .all<{ id: SnapshotId }>('SELECT id FROM snapshots WHERE volset = ? AND blob = 0 ORDER BY created, id', n)
    .map(({ id }) => id);
}

export function snapshotPage(engine: Engine, volset: VolsetId, after: SnapshotId | null, limit: number): SnapshotId[] {
  const { db } = engine;
  const n = volsetNumber(engine, volset);
  const from = after === null ? undefined : createdOf(engine, n, after);
  const rows = db.all<{ id: SnapshotId }>(
    'SELECT id FROM snapshots WHERE volset = ? AND (created, id) > (?, ?) ORDER BY created, id LIMIT ?',
    n,
    from ?? -1,
    after ?? '',
    limit,
  );
  return rows.map(({ id }) => id);
}

const createdOf = ({ db }: Engine, n: number, id: SnapshotId): number | undefined =>
  db.get<{ created: number }>('SELECT created FROM snapshots WHERE volset = ? AND id = ?', n, id)?.created;

export function snapshotsByPrefix(engine: Engine, volset: VolsetId, prefix: string, limit: number): SnapshotId[] {
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return [];
  const n = volsetNumber(engine, volset);
  return engine.db
    .all<{ id: SnapshotId }>(
      'SELECT id FROM snapshots WHERE volset = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?',
      n,
      prefix,
      `${prefix}g`, // 'g' sorts after every hex digit
      limit,
    )
    .map(({ id }) => id);
}
