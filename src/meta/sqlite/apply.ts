/** Takes a round from a peer, in one transaction: all of it or, when anything is wrong with it, nothing. */
import { isAncestor } from '../../core/ancestry.ts';
import { canonicalText } from '../../core/canonical.ts';
import { forked, verifyGenerations } from '../../core/generation.ts';
import { isStoreId, type SnapshotId, type VolsetId, type WriteId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { AnyRecord, Generation, ObjectKey, SnapshotBody, Stamp, Tombstone, Write } from '../../core/records.ts';
import { recordId } from '../../core/records.ts';
import { parseObject, parseRegister, type Register } from '../../core/register.ts';
import type { Applied, Round } from '../contract.ts';
import { buryObject } from './edits.ts';
import { type Engine, ensureVolset } from './engine.ts';
import { checkParents, findRecord, headsOf, isDead, knowsObject, receiveWrite, unknownParent } from './heads.ts';
import { hashAt, insertHeader, insertRecord, readVector } from './log.ts';
import { ownTip, receiveRefs } from './refs.ts';
import { readClock, writeClock } from './self.ts';
import { insertSnapshot, knowsSnapshot, lineage } from './snapshots.ts';

interface Session {
  engine: Engine;
  volset: VolsetId;
  n: number;
  applied: Applied;
}

interface Kept {
  field: string;
  current: string | null;
  target: string | null;
  message: string;
}

export function apply(engine: Engine, volset: VolsetId, round: Round): Applied {
  return engine.db.write(() => {
    if (!isStoreId(round.peer)) malformed('a round names no store');
    const n = ensureVolset(engine, volset);
    const known = readVector(engine, n);
    const { fresh, replayed, vector } = verifyGenerations(volset, known, round.generations, round.vector);
    for (const { store, generation, hash } of replayed) {
      if (hashAt(engine, n, store, generation) !== hash) throw forked(store, generation);
    }
    const applied: Applied = { generations: fresh.length, snapshots: [], problems: [], vector };
    const session: Session = { engine, volset, n, applied };
    for (const generation of fresh) takeGeneration(session, generation);
    if (round.refs !== undefined) receiveRefs(engine, n, round.peer, round.refs, round.revision ?? 0);
    keepClockAhead(engine, fresh);
    return applied;
  });
}

function takeGeneration(session: Session, generation: Generation): void {
  const { engine, n } = session;
  const position = insertHeader(engine, n, generation);
  generation.records.forEach((record, idx) => {
    const id = recordId(record);
    const isNew = findRecord(engine, n, id) === undefined;
    // A record that comes back under another generation (a merge that two stores made) is logged again, taken once.
    if (isNew) checkReferences(session, record);
    insertRecord(engine, n, position, idx, id, canonicalText(record));
    if (isNew) takeRecord(session, id, record);
  });
}

function checkReferences({ engine, volset, n }: Session, record: AnyRecord): void {
  if (record.type === 'write') {
    checkParents(engine, n, volset, record);
    return;
  }
  const snapshots = record.type === 'snapshot' ? record.parents : record.tip ? [record.tip] : [];
  for (const id of snapshots) if (!knowsSnapshot(engine, n, id)) unknownParent(volset, id);
  if (record.type === 'snapshot') return;
  for (const id of record.sees) {
    const seen = findRecord(engine, n, id);
    if (seen === undefined) unknownParent(volset, id);
    if (seen.type !== 'write' || parseRegister(seen.register)?.object !== record.object) {
      malformed('a tombstone lists a write of another object');
    }
  }
}

function takeRecord(session: Session, id: string, record: AnyRecord): void {
  if (record.type === 'write') takeWrite(session, id as WriteId, record);
  else if (record.type === 'tombstone') takeTombstone(session, id, record);
  else takeSnapshot(session, id as SnapshotId, record);
}

function takeSnapshot({ engine, n, applied }: Session, id: SnapshotId, body: SnapshotBody): void {
  insertSnapshot(engine, n, id, body);
  applied.snapshots.push(id);
}

function takeWrite(session: Session, id: WriteId, write: Write): void {
  const { engine, n } = session;
  const { object, field } = parseRegister(write.register) as Register;
  const taken = receiveWrite(engine, n, id, write);
  if (typeof taken === 'object') {
    const { value } = taken.rivalOf;
    if (value !== write.value) report(session, object, field, value, write.value, `${field} was changed on both sides`);
  } else if (taken === 'taken' && isDead(engine, n, object)) {
    engine.db.run('DELETE FROM dead WHERE volset = ? AND object = ?', n, object);
    report(session, object, field, null, write.value, 'deleted here and edited there: it is back');
  }
}

/** Deletes only what its author saw in full: an unseen edit, or an unseen snapshot on the branch, keeps the object. */
function takeTombstone(session: Session, id: string, tombstone: Tombstone): void {
  const { engine, n } = session;
  const { object } = tombstone;
  if (!knowsObject(engine, n, object) || isDead(engine, n, object)) return;
  const kept = keptAgainst(session, tombstone);
  if (kept) report(session, object, kept.field, kept.current, kept.target, kept.message);
  else buryObject(engine, n, object, id);
}

function keptAgainst(session: Session, { object, sees, tip: seenTip }: Tombstone): Kept | undefined {
  const { engine, n } = session;
  const heads = headsOf(engine, n, object);
  const parsed = parseObject(object);
  if (parsed?.kind !== 'branch') {
    const name = heads.find((head) => head.field === 'name')?.value ?? null;
    return { field: 'name', current: name, target: null, message: 'deleted there, kept here' };
  }
  const seen = new Set(sees);
  const unseen = heads.find((head) => !seen.has(head.id));
  if (unseen) {
    return {
      field: unseen.field,
      current: unseen.value,
      target: null,
      message: 'deleted there, edited here: it stays',
    };
  }
  const tip = ownTip(engine, n, parsed.id);
  if (tip === null || wasSeen(session, tip, seenTip)) return undefined;
  return {
    field: 'tip',
    current: tip,
    target: seenTip ?? null,
    message: 'deleted there, has other snapshots here: it stays',
  };
}

const wasSeen = ({ engine, volset }: Session, tip: SnapshotId, seen: SnapshotId | undefined): boolean =>
  seen !== undefined && isAncestor((ids) => lineage(engine, volset, ids), tip, seen);

function report(
  { applied }: Session,
  object: ObjectKey,
  field: string,
  current: string | null,
  target: string | null,
  message: string,
): void {
  applied.problems.push({ object, field, current, target, message });
}

/** Our own records may come back after a restore; the clock must not give their stamps again. */
function keepClockAhead({ db, self }: Engine, generations: readonly Generation[]): void {
  let last: Stamp = '';
  for (const { records } of generations) {
    for (const record of records) {
      if (record.type !== 'snapshot' && record.author === self.store && record.stamp > last) last = record.stamp;
    }
  }
  if (last > readClock(db)) writeClock(db, last);
}
