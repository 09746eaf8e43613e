/**
 * `plait push --as NAME`: a way out of divergence. Our line goes on as the new branch NAME, the branch that had it
 * follows the remote, and the working directory stays on its line. No file is touched.
 */
import { compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId } from '../core/ids.ts';
import { giveWay, type RefStep } from '../core/ref-plan.ts';
import { blobsDown } from './blobs-down.ts';
import { checkNewName } from './branches.ts';
import type { Engine } from './engine.ts';
import { newBranchId } from './fresh-ids.ts';
import { holdVolume } from './hold-volume.ts';
import { addReceived, type Progress } from './progress.ts';
import type { ReplicateOptions } from './replicate-options.ts';
import type { Session } from './session.ts';

/** Changes `progress.steps` to what is left to do; a dry run changes nothing else. */
export async function renameLine(
  session: Session,
  progress: Progress,
  name: string,
  options: Pick<ReplicateOptions, 'dryRun' | 'selection'>,
): Promise<void> {
  const { engine, volset } = session;
  if (await resume(session, name, options.dryRun)) return;
  const step = lineToRename(session, progress.steps, options);
  checkNewName(engine, volset, name);
  const kept = { branch: newBranchId(engine.world), name };
  if (!options.dryRun) {
    // The branch may point at their tip only when its data is here.
    addReceived(progress, await blobsDown(session, [step], {}));
    await moveAside(session, step, kept);
  }
  progress.aside.set(step.branch, step.current).set(kept.branch, null);
  progress.steps = giveWay(progress.steps, step.branch, kept);
}

async function moveAside(session: Session, step: RefStep, kept: { branch: BranchId; name: string }): Promise<void> {
  const { engine, volset } = session;
  const { volume, meta, world } = engine;
  const [ours, theirs] = [step.current as SnapshotId, step.target as SnapshotId];
  const isOn = volume?.state.volset === volset && volume.state.branch === step.branch;
  using _held = isOn ? await holdVolume(engine, volume) : undefined;
  meta.commit(volset, [
    { edit: 'create-branch', branch: kept.branch, name: kept.name, creator: world.creator },
    { edit: 'move-ref', branch: kept.branch, from: null, to: ours },
    { edit: 'move-ref', branch: step.branch, from: ours, to: theirs },
  ]);
  if (isOn && volume.state.branch === step.branch) volume.update({ branch: kept.branch });
}

/**
 * Killed between the commit and the note in the working directory: NAME exists and ends where the directory stands, whose
 * branch is on another line. The note is made up for, and the push goes on.
 */
async function resume({ engine, volset }: Session, name: string, dryRun: boolean): Promise<boolean> {
  const { volume, meta } = engine;
  const kept = meta.listBranches(volset).find((branch) => branch.name === name);
  if (!kept || volume?.state.volset !== volset || !isHalfDone(engine, kept.id, kept.tip)) return false;
  if (dryRun) return true;
  using _held = await holdVolume(engine, volume);
  if (isHalfDone(engine, kept.id, kept.tip)) volume.update({ branch: kept.id });
  return true;
}

function isHalfDone({ volume, meta }: Engine, kept: BranchId, tip: SnapshotId | null): boolean {
  if (!volume || tip === null) return false;
  const { base, branch, volset } = volume.state;
  const own = branch === null || branch === kept ? null : (meta.findBranch(volset, branch)?.tip ?? null);
  if (own === null || base !== tip) return false;
  const { relation } = compareTips((ids) => meta.lineage(volset, ids), tip, own);
  return relation === 'diverged' || relation === 'unrelated';
}

/** The selected branch, else the working directory's, else the only one that has diverged. */
function lineToRename(
  { engine, volset, remote }: Session,
  steps: RefStep[],
  { selection }: Pick<ReplicateOptions, 'selection'>,
): RefStep {
  const diverged = steps.filter(({ step }) => step === 'diverged');
  const { volume } = engine;
  const own =
    volume?.state.volset === volset ? diverged.find(({ branch }) => branch === volume.state.branch) : undefined;
  const found = own ?? (diverged.length === 1 ? diverged[0] : undefined);
  if (found) return found;
  if (diverged.length > 1) {
    throw new PlaitError('usage', `several branches have diverged from ${remote.name}`, {
      hint: `name one with --branch: ${diverged.map(({ name }) => name).join(', ')}`,
      data: { branches: diverged.map(({ name }) => name) },
    });
  }
  const what = selection.branches?.length ? selection.branches.join(', ') : 'no branch';
  const verb = selection.branches?.length ? 'has not diverged' : 'has diverged';
  throw new PlaitError('usage', `${what} ${verb} from ${remote.name}, so there is no line to rename`, {
    hint: `\`plait push ${remote.name}\` is enough; a branch is renamed with \`plait branch rename\``,
  });
}
