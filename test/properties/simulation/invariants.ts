/**
 * I1-I16 of reconcile.md, section 8, as questions to one store that change nothing. Each answers with what is wrong.
 * I3, I9, I10, I12-I15 and I17 are about what happens, not about a state: see exchange.ts, run.ts, reconcile.test.ts.
 */
import { conflictId, kindOfConflict } from '../../../src/core/conflict.ts';
import { NO_GENERATION } from '../../../src/core/generation.ts';
import type { BranchId, GenerationHash, SnapshotId, VolsetId } from '../../../src/core/ids.ts';
import { type ChainId, storeOf } from '../../../src/core/ids.ts';
import type { Generation, LoggedRecord, ObjectKey, Vector } from '../../../src/core/records.ts';
import { recordId } from '../../../src/core/records.ts';
import { parseRegister, type Register } from '../../../src/core/register.ts';
import type { MetaStore } from '../../../src/meta/contract.ts';
import { keepsAlike } from './made-writes.ts';
import { logOf, Oracle } from './oracle.ts';

/** What an earlier look saw; invariants over time compare with it. */
export interface Memory {
  vector: Vector;
  /** Own tips; absent where people may have moved them since. */
  tips?: Map<BranchId, SnapshotId>;
}

/** `complete`: no record waits in an open generation, so that the log says all that the store shows. */
export function faultsOf(meta: MetaStore, volset: VolsetId, memory: Memory, complete: boolean): string[] {
  const faults = meta.verify().map((fault) => `verify: ${fault}`);
  if (!meta.knowsVolset(volset)) return faults;
  const log = logOf(meta, volset);
  const vector = meta.vector(volset);
  const oracle = new Oracle([...log.flatMap(({ records }) => records), ...meta.openRecords(volset)]);
  faults.push(...holdsItsVector(log, vector), ...neverGoesBack(log, memory), ...isCausal(log), ...stampsRise(oracle));
  faults.push(...keepsAlike(oracle));
  if (complete) {
    faults.push(...showsItsHeads(meta, volset, oracle), ...recordsRivals(meta, volset, oracle));
    faults.push(...refsHaveData(meta, volset), ...tellsOfKept(meta, volset, oracle));
  }
  faults.push(...tipsGoForward(meta, volset, oracle, memory));
  memory.vector = vector;
  return faults;
}

const placeOf = (store: string, generation: number, hash: GenerationHash): string => `${store} ${generation} ${hash}`;

/** I1: each entry stands for every generation up to it; and nothing is held that no entry stands for. */
function holdsItsVector(log: Generation[], vector: Vector): string[] {
  const faults: string[] = [];
  const byPlace = new Map(log.map((g) => [placeOf(g.store, g.generation, g.hash), g]));
  if (byPlace.size !== log.length) faults.push('I1: a generation is held twice');
  const covered = new Set<string>();
  for (const [chain, end] of Object.entries(vector) as [ChainId, Vector[ChainId]][]) {
    let [generation, hash] = [end.generation, end.hash];
    for (; generation > 0; generation--) {
      const place = placeOf(storeOf(chain), generation, hash);
      const held = byPlace.get(place);
      if (held === undefined) faults.push(`I1: ${chain} lacks generation ${generation} of ${end.generation}`);
      if (held === undefined || covered.has(place)) break;
      covered.add(place);
      hash = held.previous;
    }
    if (generation === 0 && hash !== NO_GENERATION) faults.push(`I1: the chain ${chain} does not begin anywhere`);
  }
  if (covered.size < byPlace.size) faults.push('I1: a generation is held that the vector does not tell');
  return faults;
}

/** I5: what was held once is held. */
function neverGoesBack(log: Generation[], { vector }: Memory): string[] {
  const hashes = new Set(log.map(({ hash }) => hash));
  return Object.entries(vector)
    .filter(([, { hash }]) => !hashes.has(hash))
    .map(([chain, { generation }]) => `I5: ${chain} went back from ${generation}`);
}

/** I2 and I4: whatever a record refers to came before it, if it was not dropped. */
function isCausal(log: Generation[]): string[] {
  const known = new Set<string>();
  const faults: string[] = [];
  for (const { records, store, generation } of log) {
    for (const record of records) {
      for (const id of referencesOf(record)) {
        if (!known.has(id))
          faults.push(`I2, I4: a ${record.type} in ${store}:${generation} comes before what it refers to`);
      }
      known.add(recordId(record));
    }
  }
  return faults;
}

