/** Edits of this store: each becomes records in the open generation, and what they derive. */
import type { Conflict } from '../../core/conflict.ts';
import { PlaitError } from '../../core/errors.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../core/ids.ts';
import type { ObjectKey, RegisterKey } from '../../core/records.ts';
import { valueFault } from '../../core/records.ts';
import { branchKey, parseObject, parseRegister, type Register, registerKey, snapshotKey } from '../../core/register.ts';
import { checkSnapshotBody, idOfBody } from '../../core/snapshot-body.ts';
import type { Edit } from '../contract.ts';
import { markBlobs } from './blobs.ts';
import { requireConflict, settledRegister, settledValue } from './conflicts.ts';
import { idOfNameless } from './deletions.ts';
import { type Engine, ensureVolset, findVolsetNumber, volsetNumber } from './engine.ts';
import { headAt, isDead, knowsObject, unknownParent } from './heads.ts';
import { liveBranches, refreshLiveness, releaseRef } from './liveness.ts';
import { OWN_REFS, ownTip } from './ref-rows.ts';
import { moveOwnRef } from './refs.ts';
import { insertSnapshot, knowsSnapshot } from './snapshots.ts';
import { Writer } from './writer.ts';

/** One transaction of edits. */
interface Session {
  engine: Engine;
  volset: VolsetId;
  n: number;
  writer: Writer;
}

