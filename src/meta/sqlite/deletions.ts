/**
 * What a round does to objects: buries them, brings them back, or meets edits on one side and a deletion on the other.
 * Inside its write transaction.
 */
import { type Conflict, conflictId } from '../../core/conflict.ts';
import type { BranchId, SnapshotId, StoreId, VolsetId, WriteId } from '../../core/ids.ts';
import type { ObjectKey, Tombstone } from '../../core/records.ts';
import { branchKey, parseObject, type Register, snapshotKey } from '../../core/register.ts';
import { hasNextStamp } from '../../core/stamp.ts';
import type { Engine } from './engine.ts';
import { type Head, headAt, isDead } from './heads.ts';
import { KnownTips } from './known-tips.ts';
import {
  hasUnseenTip,
  type KnownTombstone,
  nameSeen,
  oldestUnseen,
  putTombstone,
  refreshLiveness,
  releaseRef,
  type State,
  stateOf,
  tombstonesOf,
} from './liveness.ts';

export interface Settled {
  deleted: ObjectKey[];
  revived: ObjectKey[];
  conflicts: Conflict[];
  /** Revival writes. */
  kept: number;
}

type Keep = (register: Register, shown: Pick<Head, 'stamp' | 'value'>, deleter: StoreId) => void;

/** What the peer of a round shows. */
export interface Shown {
  /** Its refs of branches that somebody deleted. */
  tips: ReadonlyMap<BranchId, SnapshotId>;
  /** Its number where it showed its refs and this store reconciles: only then do refs keep what was forgotten. */
  peer?: number;
}

export class Deletions {
  readonly #engine: Engine;
  readonly #volset: VolsetId;
  readonly #n: number;
  /** Before the round. */
  readonly #states = new Map<ObjectKey, State>();
  /** Tombstones that it brought. */
  readonly #brought = new Map<ObjectKey, Set<WriteId>>();
  readonly #newSnapshots = new Set<ObjectKey>();

  constructor(engine: Engine, volset: VolsetId, n: number) {
    this.#engine = engine;
    this.#volset = volset;
    this.#n = n;
  }

  /** Before the first write to a register of the object. */
  touch(object: ObjectKey): void {
    if (this.#states.has(object)) return;
    // Of many snapshots that get a name, few were ever forgotten.
    if (object.startsWith('snapshot:') && isDead(this.#engine, this.#n, object)) this.#states.set(object, 'dead');
    if (object !== 'volset' && !object.startsWith('branch:')) return;
    // A branch that lives keeps its volset.
    if (object !== 'volset') this.touch('volset');
    this.#states.set(object, stateOf(this.#engine, this.#n, object));
  }

  /** A snapshot that comes with the round cannot be taken away by it. */
  bring(id: SnapshotId): void {
    this.#newSnapshots.add(snapshotKey(id));
  }

  bury(id: WriteId, { object }: Tombstone): void {
    this.touch(object);
    if (!this.#states.has(object)) {
      const isNew = this.#newSnapshots.has(object);
      this.#states.set(object, isNew ? 'unknown' : stateOf(this.#engine, this.#n, object));
    }
    putTombstone(this.#engine, this.#n, object, id);
    const ids = this.#brought.get(object);
    if (ids) ids.add(id);
    else this.#brought.set(object, new Set([id]));
  }

  /** `keep` writes a value again that no tombstone has seen. */
  settle({ tips, peer }: Shown, keep: Keep): Settled {
    const settled: Settled = { deleted: [], revived: [], conflicts: [], kept: 0 };
    const refs = peer === undefined ? undefined : new KnownTips(this.#engine, this.#volset, this.#n, peer);
    this.#touchDeadOf(tips);
    for (const object of refs?.forgotten() ?? []) this.touch(object);
    // The volset comes last: it depends on its branches.
    const objects = [...this.#states.keys()].filter((object) => object !== 'volset');
    if (this.#states.has('volset')) objects.push('volset');
    for (const object of objects) {
      let dead = refreshLiveness(this.#engine, this.#n, object);
      if (dead && this.#isKeptByRef(object, tips, refs) && this.#keepName(object, keep)) {
        settled.kept++;
        dead = refreshLiveness(this.#engine, this.#n, object);
      }
      this.#tell(object, dead, settled);
    }
    return settled;
  }

  /** Deleted branches that the peer still has. */
  #touchDeadOf(tips: ReadonlyMap<BranchId, SnapshotId>): void {
    for (const branch of tips.keys()) {
      const object = branchKey(branch);
      if (isDead(this.#engine, this.#n, object)) this.touch(object);
    }
  }

  #isKeptByRef(object: ObjectKey, tips: ReadonlyMap<BranchId, SnapshotId>, refs: KnownTips | undefined): boolean {
    const parsed = parseObject(object);
    if (parsed?.kind === 'snapshot') return refs?.hold(parsed.id) ?? false;
    if (parsed?.kind !== 'branch') return false;
    return hasUnseenTip(this.#engine, this.#volset, this.#n, parsed.id, tips.get(parsed.id));
  }

  /** A snapshot need not have a name: that it has none is said again then. */
  #keepName(object: ObjectKey, keep: Keep): boolean {
    const register = { object, field: 'name' };
    const [newest] = tombstonesOf(this.#engine, this.#n, object);
    const nameless = object.startsWith('snapshot:') && newest ? { stamp: newest.stamp, value: null } : undefined;
    const shown = headAt(this.#engine, this.#n, register) ?? nameless;
    if (shown === undefined || newest === undefined || !hasNextStamp(shown.stamp)) return false;
    keep(register, shown, newest.author);
    return true;
  }

  #tell(object: ObjectKey, dead: boolean, { deleted, revived, conflicts }: Settled): void {
    const before = this.#states.get(object);
    if (dead) {
      releaseRef(this.#engine, this.#n, object);
      if (before === 'alive') deleted.push(object);
      return;
    }
    if (before === 'dead') revived.push(object);
    const brought = this.#brought.get(object);
    if (before !== 'dead' && brought === undefined) return;
    const tombstones = tombstonesOf(this.#engine, this.#n, object);
    const newest = before === 'dead' ? tombstones[0] : tombstones.find(({ id }) => brought?.has(id));
    const conflict = newest && this.#conflictOver(newest, before === 'dead' ? 'target' : 'current');
    if (conflict) conflicts.push(conflict);
  }

  /** `kept`: the side that did not delete. */
  #conflictOver(tombstone: KnownTombstone, kept: 'current' | 'target'): Conflict | undefined {
    const { object } = tombstone;
    const unseen = oldestUnseen(this.#engine, this.#n, object);
    const name = headAt(this.#engine, this.#n, { object, field: 'name' })?.value ?? idOfNameless(object);
    if (unseen === undefined) return undefined;
    const isOurs = kept === 'current';
    return {
      id: conflictId(object, DELETED, [tombstone.id, unseen.id]),
      kind: 'delete',
      object,
      field: DELETED,
      initial: nameSeen(this.#engine, this.#n, tombstone) ?? idOfNameless(object),
      current: isOurs ? name : null,
      target: isOurs ? null : name,
      resolution: kept,
      resolved: false,
      writes: isOurs ? [unseen.id, tombstone.id] : [tombstone.id, unseen.id],
    };
  }
}

const DELETED = 'deleted';

/** Stands for a snapshot without a name in a conflict, where null says that it goes. */
export function idOfNameless(object: ObjectKey): string | null {
  const parsed = parseObject(object);
  return parsed?.kind === 'snapshot' ? parsed.id : null;
}
