/** `plait branch`: branches are objects with ids, so a rename travels; a tip is this store's own. */

import { compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId, VolsetId } from '../core/ids.ts';
import { objectNameFault } from '../core/names.ts';
import type { BranchView } from '../meta/contract.ts';
import { currentVolset, type Engine, type MetaEngine, type Outcome, outcome } from './engine.ts';
import { newBranchId } from './fresh-ids.ts';
import { resolveReference } from './references.ts';
import { settle } from './settle.ts';

export interface BranchRow {
  id: BranchId;
  name: string;
  tip: SnapshotId | null;
  /** The working directory is on it. */
  current: boolean;
}

const row = (engine: MetaEngine, { id, name, tip }: BranchView): BranchRow => ({
  id,
  name,
  tip,
  current: engine.volume?.state.branch === id,
});

export function listBranches(engine: MetaEngine): Outcome<{ branches: BranchRow[] }> {
  const volset = currentVolset(engine).id;
  warnOfDeletedBranch(engine, volset);
  return outcome({ branches: engine.meta.listBranches(volset).map((branch) => row(engine, branch)) });
}

/** A sync may take away the branch that a working directory is on; its files stay as they are. */
export function warnOfDeletedBranch({ meta, volume, reporter }: MetaEngine, volset: VolsetId): void {
  const branch = volume?.state.volset === volset ? volume.state.branch : null;
  if (branch === null || meta.findBranch(volset, branch) !== undefined) return;
  reporter.warn(
    'the branch of this working directory was deleted; its files are as they were: ' +
      'go on with `plait snapshot -b NAME`, or go to another branch with `plait checkout BRANCH`',
  );
}

/** From REF, else from where the working directory stands. */
export async function createBranch(engine: Engine, name: string, from?: string): Promise<Outcome<BranchRow>> {
  const volset = currentVolset(engine).id;
  checkNewName(engine, volset, name);
  const start =
    from === undefined ? (engine.volume?.state.base ?? null) : resolveReference(engine, volset, from).snapshot;
  if (start === null) {
    throw new PlaitError('not-found', 'there is no snapshot to start the branch from', {
      hint: 'make one with `plait snapshot`, or name one with --from',
    });
  }
  const branch = newBranchId(engine.world);
  engine.meta.commit(volset, [
    { edit: 'create-branch', branch, name, creator: engine.world.creator },
    { edit: 'move-ref', branch, from: null, to: start },
  ]);
  await settle(engine, volset);
  return outcome(row(engine, { id: branch, name, tip: start }));
}

export async function renameBranch(engine: Engine, old: string, name: string): Promise<Outcome<BranchRow>> {
  const volset = currentVolset(engine).id;
  const branch = branchByName(engine, volset, old);
  if (old !== name) {
    checkNewName(engine, volset, name);
    engine.meta.commit(volset, [{ edit: 'set', register: `branch:${branch.id}:name`, value: name }]);
    await settle(engine, volset);
  }
  return outcome(row(engine, { ...branch, name }));
}

/** Refuses to delete the working directory's branch, and one whose snapshots no other branch holds, without `force`. */
export async function deleteBranch(
  engine: Engine,
  name: string,
  force: boolean,
): Promise<Outcome<{ deleted: BranchRow }>> {
  const volset = currentVolset(engine).id;
  const branch = branchByName(engine, volset, name);
  if (engine.volume?.state.branch === branch.id) {
    throw new PlaitError('usage', `the working directory is on branch ${name}`, {
      hint: 'go to another one first: `plait checkout BRANCH`',
    });
  }
  if (!force && branch.tip !== null && !heldElsewhere(engine, volset, branch)) {
    throw new PlaitError('guard', `no other branch holds the snapshots of ${name}`, {
      hint: `\`plait branch delete ${name} --force\` deletes it all the same; its snapshots stay reachable by id`,
    });
  }
  engine.meta.commit(volset, [{ edit: 'delete', object: `branch:${branch.id}` }]);
  await settle(engine, volset);
  return outcome({ deleted: row(engine, branch) });
}

function heldElsewhere(engine: Engine, volset: VolsetId, branch: BranchView): boolean {
  const tip = branch.tip as SnapshotId;
  return engine.meta.listBranches(volset).some((other) => {
    if (other.id === branch.id || other.tip === null) return false;
    const { relation } = compareTips((ids) => engine.meta.lineage(volset, ids), other.tip, tip);
    return relation === 'equal' || relation === 'ahead';
  });
}

export function branchByName(engine: Engine, volset: VolsetId, name: string): BranchView {
  const plain = name.startsWith('branch:') ? name.slice(7) : name;
  const found = engine.meta.listBranches(volset).find((b) => b.name === plain);
  if (found) return found;
  throw new PlaitError('not-found', `there is no branch ${plain}`, { hint: 'see `plait branch list`' });
}

export function checkNewName(engine: Engine, volset: VolsetId, name: string): void {
  const remotes = engine.meta.listRemotes().map((r) => r.name);
  const fault = objectNameFault('branch', name, remotes);
  if (fault)
    throw new PlaitError('usage', `${name} is no name for a branch: ${fault}`, {
      hint: 'see `plait branch create --help`',
    });
  if (engine.meta.listBranches(volset).some((b) => b.name === name)) {
    throw new PlaitError('exists', `a branch named ${name} exists already`, { hint: 'choose another name' });
  }
}
