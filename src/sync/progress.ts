/** What a session has done so far, over all its rounds. */
import type { BranchId, SnapshotId } from '../core/ids.ts';
import type { Vector } from '../core/records.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { type Selection, selectSteps } from '../core/selection.ts';
import type { Applied, BranchView } from '../meta/contract.ts';
import type { Received } from './blobs-down.ts';
import type { Sent } from './blobs-up.ts';
import type { Forwarded } from './forward-volume.ts';
import type { BranchOutcome } from './results.ts';
import { planSession, type Session, targetRefs } from './session.ts';
import type { Taken, TheirTips } from './tips.ts';

export interface Progress {
  steps: RefStep[];
  /** Branches that the selection meant; undefined where it means all. */
  chosen?: Set<BranchId>;
  /** Branches here as the last round left them. */
  views: BranchView[];
  /** Sums and unions over the rounds. */
  applied: Omit<Applied, 'vector' | 'branches'>;
  /** Branches that the rounds deleted or renamed here. */
  changed: BranchOutcome[];
  /** Own tips that were moved aside: the branch that gave way -> what it showed; the one that keeps it -> null. */
  aside: Map<BranchId, SnapshotId | null>;
  sent: Sent;
  received: Received;
  recordsSent: boolean;
  /** The peer's vector as it last told it. */
  acknowledged: Vector;
  theirs: TheirTips;
  ours: Taken;
  volume: Forwarded;
}

export function begin({ engine, volset, staged }: Session): Progress {
  // Only for the names of what the first round deletes.
  const views = staged.generations.length > 0 && engine.meta.findVolset(volset) ? engine.meta.listBranches(volset) : [];
  return {
    steps: [],
    views,
    applied: {
      generations: 0,
      snapshots: [],
      conflicts: [],
      deleted: [],
      revived: [],
      changed: [],
      written: 0,
    },
    changed: [],
    aside: new Map(),
    sent: { snapshots: 0, chunks: 0, bytes: 0, held: new Set(), problems: [], quota: false },
    received: { snapshots: 0, chunks: 0, bytes: 0, problems: [] },
    recordsSent: false,
    acknowledged: {},
    theirs: { moved: new Set(), rejected: new Set(), overtaken: new Set(), revision: 0, problems: [] },
    ours: { moved: new Set() },
    volume: { moved: false, unsaved: false, problems: [] },
  };
}

/** Takes in what a round did, and plans the tips anew. */
export function noteRound(session: Session, progress: Progress, applied: Applied, selection: Selection): void {
  const { branches = [] } = applied;
  progress.changed.push(...changedHere(progress.views, branches));
  progress.views = branches;
  addApplied(progress.applied, applied);
  const steps = planSession(session, branches);
  if (progress.chosen) {
    const { chosen, aside } = progress;
    progress.steps = steps.filter(({ branch }) => chosen.has(branch) || aside.has(branch));
    return;
  }
  progress.steps = selectSteps(steps, selection);
  if (progress.steps.length < steps.length) progress.chosen = new Set(progress.steps.map(({ branch }) => branch));
}

/** Nothing was moved, sent or taken. */
export const isIdle = ({ sent, received, theirs, ours, volume, applied, recordsSent, aside }: Progress): boolean =>
  sent.snapshots === 0 &&
  received.snapshots === 0 &&
  theirs.moved.size === 0 &&
  ours.moved.size === 0 &&
  aside.size === 0 &&
  !volume.moved &&
  applied.generations === 0 &&
  applied.changed.length === 0 &&
  applied.written === 0 &&
  !recordsSent;

function changedHere(before: BranchView[], after: BranchView[]): BranchOutcome[] {
  const now = new Map(after.map((view) => [view.id, view]));
  return before.flatMap(({ id, name, tip }): BranchOutcome[] => {
    const view = now.get(id);
    if (!view) return [{ name, side: 'here', action: 'deleted', from: tip, to: null }];
    return view.name === name
      ? []
      : [{ name: view.name, side: 'here', action: 'renamed', from: tip, to: tip, was: name }];
  });
}

function addApplied(sum: Progress['applied'], more: Applied): void {
  const known = new Set(sum.conflicts.map(({ id }) => id));
  sum.generations += more.generations;
  sum.written += more.written;
  sum.snapshots.push(...more.snapshots);
  sum.conflicts.push(...more.conflicts.filter(({ id }) => !known.has(id)));
  for (const key of ['deleted', 'revived', 'changed'] as const) sum[key] = [...new Set([...sum[key], ...more[key]])];
}

/** Tips there of branches that are deleted here: our records make the peer let go of them. */
export function deletedThere(session: Session, { views, aside }: Progress): BranchOutcome[] {
  const alive = new Set(views.map(({ id }) => id));
  const gone = [...targetRefs(session)].filter(
    ([branch, tip]) => tip !== null && !alive.has(branch) && !aside.has(branch),
  );
  const names = session.engine.meta.branchNames(
    session.volset,
    gone.map(([branch]) => branch),
  );
  return gone.map(([branch, from]) => {
    return { name: names[branch] ?? branch.slice(0, 12), side: 'remote', action: 'deleted', from, to: null };
  });
}

export function addSent({ sent }: Progress, more: Sent): void {
  sent.snapshots += more.snapshots;
  sent.chunks += more.chunks;
  sent.bytes += more.bytes;
  sent.quota ||= more.quota;
  for (const id of more.held) sent.held.add(id);
  sent.problems = newRows(sent.problems, more.problems);
}

export function addReceived({ received }: Progress, more: Received): void {
  received.snapshots += more.snapshots;
  received.chunks += more.chunks;
  received.bytes += more.bytes;
  received.problems = newRows(received.problems, more.problems);
}

/** A later round meets the same problems again. */
function newRows<T extends { message: string }>(known: T[], more: T[]): T[] {
  const messages = new Set(known.map(({ message }) => message));
  return [...known, ...more.filter(({ message }) => !messages.has(message))];
}
