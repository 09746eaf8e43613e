/**
 * What a store must show, worked out from its log alone, by rules written down here once more: no database, no order of
 * arrival. Two stores with one log must show one thing (I7), and each must show what this says.
 */
import type { KnownWrite } from '../../../src/core/heads.ts';
import type { BranchId, SnapshotId, VolsetId, WriteId } from '../../../src/core/ids.ts';
import { displayNames } from '../../../src/core/names.ts';
import type {
  Generation,
  LoggedRecord,
  ObjectKey,
  RegisterKey,
  SnapshotBody,
  Tombstone,
  Write,
} from '../../../src/core/records.ts';
import { recordId } from '../../../src/core/records.ts';
import { attrKeyOf, parseRegister, type Register, registerKey } from '../../../src/core/register.ts';
import type { Fields, MetaStore } from '../../../src/meta/contract.ts';

/** All closed generations, in the order in which the store learned them. */
export function logOf(meta: MetaStore, volset: VolsetId): Generation[] {
  const log: Generation[] = [];
  if (!meta.knowsVolset(volset)) return log;
  let cursor: string | undefined = meta.planDeltas(volset, {}, 0).cursor;
  while (cursor !== undefined) {
    const page = meta.readDeltas(volset, cursor);
    log.push(...page.generations);
    cursor = page.cursor;
  }
  return log;
}

export class Oracle {
  readonly records = new Map<string, LoggedRecord>();
  readonly registers = new Map<RegisterKey, KnownWrite[]>();
  readonly tombstones = new Map<ObjectKey, Tombstone[]>();
  readonly snapshots = new Map<SnapshotId, SnapshotBody>();
  /** Writes that one which was dropped since then followed. */
  readonly #followedByDropped = new Set<string>();
  readonly #unfollowed = new Map<RegisterKey, KnownWrite[]>();
  readonly #fields = new Map<ObjectKey, string[]>();

  constructor(records: Iterable<LoggedRecord>) {
    for (const record of records) this.#take(recordId(record), record);
  }

  #take(id: string, record: LoggedRecord): void {
    // What was dropped where it came from may be here in full from elsewhere.
    if (record.type === 'past') for (const parent of record.parents) this.#followedByDropped.add(parent);
    if (this.records.has(id) && this.records.get(id)?.type !== 'past') return;
    this.records.set(id, record);
    if (record.type === 'write') this.#takeWrite(id as WriteId, record);
    else if (record.type === 'tombstone') push(this.tombstones, record.object, record);
    else if (record.type === 'snapshot') this.snapshots.set(id as SnapshotId, record);
  }

  #takeWrite(id: WriteId, { register, stamp, parents, value, resolution }: Write): void {
    const writes = this.registers.get(register);
    if (writes === undefined) {
      const { object, field } = parseRegister(register) as Register;
      push(this.#fields, object, field);
    }
    push(this.registers, register, { id, stamp, parents, value, ...(resolution && { resolution }) });
  }

  /** Writes that no other follows, the shown one first. */
  rivals(register: RegisterKey): KnownWrite[] {
    const known = this.#unfollowed.get(register) ?? this.#topsOf(this.registers.get(register) ?? []);
    this.#unfollowed.set(register, known);
    return known;
  }

  #topsOf(writes: readonly KnownWrite[]): KnownWrite[] {
    const followed = new Set<string>(writes.flatMap(({ parents }) => parents));
    const key = ({ stamp, id }: KnownWrite): string => stamp + id;
    return writes
      .filter(({ id }) => !followed.has(id) && !this.#followedByDropped.has(id))
      .sort((a, b) => (key(a) < key(b) ? 1 : -1));
  }

  /** Writes whose value did not show to who followed them together with what did show. */
  passedOver(register: RegisterKey): string[] {
    const writes = new Map<string, KnownWrite>((this.registers.get(register) ?? []).map((write) => [write.id, write]));
    return [...writes.values()].flatMap(({ parents, resolution }) => {
      const sides = parents.map((id) => writes.get(id));
      if (resolution || sides.some((side) => side === undefined)) return [];
      const [shown, ...others] = this.#topsOf(sides as KnownWrite[]);
      return others.filter(({ value }) => value !== shown?.value).map(({ id }) => id);
    });
  }

  head = (object: ObjectKey, field: string): KnownWrite | undefined => this.rivals(registerKey(object, field))[0];

  fieldsOf(object: ObjectKey): Fields {
    const value = (field: string): string | null => this.head(object, field)?.value ?? null;
    const attrs: Record<string, string> = {};
    for (const field of this.#fields.get(object) ?? []) {
      const [key, shown] = [attrKeyOf(field), value(field)];
      if (key !== undefined && shown !== null) attrs[key] = shown;
    }
    return {
      name: value('name'),
      description: value('description'),
      owner: value('owner'),
      creator: value('creator'),
      attrs,
    };
  }

  /** Shown names of live branches, by id. `tipOf`: the store's own ref. */
  branches(tipOf: (branch: BranchId) => SnapshotId | null): Map<string, string> {
    const named = [...this.#fields.keys()].flatMap((object) => {
      if (!object.startsWith('branch:')) return [];
      const id = object.slice('branch:'.length) as BranchId;
      const name = this.head(object, 'name');
      if (name === undefined || !this.#isAlive(object, tipOf(id))) return [];
      return [{ id, name: name.value as string, stamp: name.stamp }];
    });
    return displayNames(named);
  }

  isForgotten = (id: SnapshotId): boolean => this.#isSeen(`snapshot:${id}`);

  isVolsetDead = (liveBranches: number): boolean => liveBranches === 0 && this.#isSeen('volset');

  /** Somebody deleted it, and all that was written to it was seen by one who did. */
  #isSeen(object: ObjectKey): boolean {
    const tombstones = this.tombstones.get(object) ?? [];
    const seen = new Set<string>(tombstones.flatMap(({ sees }) => sees));
    const heads = (this.#fields.get(object) ?? []).flatMap((field) => this.rivals(registerKey(object, field)));
    // What a policy chose between two values was seen by whoever saw both.
    return (
      tombstones.length > 0 &&
      heads.every(
        ({ id, parents, resolution }) => seen.has(id) || (resolution && parents.every((side) => seen.has(side))),
      )
    );
  }

  #isAlive(object: ObjectKey, tip: SnapshotId | null): boolean {
    return !this.#isSeen(object) || (tip !== null && !this.sawTip(object, tip));
  }

  /** Is a tip, or what it leads to, in the history that somebody saw who deleted the branch? */
  sawTip = (object: ObjectKey, tip: SnapshotId): boolean =>
    (this.tombstones.get(object) ?? []).some((tombstone) => tombstone.tip && this.precedes(tip, tombstone.tip));

  /** Is the first snapshot the second one or an ancestor of it? */
  precedes = (ancestor: SnapshotId, descendant: SnapshotId): boolean => {
    const seen = new Set<SnapshotId>();
    const queue = [descendant];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (id === ancestor) return true;
      if (seen.has(id)) continue;
      seen.add(id);
      queue.push(...(this.snapshots.get(id)?.parents ?? []));
    }
    return false;
  };
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