function referencesOf(record: LoggedRecord): string[] {
  if (record.type === 'tombstone') return [...record.sees, ...(record.tip ? [record.tip] : [])];
  return record.parents;
}

/** A tip moves to what follows it, or goes with its branch when whoever deleted that saw it (sections 4 and 5). */
function tipsGoForward(meta: MetaStore, volset: VolsetId, oracle: Oracle, memory: Memory): string[] {
  const faults: string[] = [];
  const now = new Map<BranchId, SnapshotId>();
  for (const { branch, snapshot } of meta.refs(volset, 'self')) if (snapshot !== null) now.set(branch, snapshot);
  for (const [branch, before] of memory.tips ?? []) {
    const tip = now.get(branch);
    // It may have gone with its branch, and come back with it elsewhere.
    if (oracle.sawTip(`branch:${branch}`, before)) continue;
    if (tip === undefined) faults.push(`I13: branch ${branch} lost a tip that nobody who deleted it saw`);
    else if (!oracle.precedes(before, tip))
      faults.push(`I13: branch ${branch} left a tip that the new one does not follow`);
  }
  memory.tips = now;
  return faults;
}

/** I8 */
function stampsRise(oracle: Oracle): string[] {
  const faults: string[] = [];
  for (const [register, writes] of oracle.registers) {
    const stamps = new Map(writes.map(({ id, stamp }) => [id, stamp]));
    for (const { stamp, parents } of writes) {
      if (parents.some((id) => (stamps.get(id) ?? '') >= stamp))
        faults.push(`I8: a write to ${register} is not above its parents`);
    }
  }
  return faults;
}

/** I7 and one head per register (I6): the views are what the log says, in whatever order it came. */
function showsItsHeads(meta: MetaStore, volset: VolsetId, oracle: Oracle): string[] {
  const faults: string[] = [];
  const expect = (what: string, shown: unknown, expected: unknown): void => {
    const [a, b] = [stable(shown), stable(expected)];
    if (a !== b) faults.push(`I7: ${what} shows ${a}, its log says ${b}`);
  };
  const tips = new Map(meta.refs(volset, 'self').map(({ branch, snapshot }) => [branch, snapshot]));
  const names = oracle.branches((branch) => tips.get(branch) ?? null);
  const view = meta.findVolset(volset);
  if (oracle.isVolsetDead(names.size)) {
    expect('a deleted volset', view, undefined);
    return faults;
  }
  if (view === undefined) return ['I7: the volset is hidden though it is not deleted'];
  const { name, description, owner, creator, attrs } = view;
  expect('the volset', { name, description, owner, creator, attrs }, oracle.fieldsOf('volset'));
  const shown = meta.listBranches(volset);
  expect(
    'the list of branches',
    shown.map(({ id, name: n }) => `${id} ${n}`).sort(),
    [...names].map(([id, n]) => `${id} ${n}`).sort(),
  );
  for (const { id, tip } of shown) expect(`the tip of ${id}`, tip, tips.get(id) ?? null);
  const gone = [...oracle.snapshots.keys()].filter(oracle.isForgotten);
  expect('the number of snapshots', view.snapshots, oracle.snapshots.size - gone.length);
  expect('what was forgotten', [...meta.forgotten(volset)].sort(), gone.sort());
  for (const [id, body] of oracle.snapshots) {
    const snapshot = meta.findSnapshot(volset, id);
    if (oracle.isForgotten(id)) {
      expect(`snapshot ${id.slice(0, 8)}, which was forgotten,`, snapshot, undefined);
      continue;
    }
    const fields = snapshot && { name: snapshot.name, description: snapshot.description, attrs: snapshot.attrs };
    const { name: n, description: d, attrs: a } = oracle.fieldsOf(`snapshot:${id}`);
    expect(`snapshot ${id.slice(0, 8)}`, fields, { name: n, description: d, attrs: a });
    expect(`the body of ${id.slice(0, 8)}`, snapshot?.body, body);
  }
  return faults;
}

