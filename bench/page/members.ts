/** Stores that take part in a volset, as a hub knows them: where their branches stood, and fields that they changed too. */
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Generation, Vector } from '../../src/core/records.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import type { Store } from '../../src/sync/engine.ts';
import { settle } from '../../src/sync/settle.ts';
import { Chance } from './chance.ts';

/** Branches of each that stand elsewhere than here, and fields that both sides change. */
const BEHIND = 12;
const FIELDS = 6;

export async function addMembers(store: Store, volset: VolsetId, labels: string[]): Promise<void> {
  for (const [i, label] of labels.entries()) {
    using theirs = openMetaStore({ path: ':memory:', label });
    tell(store.meta, theirs, volset);
    edit(store.meta, theirs, volset, new Chance(100 + i));
    tell(theirs, store.meta, volset);
  }
  await settle(store, volset);
}

function edit(here: MetaStore, theirs: MetaStore, volset: VolsetId, chance: Chance): void {
  const branches = here.listBranches(volset);
  const moved = new Set(Array.from({ length: BEHIND }, () => chance.of(branches)));
  for (const { id: branch, tip } of moved) {
    if (tip === null) continue;
    const to: SnapshotId = theirs.parentsOf(volset, [tip])[tip][0] ?? tip;
    theirs.setBlobs(volset, [to]);
    theirs.commit(volset, [{ edit: 'move-ref', branch, from: null, to }]);
  }
  for (let i = 0; i < FIELDS; i++) {
    const register = `branch:${chance.of(branches).id}:description`;
    here.commit(volset, [{ edit: 'set', register, value: `as the hub has it, ${i}` }]);
    theirs.commit(volset, [{ edit: 'set', register, value: `as ${theirs.self.label} has it, ${i}` }]);
  }
}

/** `to` fetches from `from`, as a hub takes it: rivals are recorded, nothing is chosen. */
function tell(from: MetaStore, to: MetaStore, volset: VolsetId): void {
  from.cut(volset);
  const known = to.knowsVolset(volset) ? to.cut(volset) : {};
  const { refs, revision, vector } = from.planDeltas(volset, known, 0);
  const { label, store: peer } = from.self;
  to.apply(volset, { peer, label, generations: generationsFor(from, volset, known), refs, revision, vector });
}

function generationsFor(from: MetaStore, volset: VolsetId, known: Vector): Generation[] {
  const generations: Generation[] = [];
  for (let cursor: string | undefined = from.planDeltas(volset, known, 0).cursor; cursor !== undefined; ) {
    const page = from.readDeltas(volset, cursor);
    generations.push(...page.generations);
    cursor = page.cursor;
  }
  return generations;
}