export function commit(engine: Engine, volset: VolsetId, edits: Edit[]): void {
  engine.db.write(() => {
    const create = edits[0]?.edit === 'create-volset';
    if (create && findVolsetNumber(engine, volset) !== undefined) {
      throw new PlaitError('exists', `Volset ${volset} exists already.`, { hint: 'Choose another id.' });
    }
    const n = create ? ensureVolset(engine, volset) : volsetNumber(engine, volset);
    const writer = new Writer(engine, volset, n, engine.self.store);
    for (const edit of edits) applyEdit({ engine, volset, n, writer }, edit);
    writer.close();
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
    case 'resolve':
      resolve(session, edit);
      break;
    case 'move-ref':
      moveOwnRef(session.engine, session.n, session.volset, edit);
      break;
  }
}

function createObject(session: Session, object: ObjectKey, name: string, creator: string): void {
  const { engine, n } = session;
  if (parseObject(object) === undefined) refuseEdit('the id of a new branch is malformed');
  if (isDead(engine, n, 'volset')) notHere('volset');
  if (knowsObject(engine, n, object)) {
    throw new PlaitError('exists', `There is a ${object} already.`, { hint: 'Choose another id.' });
  }
  write(session, { object, field: 'name' }, name);
  write(session, { object, field: 'creator' }, creator);
}

function setRegister(session: Session, key: RegisterKey, value: string | null): void {
  const { engine, n } = session;
  const register = parseRegister(key);
  if (register === undefined || parseObject(register.object)?.kind === 'conflict')
    refuseEdit(`there is no register ${key}`);
  requireObject(session, register.object);
  // Saying again what is shown already is no edit: it would only make rivals.
  if (headAt(engine, n, register)?.value !== value) write(session, register, value);
}

function write({ engine, n, writer }: Session, register: Register, value: string | null): void {
  const fault = valueFault(registerKey(register.object, register.field), value);
  if (fault !== undefined) refuseEdit(fault);
  writer.set(register, value);
  // What is written to again lives again; a branch keeps its volset.
  for (const object of [register.object, 'volset']) if (isDead(engine, n, object)) refreshLiveness(engine, n, object);
}

function addSnapshot(session: Session, { id, body, blob }: Extract<Edit, { edit: 'snapshot' }>): void {
  const { engine, volset, n, writer } = session;
  checkSnapshotBody(body, volset);
  if (idOfBody(body) !== id) {
    throw new PlaitError('integrity', `Snapshot ${id.slice(0, 12)} is not the hash of its body.`, {
      hint: 'Nothing was changed.',
    });
  }
  if (!knowsSnapshot(engine, n, id)) {
    for (const parent of body.parents) if (!knowsSnapshot(engine, n, parent)) unknownParent(volset, parent);
    writer.append(body);
    insertSnapshot(engine, n, id, body);
  }
  if (blob) markBlobs(engine, n, [id], null);
}

/** Tombstones that list what their author saw; our own refs go as well. */
function deleteObject(session: Session, object: ObjectKey): void {
  const parsed = parseObject(object);
  if (parsed === undefined || parsed.kind === 'conflict') refuseEdit(`there is no object ${object}`);
  requireObject(session, object);
  if (parsed.kind === 'snapshot') refuseTip(session, parsed.id);
  if (object === 'volset') for (const branch of liveBranches(session.engine, session.n)) bury(session, branch);
  bury(session, object);
}

function bury({ engine, n, writer }: Session, object: ObjectKey): void {
  const parsed = parseObject(object);
  writer.bury(object, parsed?.kind === 'branch' ? tipSeen(engine, n, parsed.id) : null);
  refreshLiveness(engine, n, object);
  releaseRef(engine, n, object);
  // Somebody deleted it before, and only this branch kept it.
  if (object !== 'volset') refreshLiveness(engine, n, 'volset');
}

/** What a branch points at is deleted with the branch. */
function refuseTip({ engine, n }: Session, id: SnapshotId): void {
  const sql = 'SELECT branch FROM refs WHERE volset = ? AND store = ? AND snapshot = ?';
  for (const { branch } of engine.db.all<{ branch: BranchId }>(sql, n, OWN_REFS, id)) {
    if (isDead(engine, n, branchKey(branch))) continue;
    throw new PlaitError('guard', `Snapshot ${id.slice(0, 12)} is the tip of a branch; nothing was changed.`, {
      hint: 'Delete the branch with `plait branch delete`, or make another snapshot on it first.',
      data: { snapshot: id, branch },
    });
  }
}

/** Our own tip; where we have none, the deepest that peers told us of: that is what is shown and meant to go. */
function tipSeen(engine: Engine, n: number, branch: BranchId): SnapshotId | null {
  const own = ownTip(engine, n, branch);
  if (own !== null) return own;
  const row = engine.db.get<{ id: SnapshotId }>(
    `SELECT s.id FROM refs r JOIN snapshots s ON s.volset = r.volset AND s.id = r.snapshot
     WHERE r.volset = ? AND r.branch = ? ORDER BY s.depth DESC, s.id LIMIT 1`,
    n,
    branch,
  );
  return row?.id ?? null;
}

/** Makes the chosen value the one that is shown, and says that the conflict is settled. */
function resolve(session: Session, { conflict: id, choice }: Extract<Edit, { edit: 'resolve' }>): void {
  const { engine, n, writer } = session;
  const conflict = requireConflict(engine, n, id);
  if (conflict.kind === 'name') {
    throw new PlaitError('usage', 'Two branches of one name are told apart by renaming one of them.', {
      hint: `Run \`plait branch rename\` on ${conflict.current} or ${conflict.target}.`,
    });
  }
  const value = choice.choice === 'value' ? choice.value : conflict[choice.choice];
  if (conflict.kind === 'delete') settleDeletion(session, conflict, value);
  else if (conflict.kind !== 'path') settleField(session, conflict, value);
  const register = settledRegister(id);
  const settled = settledValue(choice, conflict);
  if (headAt(engine, n, register)?.value !== settled) writer.set(register, settled);
}

/** Where the object is deleted by now, there is nothing to show a value. */
function settleField(session: Session, { object, field }: Conflict, value: string | null): void {
  const { engine, n } = session;
  if (isDead(engine, n, object) || headAt(engine, n, { object, field })?.value === value) return;
  write(session, { object, field }, value);
}

/** null: it goes after all. Else it stays, or comes back, under that name. */
function settleDeletion(session: Session, { object }: Conflict, chosen: string | null): void {
  const { engine, n } = session;
  const dead = isDead(engine, n, object);
  if (chosen === null) {
    if (!dead) deleteObject(session, object);
    return;
  }
  const register = { object, field: 'name' };
  const shown = headAt(engine, n, register)?.value ?? null;
  const name = chosen === idOfNameless(object) ? shown : chosen;
  if (dead || shown !== name) write(session, register, name);
}

function requireObject({ engine, n }: Session, object: ObjectKey): void {
  const known = object.startsWith('snapshot:')
    ? knowsSnapshot(engine, n, object.slice(snapshotKey('' as SnapshotId).length) as SnapshotId)
    : knowsObject(engine, n, object);
  if (!known || isDead(engine, n, object)) notHere(object);
}

function notHere(object: ObjectKey): never {
  throw new PlaitError('not-found', `There is no ${object} here.`, { hint: 'It may have been deleted.' });
}

function refuseEdit(what: string): never {
  throw new PlaitError('usage', `Cannot change metadata: ${what}.`, { hint: 'Nothing was changed.' });
}
