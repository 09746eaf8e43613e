/**
 * Rows about deletion: `tombstones` per object, and `dead` for what they cover (core/liveness.ts). Both follow from the
 * log alone. Refs come in only where a branch that is covered would be lost with its snapshots, or where one points at
 * a snapshot that was forgotten: see Deletions.
 */
import { isAncestor } from '../../core/ancestry.ts';
import { byStampAndId, type KnownWrite } from '../../core/heads.ts';
import type { BranchId, SnapshotId, VolsetId, WriteId } from '../../core/ids.ts';
import { type Evidence, isVolsetDead, livenessOf, type Precedes, unseenTips } from '../../core/liveness.ts';
import type { ObjectKey, Tombstone } from '../../core/records.ts';
import { branchKey, parseObject } from '../../core/register.ts';
import { isComplete } from './blobs.ts';
import { damaged } from './database.ts';
import type { Engine } from './engine.ts';
import { allUnfollowed, findRecord, findWrite, isDead, knowsObject, writesOf } from './heads.ts';
import { unqueueSnapshot } from './queue-rows.ts';
import { ownTip } from './ref-rows.ts';
import { setOwnRef } from './revisions.ts';
import { knowsSnapshot, lineage } from './snapshots.ts';

export type KnownTombstone = Tombstone & { id: WriteId };

/** Largest (stamp, id) first. */
export function tombstonesOf(engine: Engine, n: number, object: ObjectKey): KnownTombstone[] {
  return engine.db
    .all<{ id: WriteId }>('SELECT id FROM tombstones WHERE volset = ? AND object = ?', n, object)
    .map(({ id }) => {
      const record = findRecord(engine, n, id);
      if (record?.type !== 'tombstone') throw damaged('meta.db', `the tombstone ${id} is missing`);
      return { ...record, id };
    })
    .sort((a, b) => byStampAndId(b, a));
}

/** Inside a write transaction; the record is logged by the caller. */
export const putTombstone = ({ db }: Engine, n: number, object: ObjectKey, id: WriteId): number =>
  db.run('INSERT INTO tombstones(volset, object, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', n, object, id);

function evidenceOf(engine: Engine, n: number, object: ObjectKey): Evidence {
  const heads = allUnfollowed(engine, n, object);
  const chosen = new Map<WriteId, readonly WriteId[]>();
  for (const { id, resolution } of heads) {
    const write = resolution ? findWrite(engine, n, id) : undefined;
    if (write) chosen.set(id, write.parents);
  }
  return { tombstones: tombstonesOf(engine, n, object), heads: heads.map(({ id }) => id), chosen };
}

const LIVE_BRANCHES = `FROM heads h WHERE h.volset = ? AND h.object > 'branch:' AND h.object < 'branch;'
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.volset = h.volset AND d.object = h.object)`;

export const liveBranches = ({ db }: Engine, n: number): ObjectKey[] =>
  db
    .all<{ object: ObjectKey }>(`SELECT DISTINCT h.object AS object ${LIVE_BRANCHES} ORDER BY h.object`, n)
    .map(({ object }) => object);

const countLiveBranches = ({ db }: Engine, n: number): number =>
  (db.get<{ count: number }>(`SELECT count(DISTINCT h.object) AS count ${LIVE_BRANCHES}`, n) as { count: number })
    .count;

/** What the log says. Of a volset: after its branches were refreshed. */
export function isCovered(engine: Engine, n: number, object: ObjectKey): boolean {
  if (!engine.db.get('SELECT 1 FROM tombstones WHERE volset = ? AND object = ?', n, object)) return false;
  const evidence = evidenceOf(engine, n, object);
  if (object === 'volset') return isVolsetDead(evidence, countLiveBranches(engine, n));
  return livenessOf(evidence, () => false) === 'dead';
}

/** Brings the object's row up to date. Answers whether it is dead. Inside a write transaction. */
export function refreshLiveness(engine: Engine, n: number, object: ObjectKey): boolean {
  const dead = isCovered(engine, n, object);
  const changed = dead
    ? engine.db.run('INSERT INTO dead(volset, object) VALUES (?, ?) ON CONFLICT DO NOTHING', n, object)
    : engine.db.run('DELETE FROM dead WHERE volset = ? AND object = ?', n, object);
  const parsed = parseObject(object);
  if (changed > 0 && parsed?.kind === 'snapshot') showBlob(engine, n, parsed.id, dead);
  return dead;
}

