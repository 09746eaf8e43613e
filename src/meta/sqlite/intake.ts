/**
 * Takes the records of a round, one after another, into what they derive: heads, tombstones, snapshots. `finish` then
 * decides, once per register that was touched. Everything happens inside the write transaction of whoever calls.
 */
import { byStampAndId, type KnownWrite } from '../../core/heads.ts';
import type { SnapshotId, VolsetId, WriteId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { LoggedRecord, ObjectKey, PastRecord, RegisterKey, Stamp, Tombstone, Write } from '../../core/records.ts';
import { parseRegister, type Register } from '../../core/register.ts';
import { stampAfter } from '../../core/stamp.ts';
import type { Applied } from '../contract.ts';
import { nameConflicts } from './conflicts.ts';
import { Decider, type Deciding as Registers, type Touched } from './decide.ts';
import { Deletions, type Shown } from './deletions.ts';
import type { Engine } from './engine.ts';
import { findRecord, followedBy, headAt, joinHeads, parentsOfPast, unknownParent } from './heads.ts';
import { insertSnapshot, knowsSnapshot } from './snapshots.ts';
import { Writer } from './writer.ts';

/** The peer's refs as this round leaves them. */
export interface Deciding extends Registers, Shown {}

export type Outcome = Pick<Applied, 'conflicts' | 'deleted' | 'revived' | 'changed' | 'written' | 'snapshots'>;

export class Intake {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #n: number;
  readonly #touched = new Map<RegisterKey, Touched>();
  readonly #deletions: Deletions;
  readonly #snapshots: SnapshotId[] = [];
  /** Dropped before they came here, and nothing that came since follows them. */
  readonly #unfollowedPast = new Set<string>();
  /** Ids of the collisions before the first branch was touched. */
  #collisions: Set<string> | undefined;

  constructor(engine: Engine, volset: VolsetId, n: number) {
    this.#engine = engine;
    this.#volset = volset;
    this.#n = n;
    this.#deletions = new Deletions(engine, volset, n);
  }

  /**
   * A record that is new to this store, in order. The caller logs it (insertRecord), before or after. Throws `protocol`
   * where it refers to something unknown (data: reason `unknown-parent`) or unfit. `mayHide`: one of ours, from a peer
   * that may not show what follows it.
   */
  take(id: string, record: LoggedRecord, mayHide = false): void {
    this.#checkReferences(record);
    this.#notePast(id, record, mayHide);
    if (record.type === 'past') return;
    if (record.type === 'write') this.#takeWrite(id as WriteId, record);
    else if (record.type === 'tombstone') this.#takeTombstone(id as WriteId, record);
    else {
      insertSnapshot(this.#engine, this.#n, id as SnapshotId, record);
      this.#snapshots.push(id as SnapshotId);
      this.#deletions.bring(id as SnapshotId);
    }
  }

  /** Once, after the last record and after the peer's refs were taken. Writes go to the open generation: cut it after. */
  finish(how: Deciding): Outcome {
    if (how.policy !== undefined && this.#unfollowedPast.size > 0)
      malformed('what nothing follows was dropped', { reason: 'unfollowed-past' });
    const writer = new Writer(this.#engine, this.#volset, this.#n, how.author);
    const decider = new Decider(this.#engine, this.#n, writer, how);
    for (const touched of this.#touched.values()) decider.decide(touched);
    const { deleted, revived, conflicts, kept } = this.#deletions.settle(how, (register, shown, deleter) => {
      this.#touch(register).shown = writer.keep(register, shown, deleter);
    });
    for (const conflict of conflicts) decider.record(conflict);
    writer.close();
    return {
      conflicts: [...decider.conflicts, ...this.#newCollisions()],
      ...{ deleted, revived, changed: this.#changed(), written: decider.written + kept },
      snapshots: this.#snapshots,
    };
  }

  /**
   * Only what others follow is ever dropped, and whoever lacked it lacks those: they come in the same round. Else somebody
   * hides an edit, a deletion or a snapshot from us, and our vector would say that we hold it. A push may come in parts.
   */
  #notePast(id: string, record: LoggedRecord, mayHide: boolean): void {
    if (record.type === 'past' && !mayHide) this.#unfollowedPast.add(id);
    if (record.type !== 'write' && record.type !== 'past') return;
    for (const parent of record.parents) this.#unfollowedPast.delete(parent);
  }

  #checkReferences(record: LoggedRecord): void {
    if (record.type === 'write' || record.type === 'past') {
      this.#checkParents(record);
      return;
    }
    const snapshots = record.type === 'snapshot' ? record.parents : record.tip ? [record.tip] : [];
    for (const id of snapshots) if (!knowsSnapshot(this.#engine, this.#n, id)) unknownParent(this.#volset, id);
    if (record.type === 'snapshot') return;
    for (const id of record.sees) {
      const seen = this.#known(id);
      if (seen.type === 'past') continue;
      if (seen.type !== 'write' || parseRegister(seen.register)?.object !== record.object) {
        malformed('a tombstone lists a write of another object');
      }
    }
  }

  /** Parents must be known writes of the same register, and older. Of one that is past the register is not known. */
  #checkParents(write: Write | PastRecord): void {
    let last: Stamp = '';
    for (const id of write.parents) {
      const parent = this.#known(id);
      if (parent.type !== 'write' && parent.type !== 'past') malformed('a write follows what is none');
      if (parent.type === 'write' && write.type === 'write' && parent.register !== write.register)
        malformed('a write follows one of another register');
      if (parent.stamp >= write.stamp) malformed('a write is not younger than its parents');
      if (parent.stamp > last) last = parent.stamp;
    }
    if (!write.resolution) return;
    if (write.parents.length !== 2) malformed('a resolution does not have two parents');
    // Its id does not cover the stamp, so the stamp has to follow from what the id does cover.
    if (write.stamp !== stampAfter(last)) malformed('a resolution has a stamp of its own');
  }

  #known(id: string): LoggedRecord {
    return findRecord(this.#engine, this.#n, id) ?? unknownParent(this.#volset, id);
  }

  #takeWrite(id: WriteId, write: Write): void {
    const register = parseRegister(write.register) as Register;
    const touched = this.#touch(register);
    const known: KnownWrite = { ...write, id };
    // Without a head there is nothing that it could follow, and no use in going back through what was dropped.
    const parents = touched.shown ? this.#followedBy(write) : write.parents;
    touched.shown = joinHeads(this.#engine, this.#n, register, { ...known, parents }, touched.shown);
    if (touched.brought === undefined || byStampAndId(known, touched.brought) > 0) touched.brought = known;
    if (write.parents.length > 1) touched.joins.push(known);
  }

  #followedBy(write: Write): readonly WriteId[] {
    return followedBy(write, (id) => parentsOfPast(this.#engine, this.#n, id));
  }

  #takeTombstone(id: WriteId, tombstone: Tombstone): void {
    this.#noteCollisions(tombstone.object);
    this.#deletions.bury(id, tombstone);
  }

  #touch(register: Register): Touched {
    const key = `${register.object}:${register.field}`;
    let touched = this.#touched.get(key);
    if (touched === undefined) {
      this.#deletions.touch(register.object);
      if (register.field === 'name') this.#noteCollisions(register.object);
      const before = headAt(this.#engine, this.#n, register);
      touched = { register, before, shown: before, brought: undefined, joins: [] };
      this.#touched.set(key, touched);
    }
    return touched;
  }

  #noteCollisions(object: ObjectKey): void {
    if (this.#collisions || !object.startsWith('branch:')) return;
    this.#collisions = new Set(nameConflicts(this.#engine, this.#n).map(({ id }) => id));
  }

  #newCollisions(): Applied['conflicts'] {
    const before = this.#collisions;
    if (before === undefined) return [];
    return nameConflicts(this.#engine, this.#n)
      .filter(({ id }) => !before.has(id))
      .map(({ seen: _, ...conflict }) => conflict);
  }

  #changed(): RegisterKey[] {
    return [...this.#touched].filter(([, { before, shown }]) => before?.id !== shown?.id).map(([key]) => key);
  }
}
