/**
 * Heads of registers as this store shows them. Format 0: a head moves only to a write that follows it. Of rivals the
 * first one known here stays; the other is kept in the log and reported. (The next format takes the largest stamp.)
 */
import { byStampAndId, type KnownWrite } from '../../core/heads.ts';
import type { VolsetId, WriteId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { AnyRecord, ObjectKey, Stamp, Write } from '../../core/records.ts';
import { parseRegister, type Register } from '../../core/register.ts';
import type { Engine } from './engine.ts';

export interface Head {
  id: WriteId;
  stamp: Stamp;
  value: string | null;
}

export const headAt = ({ db }: Engine, n: number, { object, field }: Register): Head | undefined =>
  db.get<Head>('SELECT id, stamp, value FROM heads WHERE volset = ? AND object = ? AND field = ?', n, object, field);

export const headsOf = ({ db }: Engine, n: number, object: ObjectKey): (Head & { field: string })[] =>
  db.all<Head & { field: string }>(
    'SELECT field, id, stamp, value FROM heads WHERE volset = ? AND object = ? ORDER BY field',
    n,
    object,
  );

export const knowsObject = ({ db }: Engine, n: number, object: ObjectKey): boolean =>
  db.get('SELECT 1 FROM heads WHERE volset = ? AND object = ? LIMIT 1', n, object) !== undefined;

export const isDead = ({ db }: Engine, n: number, object: ObjectKey): boolean =>
  db.get('SELECT 1 FROM dead WHERE volset = ? AND object = ?', n, object) !== undefined;

export function putHead({ db }: Engine, n: number, { object, field }: Register, head: Head): void {
  db.run(
    'INSERT OR REPLACE INTO heads(volset, object, field, id, stamp, value) VALUES (?, ?, ?, ?, ?, ?)',
    n,
    object,
    field,
    head.id,
    head.stamp,
    head.value,
  );
}

export function findRecord({ db }: Engine, n: number, id: string): AnyRecord | undefined {
  const row = db.get<{ body: string }>('SELECT body FROM records WHERE volset = ? AND id = ? LIMIT 1', n, id);
  return row && (JSON.parse(row.body) as AnyRecord);
}

export function findWrite(engine: Engine, n: number, id: WriteId): (KnownWrite & { register: string }) | undefined {
  const record = findRecord(engine, n, id);
  return record?.type === 'write' ? { ...record, id } : undefined;
}

export type Taken = 'taken' | { rivalOf: Head };

/**
 * Takes a write that was not known and whose parents are. Inside a write transaction. It follows the head only if it
 * names it as parent: a write becomes head when it is learned or never, so no other known write follows the head, and
 * a long line of rivals costs no walk. Rivals that agree are no conflict; the larger one stands on every store.
 */
export function receiveWrite(engine: Engine, n: number, id: WriteId, write: Write): Taken {
  const register = parseRegister(write.register) as Register;
  const head = headAt(engine, n, register);
  const known = { id, stamp: write.stamp, value: write.value };
  const follows = head === undefined || write.parents.includes(head.id);
  if (!follows && (head.value !== write.value || byStampAndId(known, head) < 0)) return { rivalOf: head };
  putHead(engine, n, register, known);
  return 'taken';
}

/** Parents must be known writes of the same register, and older. */
export function checkParents(engine: Engine, n: number, volset: VolsetId, write: Write): void {
  for (const id of write.parents) {
    const parent = findWrite(engine, n, id);
    if (parent === undefined) unknownParent(volset, id);
    if (parent.register !== write.register) malformed('a write follows one of another register');
    if (parent.stamp >= write.stamp) malformed('a write is not younger than its parents');
  }
}

export function unknownParent(volset: VolsetId, id: string): never {
  return malformed('a record comes before one that it refers to', { reason: 'unknown-parent', volset, id });
}
