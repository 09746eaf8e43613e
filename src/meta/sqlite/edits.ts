/** Edits of this store: each becomes records in the open generation, and what they derive. */
import { PlaitError } from '../../core/errors.ts';
import type { SnapshotId, VolsetId, WriteId } from '../../core/ids.ts';
import type { ObjectKey, RegisterKey, Stamp, Write } from '../../core/records.ts';
import { recordId, valueFault } from '../../core/records.ts';
import { branchKey, parseObject, parseRegister, registerKey, snapshotKey } from '../../core/register.ts';
import { checkSnapshotBody, idOfBody } from '../../core/snapshot-body.ts';
import { nextStamp } from '../../core/stamp.ts';
import type { Edit } from '../contract.ts';
import { type Engine, ensureVolset, findVolsetNumber, volsetNumber } from './engine.ts';
import { headAt, headsOf, isDead, knowsObject, putHead, unknownParent } from './heads.ts';
import { appendRecord } from './log.ts';
import { moveOwnRef, ownTip, setOwnRef } from './refs.ts';
import { readClock, writeClock } from './self.ts';
import { insertSnapshot, knowsSnapshot, markBlob } from './snapshots.ts';

/** One transaction of edits: the volset's number and the clock as it advances. */
interface Session {
  engine: Engine;
  volset: VolsetId;
  n: number;
  clock: Stamp;
}

export function commit(engine: Engine, volset: VolsetId, edits: Edit[]): void {
  engine.db.write(() => {
    const create = edits[0]?.edit === 'create-volset';
    if (create && findVolsetNumber(engine, volset) !== undefined) {
      throw new PlaitError('exists', `Volset ${volset} exists already.`, { hint: 'Choose another id.' });
    }
    const n = create ? ensureVolset(engine, volset) : volsetNumber(engine, volset);
    const before = readClock(engine.db);
    const session: Session = { engine, volset, n, clock: before };
    for (const edit of edits) applyEdit(session, edit);
    if (session.clock !== before) writeClock(engine.db, session.clock);
  });
}

function applyEdit(session: Session, edit: Edit): void {
  switch (edit.edit) {
    case 'create-volset':
      createObject(session, 'volset', edit.name, edit.creator);
      break;
    case 'create-branch':
      createObject(session, branchKey(edit.branch), edit.name, edit.creator);
      break;
    case 'set':
      setRegister(session, edit.register, edit.value);
      break;
    case 'snapshot':
      addSnapshot(session, edit);
      break;
    case 'delete':
      deleteObject(session, edit.object);
      break;
    case 'move-ref':
      moveOwnRef(session.engine, session.n, session.volset, edit);
      break;
  }
}

function createObject(session: Session, object: ObjectKey, name: string, creator: string): void {
  const { engine, n } = session;
  if (parseObject(object) === undefined) refuseEdit('the id of a new branch is malformed');
  if (knowsObject(engine, n, object)) {
    throw new PlaitError('exists', `There is a ${object} already.`, { hint: 'Choose another id.' });
  }
  write(session, registerKey(object, 'name'), name);
  write(session, registerKey(object, 'creator'), creator);
}

function setRegister(session: Session, key: RegisterKey, value: string | null): void {
  const { engine, n } = session;
  const register = parseRegister(key);
  if (register === undefined) refuseEdit(`there is no register ${key}`);
  requireObject(session, register.object);
  // Saying again what is shown already is no edit: it would only make rivals.
  if (headAt(engine, n, register)?.value !== value) write(session, key, value);
}

function write(session: Session, key: RegisterKey, value: string | null): void {
  const { engine, volset, n } = session;
  const fault = valueFault(key, value);
  const register = parseRegister(key);
  if (fault !== undefined || register === undefined) refuseEdit(fault ?? 'no register');
  const head = headAt(engine, n, register);
  const stamp = tick(session, head ? [head.stamp] : []);
  const parents = head ? [head.id] : [];
  const record: Write = { type: 'write', register: key, value, parents, stamp, author: engine.self.store };
  appendRecord(engine, volset, n, record);
  putHead(engine, n, register, { id: recordId(record) as WriteId, stamp, value });
}

function tick(session: Session, parents: Stamp[]): Stamp {
  session.clock = nextStamp(session.clock, session.engine.now(), parents);
  return session.clock;
}

function addSnapshot(session: Session, { id, body, blob }: Extract<Edit, { edit: 'snapshot' }>): void {
  const { engine, volset, n } = session;
  checkSnapshotBody(body, volset);
  if (idOfBody(body) !== id) {
    throw new PlaitError('integrity', `Snapshot ${id.slice(0, 12)} is not the hash of its body.`, {
      hint: 'Nothing was changed.',
    });
  }
  if (!knowsSnapshot(engine, n, id)) {
    for (const parent of body.parents) if (!knowsSnapshot(engine, n, parent)) unknownParent(volset, parent);
    appendRecord(engine, volset, n, body);
    insertSnapshot(engine, n, id, body);
  }
  if (blob) markBlob(engine, n, id);
}

/** A tombstone that lists what its author saw; for a branch, our own ref goes as well. */
function deleteObject(session: Session, object: ObjectKey): void {
  const { engine, volset, n } = session;
  const parsed = parseObject(object);
  if (parsed === undefined) refuseEdit(`there is no object ${object}`);
  if (parsed.kind === 'snapshot') refuseEdit('single snapshots cannot be deleted');
  requireObject(session, object);
  const heads = headsOf(engine, n, object);
  const tip = parsed.kind === 'branch' ? ownTip(engine, n, parsed.id) : null;
  const sees = heads.map((head) => head.id).sort();
  const stamp = tick(
    session,
    heads.map((head) => head.stamp),
  );
  const record = { type: 'tombstone', object, sees, ...(tip && { tip }), stamp, author: engine.self.store } as const;
  appendRecord(engine, volset, n, record);
  buryObject(engine, n, object, recordId(record));
}

/** Hides the object and lets go of our ref. Inside a write transaction. */
export function buryObject(engine: Engine, n: number, object: ObjectKey, tombstone: string): void {
  engine.db.run('INSERT OR REPLACE INTO dead(volset, object, tombstone) VALUES (?, ?, ?)', n, object, tombstone);
  const parsed = parseObject(object);
  if (parsed?.kind === 'branch' && ownTip(engine, n, parsed.id) !== null) setOwnRef(engine, n, parsed.id, null);
}

function requireObject({ engine, n }: Session, object: ObjectKey): void {
  const known = object.startsWith('snapshot:')
    ? knowsSnapshot(engine, n, object.slice(snapshotKey('' as SnapshotId).length) as SnapshotId)
    : knowsObject(engine, n, object);
  if (known && !isDead(engine, n, object)) return;
  throw new PlaitError('not-found', `There is no ${object} here.`, { hint: 'It may have been deleted.' });
}

function refuseEdit(what: string): never {
  throw new PlaitError('usage', `Cannot change metadata: ${what}.`, { hint: 'Nothing was changed.' });
}
