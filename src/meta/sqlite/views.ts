/** Objects as their heads show them. Everything is looked up by index; names are made unique when they are shown. */
import type { BranchId, SnapshotId, VolsetId, WriteId } from '../../core/ids.ts';
import { displayNames, type Named } from '../../core/names.ts';
import type { ObjectKey, SnapshotBody } from '../../core/records.ts';
import { attrKeyOf, branchKey, snapshotKey } from '../../core/register.ts';
import type { BranchView, Fields, SnapshotView, VolsetView } from '../contract.ts';
import { damaged } from './database.ts';
import { type Engine, findVolsetNumber, volsetNumber } from './engine.ts';
import { findRecord, headAt, headsOf, isDead } from './heads.ts';
import { OWN_REFS, ownTip, refsOf } from './ref-rows.ts';
import { currentRevision } from './revisions.ts';
import { countForgotten, hasBlob, isDamaged, isForgotten, knowsSnapshot } from './snapshots.ts';

function fieldsOf(engine: Engine, n: number, object: ObjectKey): Fields {
  const attrs: [string, string][] = [];
  const fields: Fields = { name: null, description: null, owner: null, creator: null, attrs: {} };
  for (const { field, value } of headsOf(engine, n, object)) {
    const key = attrKeyOf(field);
    if (key === undefined) fields[field as 'name' | 'description' | 'owner' | 'creator'] = value;
    else if (value !== null) attrs.push([key, value]);
  }
  // fromEntries defines own properties, also for a key like __proto__.
  fields.attrs = Object.fromEntries(attrs);
  return fields;
}

export function listVolsets(engine: Engine): VolsetView[] {
  return engine.db.read(() =>
    engine.db
      .all<{ id: VolsetId }>('SELECT id FROM volsets ORDER BY n')
      .map(({ id }) => findVolset(engine, id))
      .filter((view) => view !== undefined),
  );
}

export function findVolset(engine: Engine, volset: VolsetId): VolsetView | undefined {
  return engine.db.read(() => {
    const row = engine.db.get<{ n: number; snapshots: number }>(
      'SELECT n, snapshots FROM volsets WHERE id = ?',
      volset,
    );
    if (row === undefined || isDead(engine, row.n, 'volset')) return undefined;
    const branches = engine.db.get<{ count: number }>(`SELECT count(*) AS count ${LIVE_BRANCHES}`, row.n)?.count ?? 0;
    const named = headAt(engine, row.n, { object: 'volset', field: 'name' })?.stamp ?? '';
    const snapshots = row.snapshots - countForgotten(engine, row.n);
    return { id: volset, named, ...fieldsOf(engine, row.n, 'volset'), branches, snapshots };
  });
}

export const viewOf = (
  engine: Engine,
  volset: VolsetId,
): { revision: number; view: VolsetView | null; branches: BranchView[] } =>
  engine.db.read(() => {
    const view = findVolset(engine, volset) ?? null;
    const branches = view === null ? [] : listBranches(engine, volset);
    return { revision: currentRevision(engine, volset), view, branches };
  });

const LIVE_BRANCHES = `FROM heads h WHERE h.volset = ? AND h.object > 'branch:' AND h.object < 'branch;'
  AND h.field = 'name' AND h.shown = 1 AND h.value IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.volset = h.volset AND d.object = h.object)`;
const NAMED = `SELECT substr(h.object, 8) AS id, h.value AS name, h.stamp AS stamp ${LIVE_BRANCHES}`;
/** For a range of names: without statistics SQLite would rather read all branches. */
const BY_NAME = NAMED.replace('FROM heads h', 'FROM heads h INDEXED BY heads_name');

export interface NamedBranch extends Named {
  /** The write that gave the name. */
  write: WriteId;
}

export const namedBranches = ({ db }: Engine, n: number): NamedBranch[] =>
  db.all<NamedBranch>(
    `SELECT substr(h.object, 8) AS id, h.value AS name, h.stamp AS stamp, h.id AS write ${LIVE_BRANCHES}`,
    n,
  );

