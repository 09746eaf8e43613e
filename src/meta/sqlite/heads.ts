/**
 * Heads of registers: rows of every write that no other follows, one of them shown. What is shown never depends on the
 * order in which writes came (I7), see core/heads.ts.
 */
import { byStampAndId, type KnownWrite, type WriteLookup } from '../../core/heads.ts';
import type { WriteId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { LoggedRecord, ObjectKey, Stamp } from '../../core/records.ts';
import type { Register } from '../../core/register.ts';
import type { Engine } from './engine.ts';

export interface Head {
  id: WriteId;
  stamp: Stamp;
  value: string | null;
}

const AT = 'WHERE volset = ? AND object = ? AND field = ?';

/** The one that is shown. */
export const headAt = ({ db }: Engine, n: number, { object, field }: Register): Head | undefined =>
  db.get<Head>(`SELECT id, stamp, value FROM heads ${AT} AND shown = 1`, n, object, field);

/** Largest first: the first one is shown. */
export const unfollowedAt = ({ db }: Engine, n: number, { object, field }: Register): Head[] =>
  db.all<Head>(`SELECT id, stamp, value FROM heads ${AT} ORDER BY stamp DESC, id DESC`, n, object, field);

/** What is shown of each register of an object. */
export const headsOf = ({ db }: Engine, n: number, object: ObjectKey): (Head & { field: string })[] =>
  db.all<Head & { field: string }>(
    'SELECT field, id, stamp, value FROM heads WHERE volset = ? AND object = ? AND shown = 1 ORDER BY field',
    n,
    object,
  );

/** Every unfollowed write of all registers of an object. */
export const allUnfollowed = ({ db }: Engine, n: number, object: ObjectKey): (Head & { resolution: number })[] =>
  db.all('SELECT id, stamp, value, resolution FROM heads WHERE volset = ? AND object = ? ORDER BY id', n, object);

export const knowsObject = ({ db }: Engine, n: number, object: ObjectKey): boolean =>
  db.get('SELECT 1 FROM heads WHERE volset = ? AND object = ? LIMIT 1', n, object) !== undefined;

export const isDead = ({ db }: Engine, n: number, object: ObjectKey): boolean =>
  db.get('SELECT 1 FROM dead WHERE volset = ? AND object = ?', n, object) !== undefined;

/**
 * Takes a write that was not known and whose parents are. `shown`: the head so far; answers with the head from now on.
 * Nothing known can follow it, and what follows the head is larger than every other, so no row has to be searched for.
 * Inside a write transaction.
 */
export function joinHeads(
  { db }: Engine,
  n: number,
  { object, field }: Register,
  write: KnownWrite,
  shown: Head | undefined,
): Head {
  for (const parent of write.parents) db.run(`DELETE FROM heads ${AT} AND id = ?`, n, object, field, parent);
  const isShown = shown === undefined || byStampAndId(write, shown) > 0;
  if (isShown && shown) db.run(`UPDATE heads SET shown = 0 ${AT} AND id = ?`, n, object, field, shown.id);
  db.run(
    `INSERT INTO heads(volset, object, field, id, stamp, value, resolution, shown) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    n,
    object,
    field,
    write.id,
    write.stamp,
    write.value,
    write.resolution ? 1 : 0,
    isShown ? 1 : 0,
  );
  return isShown ? write : shown;
}

/** One that compaction dropped may stand in another store's generation as well, and be there in full: rather that. */
export function findRecord({ db }: Engine, n: number, id: string): LoggedRecord | undefined {
  const row = db.get<{ body: string }>(
    `SELECT body FROM records WHERE volset = ? AND id = ? ORDER BY body LIKE '%"type":"past"%' LIMIT 1`,
    n,
    id,
  );
  return row && (JSON.parse(row.body) as LoggedRecord);
}

export function findWrite(engine: Engine, n: number, id: WriteId): (KnownWrite & { register: string }) | undefined {
  const record = findRecord(engine, n, id);
  return record?.type === 'write' ? { ...record, id } : undefined;
}

/** What a write follows: its parents, and where one of them was dropped here, what that one followed, and so on. */
export function followedBy(
  { parents }: Pick<KnownWrite, 'parents'>,
  parentsOfPast: (id: WriteId) => readonly WriteId[] | undefined,
): WriteId[] {
  const found = new Set<WriteId>();
  const queue = [...parents];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    queue.push(...(parentsOfPast(id) ?? []));
  }
  return [...found];
}

/** Of one that was dropped here. */
export function parentsOfPast(engine: Engine, n: number, id: WriteId): WriteId[] | undefined {
  const record = findRecord(engine, n, id);
  return record?.type === 'past' ? record.parents : undefined;
}

/** One that was dropped as well, without its value. */
function findEvenPast(engine: Engine, n: number, id: WriteId): KnownWrite | undefined {
  const record = findRecord(engine, n, id);
  if (record?.type === 'write') return { ...record, id };
  if (record?.type !== 'past') return undefined;
  const { parents, stamp, resolution } = record;
  return { id, parents, stamp, value: null, past: true, ...(resolution && { resolution }) };
}

/** A lookup for core functions that remembers what it read: lines of writes are walked more than once. */
export function writesOf(engine: Engine, n: number): WriteLookup {
  const known = new Map<WriteId, KnownWrite>();
  return (id) => {
    const write = known.get(id) ?? findEvenPast(engine, n, id);
    if (write) known.set(id, write);
    return write;
  };
}

export function unknownParent(volset: string, id: string): never {
  return malformed('a record comes before one that it refers to', { reason: 'unknown-parent', volset, id });
}
