/**
 * `plait pull --theirs`: a way out of divergence. The branch follows the remote, its own line is kept as the branch
 * NAME.kept-xxxx. The working directory goes first: where its unsaved changes are in the way, the branch stays as it is,
 * and a run that is killed in between is finished by the same command again.
 */
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId } from '../core/ids.ts';
import { giveWay, type RefStep } from '../core/ref-plan.ts';
import type { Edit } from '../meta/contract.ts';
import { isMetadataOnly } from './blobs-down.ts';
import { moveVolume } from './checkout.ts';
import { rootHere } from './engine.ts';
import { heldProblem, isDirty } from './forward-volume.ts';
import { newBranchId } from './fresh-ids.ts';
import { findBracket } from './hold-brackets.ts';
import { holdVolume } from './hold-volume.ts';
import type { Progress } from './progress.ts';
import type { ReplicateOptions } from './replicate-options.ts';
import type { Session } from './session.ts';

interface Kept {
  branch: BranchId;
  name: string;
  /** It is there already and ends at our tip. */
  exists: boolean;
}

/** Of each diverged branch whose tip there has its data here by now. A dry run plans only. */
export async function takeTheirs(
  session: Session,
  progress: Progress,
  { dryRun }: Pick<ReplicateOptions, 'dryRun'>,
): Promise<void> {
  for (const step of progress.steps.filter((one) => one.step === 'diverged')) {
    const kept = nameFor(session, step);
    if (!dryRun && !(await replace(session, progress, step, kept))) continue;
    progress.aside.set(step.branch, step.current);
    if (!kept.exists) progress.aside.set(kept.branch, null);
    const { branch, name } = kept;
    const others = progress.steps.filter((other) => other.branch !== branch);
    progress.steps = giveWay(others, step.branch, { branch, name });
  }
}

/** With at least four digits of the tip, as many as set it apart. */
function nameFor({ engine, volset }: Session, { name, current }: RefStep): Kept {
  const tips = new Map(engine.meta.listBranches(volset).map((branch) => [branch.name, branch]));
  const stem = name.slice(0, 200).toWellFormed();
  for (let digits = 4; ; digits++) {
    const candidate = `${stem}.kept-${(current as SnapshotId).slice(0, digits)}`;
    const found = tips.get(candidate);
    if (!found) return { branch: newBranchId(engine.world), name: candidate, exists: false };
    if (found.tip === current) return { branch: found.id, name: candidate, exists: true };
  }
}

/** False where the branch stays: its data is not here, the directory has edits, or somebody moved it meanwhile. */
async function replace(session: Session, progress: Progress, step: RefStep, kept: Kept): Promise<boolean> {
  const { engine, volset } = session;
  const { volume, meta } = engine;
  const [ours, theirs] = [step.current as SnapshotId, step.target as SnapshotId];
  if (!isMetadataOnly(session) && !meta.findSnapshot(volset, theirs)?.hasBlob) return false;
  const isOn = volume?.state.volset === volset && volume.state.branch === step.branch;
  using _held = isOn ? await holdVolume(engine, volume) : undefined;
  if (meta.findBranch(volset, step.branch)?.tip !== ours) return false;
  if (isOn && volume.state.branch === step.branch && !(await follow(session, progress, step))) return false;
  const keep: Edit[] = [
    { edit: 'create-branch', branch: kept.branch, name: kept.name, creator: engine.world.creator },
    { edit: 'move-ref', branch: kept.branch, from: null, to: ours },
  ];
  const move: Edit = { edit: 'move-ref', branch: step.branch, from: ours, to: theirs };
  try {
    meta.commit(volset, kept.exists ? [move] : [...keep, move]);
    return true;
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'not-fast-forward') return false;
    throw error;
  }
}

/** Moves the working directory to their tip if it has no unsaved change. Needs the volume held. */
async function follow({ engine, volset }: Session, progress: Progress, step: RefStep): Promise<boolean> {
  const { volume } = engine;
  const theirs = step.target as SnapshotId;
  // Nothing was ever checked out here, or it was moved by a run that did not come to its end.
  if (!volume || volume.state.base === null || volume.state.base === theirs) return true;
  const stays = (): boolean => {
    progress.volume = { ...progress.volume, unsaved: true };
    return false;
  };
  const bracket = findBracket(engine, volume);
  if (bracket) {
    progress.volume = { ...progress.volume, problems: [...progress.volume.problems, heldProblem(bracket)] };
    return false;
  }
  if (await isDirty(engine, volume)) return stays();
  try {
    const place = { snapshot: theirs, root: rootHere(engine, volset, theirs), branch: step.branch };
    const { problems } = await moveVolume(engine, volume, place);
    progress.volume = { moved: true, unsaved: false, problems };
    return true;
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code !== 'unsaved-changes') throw error;
    engine.reporter.warn(error.message);
    return stays();
  }
}