/** I6: what does not show stands in a record; of what a policy decided both sides do. `resolved` is what its register says. */
function recordsRivals(meta: MetaStore, volset: VolsetId, oracle: Oracle): string[] {
  const faults: string[] = [];
  const conflicts = meta.listConflicts(volset, { all: true });
  const recorded = new Set(
    conflicts.flatMap(({ object, field, writes }) => writes.map((id) => `${object} ${field} ${id}`)),
  );
  const ids = new Set<string>(conflicts.map(({ id }) => id));
  for (const [key, writes] of oracle.registers) {
    const { object, field } = parseRegister(key) as Register;
    if (kindOfConflict(object) === undefined) continue;
    const [head, ...rivals] = oracle.rivals(key);
    for (const { id, value } of rivals) {
      if (value !== head.value && !recorded.has(`${object} ${field} ${id}`))
        faults.push(`I6: a rival value of ${key} is in no record`);
    }
    const decided = writes.filter(({ resolution }) => resolution).map(({ parents, value }) => stable([parents, value]));
    if (new Set(decided).size < decided.length) faults.push(`two writes decide one thing about ${key} alike`);
    const isHere = (id: string): boolean => oracle.records.get(id)?.type === 'write';
    for (const { resolution, parents } of writes) {
      if (!resolution || !parents.every(isHere)) continue;
      if (!ids.has(conflictId(object, field, parents)))
        faults.push(`I13: what was decided about ${key} is in no record`);
    }
    for (const passedOver of oracle.passedOver(key)) {
      if (!recorded.has(`${object} ${field} ${passedOver}`))
        faults.push(`I13: a value of ${key} that an edit passed over is in no record`);
    }
  }
  for (const { id, kind, resolved } of conflicts) {
    const says = (oracle.head(`conflict:${id}`, 'resolved')?.value ?? null) !== null;
    if (kind !== 'name' && says !== resolved)
      faults.push(`I7: conflict ${id.slice(0, 8)} is ${resolved ? '' : 'not '}resolved, its register says otherwise`);
  }
  return faults;
}

/** Who sees a branch that somebody deleted, or a snapshot that somebody forgot, is told that it was kept. */
function tellsOfKept(meta: MetaStore, volset: VolsetId, oracle: Oracle): string[] {
  if (!meta.findVolset(volset)) return [];
  const told = new Set<string>();
  for (const { kind, object } of meta.listConflicts(volset, { all: true })) if (kind === 'delete') told.add(object);
  const branches = meta.listBranches(volset).map(({ id }): ObjectKey => `branch:${id}`);
  const snapshots = meta.snapshotPage(volset, null, 10_000).map((id): ObjectKey => `snapshot:${id}`);
  return [...branches, ...snapshots]
    .filter((object) => oracle.tombstones.has(object) && !told.has(object))
    .map((object) => `I13: ${object} was deleted, is kept, and that is in no record`);
}

/** I16. A branch that is behind may point at what was forgotten: its data stays until it moves on. */
function refsHaveData(meta: MetaStore, volset: VolsetId): string[] {
  if (meta.settings()[`volset.${volset}.metadata-only`] === 'true') return [];
  return meta
    .refs(volset, 'self')
    .filter(({ snapshot }) => snapshot !== null && !Object.hasOwn(meta.blobNumbers(volset, [snapshot]), snapshot))
    .map(({ branch }) => `I16: branch ${branch} points at a snapshot without its data`);
}

/** What a store shows and holds, as one text: equal where two stores, or two moments, are equal. */
export function portrait(meta: MetaStore, volset: VolsetId): string {
  if (!meta.knowsVolset(volset)) return 'unknown';
  return stable({
    vector: meta.vector(volset),
    volset: meta.findVolset(volset),
    branches: meta.findVolset(volset) && meta.listBranches(volset).map(({ id, name }) => [id, name]),
    snapshots: meta.snapshotPage(volset, null, 10_000).map((id) => {
      const view = meta.findSnapshot(volset, id);
      return [id, view?.name, view?.description, view?.attrs];
    }),
  });
}

/** The same with what is this store's own: refs, their revision, members. */
export function privatePortrait(meta: MetaStore, volset: VolsetId): string {
  if (!meta.knowsVolset(volset)) return 'unknown';
  const members = meta.listMembers(volset).map(({ store, state }) => [store, state]);
  return stable([
    portrait(meta, volset),
    conflictsOf(meta, volset),
    meta.refs(volset, 'self'),
    meta.revision(volset),
    members.sort(),
  ]);
}

/**
 * Not a part of what all stores agree on: of three rivals each store records the pairs that it met, and of rivals that
 * somebody joined before it heard of them none. What must be in a record everywhere is asked by `recordsRivals`.
 */
export const conflictsOf = (meta: MetaStore, volset: VolsetId): string[] =>
  meta
    .listConflicts(volset, { all: true })
    .map(({ id, kind, object, field, resolved }) => `${id} ${kind} ${object} ${field} ${resolved}`)
    .sort();

/** JSON with sorted keys. */
export const stable = (value: unknown): string =>
  JSON.stringify(value, (_, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  ) ?? 'nothing';
