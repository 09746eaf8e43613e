/** Writes records of ours into the open generation, with the rows that follow from them. One per write transaction. */
import type { KnownWrite } from '../../core/heads.ts';
import type { SnapshotId, StoreId, VolsetId, WriteId } from '../../core/ids.ts';
import {
  type AnyRecord,
  MAX_TOMBSTONE_SEES,
  MAX_WRITE_PARENTS,
  type ObjectKey,
  recordId,
  type Stamp,
  type Tombstone,
  type Write,
} from '../../core/records.ts';
import { type Register, registerKey } from '../../core/register.ts';
import { nextStamp, stampAfter } from '../../core/stamp.ts';
import type { Engine } from './engine.ts';
import { allUnfollowed, type Head, joinHeads, unfollowedAt } from './heads.ts';
import { putTombstone } from './liveness.ts';
import { appendRecord } from './log.ts';
import { readClock, writeClock } from './self.ts';

export class Writer {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #n: number;
  readonly #author: StoreId;
  #clock: Stamp | undefined;

  constructor(engine: Engine, volset: VolsetId, n: number, author: StoreId) {
    this.#engine = engine;
    this.#volset = volset;
    this.#n = n;
    this.#author = author;
  }

  /** Follows all rivals that are known, so that one edit settles them. */
  set(register: Register, value: string | null): KnownWrite {
    const { heads, parents } = this.#rivals(register);
    const stamp = this.#tick(heads);
    const key = registerKey(register.object, register.field);
    return this.add(
      register,
      { type: 'write', register: key, value, parents, stamp, author: this.#author },
      heads.at(0),
    );
  }

  /**
   * What is shown once more, though it was deleted by `author`. Nothing in it depends on who makes it, or when: two
   * stores that notice the same make the same write, and tell of one conflict.
   */
  keep(register: Register, { stamp, value }: Pick<Head, 'stamp' | 'value'>, author: StoreId): KnownWrite {
    const { heads, parents } = this.#rivals(register);
    const key = registerKey(register.object, register.field);
    const write: Write = { type: 'write', register: key, value, parents, stamp: stampAfter(stamp), author };
    return this.add(register, write, heads.at(0));
  }

  /** `shown`: head of the register so far. */
  add(register: Register, write: Write, shown: Head | undefined): KnownWrite {
    const known = { ...write, id: recordId(write) as WriteId };
    this.append(write);
    joinHeads(this.#engine, this.#n, register, known, shown);
    return known;
  }

  /** Lists everything known of the object; several records where one cannot hold all. */
  bury(object: ObjectKey, tip: SnapshotId | null): void {
    const heads = allUnfollowed(this.#engine, this.#n, object);
    const stamp = this.#tick(heads);
    for (let at = 0; at === 0 || at < heads.length; at += MAX_TOMBSTONE_SEES) {
      const sees = heads.slice(at, at + MAX_TOMBSTONE_SEES).map(({ id }) => id);
      const record: Tombstone = { type: 'tombstone', object, sees, ...(tip && { tip }), stamp, author: this.#author };
      this.append(record);
      putTombstone(this.#engine, this.#n, object, recordId(record) as WriteId);
    }
  }

  append(record: AnyRecord): void {
    appendRecord(this.#engine, this.#volset, this.#n, record);
  }

  /** At the end of the transaction: the clock must not give these stamps again. */
  close(): void {
    if (this.#clock !== undefined) writeClock(this.#engine.db, this.#clock);
  }

  /** What a new write of the register follows, the shown one first. */
  #rivals(register: Register): { heads: Head[]; parents: WriteId[] } {
    // The largest ones, should there be more than a write may name: it must follow what is shown.
    const heads = unfollowedAt(this.#engine, this.#n, register).slice(0, MAX_WRITE_PARENTS);
    const parents = heads.map(({ id }) => id).sort();
    return { heads, parents };
  }

  #tick(above: readonly { stamp: Stamp }[]): Stamp {
    const { db } = this.#engine;
    const stamps = above.map(({ stamp }) => stamp);
    this.#clock = nextStamp(this.#clock ?? readClock(db), this.#engine.now(), stamps);
    return this.#clock;
  }
}