/** Cheaper than to work out what is shown. */
export const namesCollide = ({ db }: Engine, n: number): boolean =>
  db.get(`SELECT 1 ${LIVE_BRANCHES} GROUP BY h.value HAVING count(*) > 1 LIMIT 1`, n) !== undefined;

/** By shown name. */
export function listBranches(engine: Engine, volset: VolsetId): BranchView[] {
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const tips = new Map<string, SnapshotId | null>();
    for (const ref of refsOf(engine, n, OWN_REFS)) tips.set(ref.branch, ref.snapshot);
    const shown = displayNames(engine.db.all<Named & Record<string, string>>(NAMED, n));
    return [...shown]
      .map(([id, name]) => ({ id: id as BranchId, name, tip: tips.get(id) ?? null }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  });
}

export function findBranch(engine: Engine, volset: VolsetId, branch: BranchId): BranchView | undefined {
  return engine.db.read(() => {
    const n = volsetNumber(engine, volset);
    const own = engine.db.get<Named & Record<string, string>>(`${NAMED} AND h.object = ?`, n, branchKey(branch));
    if (own === undefined) return undefined;
    const name = shownName(engine, n, own);
    return { id: branch, name, tip: ownTip(engine, n, branch) };
  });
}

export function branchNames(engine: Engine, volset: VolsetId, branches: BranchId[]): Record<BranchId, string> {
  return engine.db.read(() => {
    const n = findVolsetNumber(engine, volset);
    const names: Record<BranchId, string> = {};
    if (n === undefined) return names;
    for (const branch of branches) {
      const name = headAt(engine, n, { object: branchKey(branch), field: 'name' })?.value;
      if (typeof name === 'string') names[branch] = name;
    }
    return names;
  });
}

/** Only branches of the same name, and those named `NAME.…`, have a say in what is shown. */
function shownName({ db }: Engine, n: number, own: Named): string {
  const same = db.all<Named & Record<string, string>>(`${BY_NAME} AND h.value = ?`, n, own.name);
  if (same.length < 2) return own.name;
  // '/' follows '.' in code order.
  const longer = db.all<Named & Record<string, string>>(
    `${BY_NAME} AND h.value > ? AND h.value < ?`,
    n,
    `${own.name}.`,
    `${own.name}/`,
  );
  return displayNames([...same, ...longer]).get(own.id) as string;
}

export function findSnapshot(engine: Engine, volset: VolsetId, id: SnapshotId): SnapshotView | undefined {
  return engine.db.read(() => {
    const n = findVolsetNumber(engine, volset);
    if (n === undefined || !knowsSnapshot(engine, n, id) || isForgotten(engine, n, id)) return undefined;
    const body = findRecord(engine, n, id);
    if (body?.type !== 'snapshot') throw damaged('meta.db', `the body of snapshot ${id} is missing`);
    const here = { hasBlob: hasBlob(engine, n, id), ...(isDamaged(engine, n, id) && { damaged: true as const }) };
    return { id, body: body as SnapshotBody, ...fieldsOf(engine, n, snapshotKey(id)), ...here };
  });
}

export function snapshotsByName(engine: Engine, volset: VolsetId, name: string): SnapshotId[] {
  const n = volsetNumber(engine, volset);
  return engine.db
    .all<{ id: SnapshotId }>(
      // As with branches: not all snapshots.
      `SELECT substr(object, 10) AS id FROM heads INDEXED BY heads_name
       WHERE volset = ? AND field = 'name' AND shown = 1 AND value = ? AND value IS NOT NULL
       AND object > 'snapshot:' AND object < 'snapshot;' ORDER BY object`,
      n,
      name,
    )
    .filter(({ id }) => knowsSnapshot(engine, n, id) && !isForgotten(engine, n, id))
    .map(({ id }) => id);
}
