/** What a session did, as its JSON document. */
import type { BranchId, SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { Applied } from '../meta/contract.ts';
import type { Received } from './blobs-down.ts';
import type { Sent } from './blobs-up.ts';
import type { Forwarded } from './forward-volume.ts';
import { problemRow } from './problems.ts';
import type { Verb } from './replicate.ts';
import type { BranchOutcome, ProblemRow, SyncResult } from './results.ts';
import type { Session } from './session.ts';
import type { Taken, TheirTips } from './tips.ts';

export interface Progress {
  steps: RefStep[];
  applied?: Applied;
  sent: Sent;
  received: Received;
  recordsSent: boolean;
  theirs: TheirTips;
  ours: Taken;
  volume: Forwarded;
}

export const NOTHING: Omit<Progress, 'steps'> = {
  sent: { snapshots: 0, chunks: 0, bytes: 0, held: new Set(), problems: [], quota: false },
  received: { snapshots: 0, chunks: 0, bytes: 0, problems: [] },
  recordsSent: false,
  theirs: { moved: new Set(), rejected: new Set(), overtaken: new Set(), problems: [] },
  ours: { moved: new Set() },
  volume: { moved: false, unsaved: false, problems: [] },
};

export function resultOf(session: Session, verb: Verb, progress: Progress, dryRun: boolean): SyncResult {
  const { engine, remote, volset, staged, peer } = session;
  const { sent, received, theirs, ours, volume, applied } = progress;
  const diverged = progress.steps.filter((step) => step.step === 'diverged');
  const idle =
    sent.snapshots === 0 &&
    received.snapshots === 0 &&
    theirs.moved.size === 0 &&
    ours.moved.size === 0 &&
    !volume.moved &&
    (applied?.generations ?? staged.generations.length) === 0 &&
    !progress.recordsSent;
  const planned =
    dryRun &&
    branchOutcomes(verb, progress, true).some(
      (b) => b.action !== 'up-to-date' && b.action !== 'ahead' && b.action !== 'behind',
    );
  return {
    volset: engine.meta.findVolset(volset)?.name ?? null,
    volsetId: volset,
    remote: remote.name,
    upToDate: idle && !planned && diverged.length === 0,
    dryRun,
    pushed: { snapshots: sent.snapshots, chunks: sent.chunks, bytes: sent.bytes },
    pulled: { snapshots: received.snapshots, chunks: received.chunks, bytes: received.bytes },
    branches: [],
    conflicts: [],
    diverged: diverged.map(({ name, current, target, base }) => ({ branch: name, current, target, base })),
    problems: [
      ...(applied ? rivalRows(applied) : []),
      ...sent.problems,
      ...received.problems,
      ...theirs.problems,
      ...volume.problems.map(problemRow),
    ],
    requests: peer.traffic.requests,
    durationMs: 0,
  };
}

const rivalRows = (applied: Applied): ProblemRow[] =>
  applied.problems.map(({ object, field, current, target, message }) => ({
    what: 'rival-write',
    message,
    object,
    field,
    current,
    target,
  }));

/** One row per branch and side that the verb is about. */
export function branchOutcomes(verb: Verb, progress: Progress, dryRun: boolean): BranchOutcome[] {
  return progress.steps.flatMap((step) => {
    const rows: BranchOutcome[] = [];
    if (verb === 'push' || verb === 'sync') rows.push(remoteRow(step, progress, dryRun));
    if (verb !== 'push') rows.push(hereRow(step, verb, progress, dryRun));
    const telling = rows.filter(
      (row) => row.action !== 'up-to-date' && row.action !== 'ahead' && row.action !== 'behind',
    );
    return telling.length > 0 ? telling : rows.slice(0, 1);
  });
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
  const moves = dryRun || (ours.moved as Set<BranchId>).has(branch);
  return moves ? row(isNew(current), target) : row('rejected', current);
}