/** One that was forgotten is shown to nobody and sent nowhere. Its data stays until gc takes it: it may come back. */
function showBlob(engine: Engine, n: number, id: SnapshotId, dead: boolean): void {
  const shown = !dead && isComplete(engine, n, id) ? 1 : 0;
  engine.db.run('UPDATE snapshots SET blob = ? WHERE volset = ? AND id = ?', shown, n, id);
  if (dead) unqueueSnapshot(engine, n, id);
}

/** A branch that is gone needs no ref of ours. Inside a write transaction. */
export function releaseRef(engine: Engine, n: number, object: ObjectKey): void {
  const parsed = parseObject(object);
  if (parsed?.kind === 'branch' && ownTip(engine, n, parsed.id) !== null) setOwnRef(engine, n, parsed.id, null);
}

/** Does our own ref or one of `tips` hold snapshots of a deleted branch that nobody who deleted it saw? */
export function hasUnseenTip(
  engine: Engine,
  volset: VolsetId,
  n: number,
  branch: BranchId,
  tip: SnapshotId | undefined,
): boolean {
  const tips = [ownTip(engine, n, branch), tip].filter((id) => id !== null && id !== undefined);
  if (tips.length === 0) return false;
  const precedes: Precedes = (ancestor, descendant) =>
    isAncestor((ids) => lineage(engine, volset, ids), ancestor, descendant);
  return unseenTips({ tombstones: tombstonesOf(engine, n, branchKey(branch)), heads: [], tips }, precedes).length > 0;
}

/**
 * The write that keeps a deleted object: the oldest that no tombstone of it saw, so that every store, whenever it hears of
 * it, names the same one. Of a volset whose own registers are all seen: of its live branches.
 */
export function oldestUnseen(engine: Engine, n: number, object: ObjectKey): KnownWrite | undefined {
  const own = oldestUnseenOf(engine, n, object);
  if (own || object !== 'volset') return own;
  return smallest(liveBranches(engine, n).flatMap((branch) => oldestUnseenOf(engine, n, branch) ?? []));
}

function oldestUnseenOf(engine: Engine, n: number, object: ObjectKey): KnownWrite | undefined {
  const lookup = writesOf(engine, n);
  const evidence = evidenceOf(engine, n, object);
  const listed = evidence.tombstones.flatMap(({ sees }) => sees);
  const seen = new Map<WriteId, KnownWrite>();
  const unseen = new Map<WriteId, KnownWrite>();
  const collect = (from: Iterable<WriteId>, into: Map<WriteId, KnownWrite>): void => {
    const queue = [...from];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.has(id) || unseen.has(id)) continue;
      const write = lookup(id);
      if (write === undefined) continue;
      into.set(id, write);
      queue.push(...write.parents);
    }
  };
  collect(listed, seen);
  collect(evidence.heads, unseen);
  const isChosenAmongSeen = ({ resolution, parents }: KnownWrite): boolean =>
    resolution === true && parents.every((id) => listed.includes(id));
  return smallest([...unseen.values()].filter((write) => !isChosenAmongSeen(write)));
}

function smallest(writes: Iterable<KnownWrite>): KnownWrite | undefined {
  let least: KnownWrite | undefined;
  for (const write of writes) if (least === undefined || byStampAndId(write, least) < 0) least = write;
  return least;
}

/** The name under which an object was deleted: what its newest tombstone saw. */
export function nameSeen(engine: Engine, n: number, { object, sees }: KnownTombstone): string | null {
  for (const id of sees) {
    const record = findRecord(engine, n, id);
    if (record?.type === 'write' && record.register === `${object}:name`) return record.value;
  }
  return null;
}

export type State = 'unknown' | 'alive' | 'dead';

export function stateOf(engine: Engine, n: number, object: ObjectKey): State {
  const parsed = parseObject(object);
  const known = parsed?.kind === 'snapshot' ? knowsSnapshot(engine, n, parsed.id) : knowsObject(engine, n, object);
  if (!known) return 'unknown';
  return isDead(engine, n, object) ? 'dead' : 'alive';
}
