/** Snapshot rows: derived from bodies in the log, with the place in history and whether the blob is here. */
import { type Lineage, lineageOf } from '../../core/ancestry.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { SnapshotBody } from '../../core/records.ts';
import { snapshotKey } from '../../core/register.ts';
import { isComplete } from './blobs.ts';
import { type Engine, findVolsetNumber, volsetNumber } from './engine.ts';
import { isDead } from './heads.ts';

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
    // It may be here before the record is, and so may the word that it was forgotten.
    isComplete(engine, n, id) && !isForgotten(engine, n, id) ? 1 : 0,
  );
  db.run('UPDATE volsets SET snapshots = snapshots + 1 WHERE n = ?', n);
}

export const isForgotten = (engine: Engine, n: number, id: SnapshotId): boolean => isDead(engine, n, snapshotKey(id));

const DEAD = `EXISTS (SELECT 1 FROM dead d WHERE d.volset = s.volset AND d.object = 'snapshot:' || s.id)`;

/** Known snapshots that were forgotten: of `ids`, else all. Found by the rows of what is dead, which are few. */
export function forgotten(engine: Engine, volset: VolsetId, ids?: SnapshotId[]): SnapshotId[] {
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return [];
  if (ids !== undefined) {
    return engine.db.read(() => ids.filter((id) => isForgotten(engine, n, id) && knowsSnapshot(engine, n, id)));
  }
  return engine.db.all<{ id: SnapshotId }>(`SELECT s.id ${FORGOTTEN} ORDER BY d.object`, n).map(({ id }) => id);
}

const FORGOTTEN = `FROM dead d CROSS JOIN snapshots s ON s.volset = d.volset AND s.id = substr(d.object, 10)
  WHERE d.volset = ? AND d.object > 'snapshot:' AND d.object < 'snapshot;'`;

export const countForgotten = ({ db }: Engine, n: number): number =>
  (db.get<{ count: number }>(`SELECT count(*) AS count ${FORGOTTEN}`, n) as { count: number }).count;

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
    return db.read(() =>
      ids.filter((id) => !isComplete(engine, n, id) || isForgotten(engine, n, id) || isDamaged(engine, n, id)),
    );
  }
  return db
    .all<{ id: SnapshotId }>(
      `SELECT s.id, s.created FROM snapshots s WHERE volset = ? AND blob = 0 AND NOT ${DEAD} ${ALSO_DAMAGED}`,
      n,
      n,
    )
    .map(({ id }) => id);
}

/** What cannot be read whole is to come again like what never came. */
const ALSO_DAMAGED = `UNION ALL SELECT s.id, s.created FROM damaged x CROSS JOIN snapshots s
  ON s.volset = x.volset AND s.id = x.id WHERE x.volset = ? AND s.blob = 1 ORDER BY 2, 1`;

/** A row whose checksum is wrong is no reason to trust a blob. */
export const isDamaged = ({ db }: Engine, n: number, id: SnapshotId): boolean =>
  db.get('SELECT 1 FROM damaged WHERE volset = ? AND id = ?', n, id) !== undefined;

/** A row of `dropped` that is damaged counts: at worst it is asked for by name. */
export function lackedBlobs(engine: Engine, volset: VolsetId): SnapshotId[] {
  const n = findVolsetNumber(engine, volset);
  if (n === undefined) return [];
  return engine.db.all<{ id: SnapshotId }>(LACKED, n, n).map(({ id }) => id);
}

const LACKED = `SELECT s.id, s.created FROM snapshots s WHERE s.volset = ? AND s.blob = 0 AND NOT ${DEAD}
  AND NOT EXISTS (SELECT 1 FROM dropped d WHERE d.volset = s.volset AND d.id = s.id) ${ALSO_DAMAGED}`;

export function snapshotPage(engine: Engine, volset: VolsetId, after: SnapshotId | null, limit: number): SnapshotId[] {
  const { db } = engine;
  const n = volsetNumber(engine, volset);
  const from = after === null ? undefined : createdOf(engine, n, after);
  const rows = db.all<{ id: SnapshotId }>(
    `SELECT id FROM snapshots s WHERE volset = ? AND (created, id) > (?, ?) AND NOT ${DEAD} ORDER BY created, id LIMIT ?`,
    n,
    from ?? -1,
    after ?? '',
    limit,
  );
  return rows.map(({ id }) => id);
}

const createdOf = ({ db }: Engine, n: number, id: SnapshotId): number | undefined =>
  db.get<{ created: number }>('SELECT created FROM snapshots WHERE volset = ? AND id = ?', n, id)?.created;

/** One that was forgotten is found only where the prefix means no other: whoever asks for it is to hear why it is gone. */
export function snapshotsByPrefix(engine: Engine, volset: VolsetId, prefix: string, limit: number): SnapshotId[] {
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return [];
  const n = volsetNumber(engine, volset);
  const find = (among: string): SnapshotId[] =>
    engine.db
      .all<{ id: SnapshotId }>(
        `SELECT id FROM snapshots s WHERE volset = ? AND id >= ? AND id < ? AND ${among} ORDER BY id LIMIT ?`,
        n,
        prefix,
        `${prefix}g`, // 'g' sorts after every hex digit
        limit,
      )
      .map(({ id }) => id);
  const live = find(`NOT ${DEAD}`);
  return live.length > 0 ? live : find(DEAD);
}
