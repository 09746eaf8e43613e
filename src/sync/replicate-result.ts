/** What a session did, as its JSON document. */
import type { SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { conflictRow } from './conflict-rows.ts';
import { problemRow } from './problems.ts';
import { deletedThere, isIdle, type Progress } from './progress.ts';
import { pushes, type ReplicateOptions, type Verb } from './replicate-options.ts';
import type { BranchOutcome, ProblemRow, SyncResult } from './results.ts';
import type { Session } from './session.ts';

export function resultOf(session: Session, verb: Verb, progress: Progress, options: ReplicateOptions): SyncResult {
  const { engine, remote, volset, name } = session;
  const { sent, received, theirs, volume, applied } = progress;
  const diverged = progress.steps.filter((step) => step.step === 'diverged');
  const branches = branchOutcomes(session, verb, progress, options);
  const planned = options.dryRun && branches.some(isTelling);
  return {
    volset: engine.meta.findVolset(volset)?.name ?? name,
    volsetId: volset,
    remote: remote.name,
    upToDate: isIdle(progress) && !planned && diverged.length === 0,
    dryRun: options.dryRun,
    pushed: { snapshots: sent.snapshots, chunks: sent.chunks, bytes: sent.bytes },
    pulled: { snapshots: received.snapshots, chunks: received.chunks, bytes: received.bytes },
    branches,
    conflicts: applied.conflicts.map((conflict) => conflictRow(engine.meta, volset, conflict)),
    diverged: diverged.map(({ name, current, target, base }) => ({ branch: name, current, target, base })),
    problems: [
      ...sent.problems,
      ...received.problems,
      ...theirs.problems,
      ...volume.problems.map(problemRow),
      ...(volume.unsaved ? [unsavedRow(session, progress, options)] : []),
    ],
    requests: 0,
    traffic: { sent: 0, received: 0 },
    durationMs: 0,
  };
}

/** The directory could not follow its branch, or, with --theirs, the branch stays because of the directory. */
function unsavedRow(
  { engine: { meta, volume } }: Session,
  { aside }: Progress,
  { dryRun }: ReplicateOptions,
): ProblemRow {
  const { volset, branch: id, base } = volume?.state ?? {};
  const branch = volset === undefined || !id ? undefined : meta.findBranch(volset, id);
  const name = branch?.name ?? 'the branch';
  // A dry run has moved no tip.
  const stays = dryRun ? branch !== undefined && aside.has(branch.id) : branch?.tip === base;
  const would = dryRun ? 'would stay' : 'stays';
  return {
    what: 'unsaved-changes',
    ...(branch && { branch: branch.name }),
    message: stays
      ? `${name} ${would} where it is, for the working directory has unsaved changes: save them with \`plait snapshot\`, then run this again`
      : `the working directory ${would} behind ${name} for its unsaved changes: save them with \`plait snapshot\`, which tells how to join them`,
  };
}

const isTelling = ({ action }: BranchOutcome): boolean => !['up-to-date', 'ahead', 'behind'].includes(action);

/** One row per branch and side that the verb is about, then what was deleted. */
function branchOutcomes(session: Session, verb: Verb, progress: Progress, options: ReplicateOptions): BranchOutcome[] {
  const sends = pushes(verb, options);
  const rows = progress.steps.flatMap((step) => {
    const both: BranchOutcome[] = [];
    if (sends) both.push(remoteRow(step, progress, options.dryRun));
    if (progress.aside.has(step.branch)) both.push(asideRow(step, progress));
    else if (verb !== 'push') both.push(hereRow(step, verb, progress, options.dryRun));
    const telling = both.filter(isTelling);
    return telling.length > 0 ? telling : both.slice(0, 1);
  });
  const there = progress.recordsSent ? deletedThere(session, progress) : [];
  return [...rows, ...progress.changed, ...there];
}

const isNew = (from: SnapshotId | null) => (from === null ? 'new' : 'fast-forward');

function remoteRow(step: RefStep, { theirs }: Progress, dryRun: boolean): BranchOutcome {
  const { name, current, target } = step;
  const row = (action: BranchOutcome['action'], to: SnapshotId | null): BranchOutcome => ({
    name,
    side: 'remote',
    action,
    from: target,
    to,
  });
  if (step.step === 'diverged') return row('rejected', target);
  if (step.step === 'take') return row('behind', target);
  if (step.step === 'none') return row('up-to-date', target);
  if (theirs.overtaken.has(step.branch)) return row('behind', target);
  const moves = dryRun || theirs.moved.has(step.branch);
  return moves ? row(isNew(target), current) : row('rejected', target);
}

function hereRow(step: RefStep, verb: Verb, { ours }: Progress, dryRun: boolean): BranchOutcome {
  const { name, current, target, branch } = step;
  const row = (action: BranchOutcome['action'], to: SnapshotId | null): BranchOutcome => ({
    name,
    side: 'here',
    action,
    from: current,
    to,
  });
  if (step.step === 'diverged') return row('rejected', current);
  if (step.step === 'send') return row('ahead', current);
  if (step.step === 'none') return row('up-to-date', current);
  if (verb === 'fetch') return row('behind', current);
  const moves = dryRun || ours.moved.has(branch);
  return moves ? row(isNew(current), target) : row('rejected', current);
}

/** Our own tip was moved aside, or is kept here now. */
function asideRow({ branch, name, current }: RefStep, { aside }: Progress): BranchOutcome {
  const from = aside.get(branch) ?? null;
  return { name, side: 'here', action: from === null ? 'new' : 'replaced', from, to: current };
}
