/**
 * Branch tips of one session, decided by ancestry: per branch what each side should do. Pure; `relate` answers how two
 * tips stand to each other. Tips never conflict: a fork is an outcome of that branch alone.
 */
import type { BranchId, SnapshotId } from './ids.ts';

export interface Tips {
  branch: BranchId;
  name: string;
  current: SnapshotId | null;
  target: SnapshotId | null;
}

/** How current stands to target. */
export type Relation = 'equal' | 'ahead' | 'behind' | 'diverged' | 'unrelated';

export interface Related {
  relation: Relation;
  /** Newest common ancestor of forked lines. */
  base: SnapshotId | null;
}

/** What happens to one branch: `send` moves the target's tip to ours, `take` moves ours to the target's. */
export type RefStep = Tips & { step: 'none' | 'send' | 'take' | 'diverged'; base: SnapshotId | null };

export function planRefs(
  tips: Iterable<Tips>,
  relate: (current: SnapshotId, target: SnapshotId) => Related,
): RefStep[] {
  return Array.from(tips, (tip) => ({ ...tip, ...stepOf(tip, relate) }));
}

function stepOf(
  { current, target }: Tips,
  relate: (current: SnapshotId, target: SnapshotId) => Related,
): Pick<RefStep, 'step' | 'base'> {
  if (current === target) return { step: 'none', base: current };
  if (current === null) return { step: 'take', base: null };
  if (target === null) return { step: 'send', base: null };
  const { relation, base } = relate(current, target);
  switch (relation) {
    case 'equal':
      return { step: 'none', base: current };
    case 'ahead':
      return { step: 'send', base: target };
    case 'behind':
      return { step: 'take', base: current };
    default:
      return { step: 'diverged', base };
  }
}

/** A diverged branch takes the target's tip, and our line goes on as another branch that the target does not have. */
export function giveWay(steps: RefStep[], branch: BranchId, kept: { branch: BranchId; name: string }): RefStep[] {
  return steps.flatMap((step): RefStep[] => {
    if (step.branch !== branch || step.step !== 'diverged') return [step];
    const { current, target } = step;
    return [
      { ...step, current: target, step: 'none', base: target },
      { ...kept, current, target: null, step: 'send', base: null },
    ];
  });
}

/**
 * `initial` moves to what both sides are now known to hold: after the session, the tip where they are equal or where
 * one side's acknowledged tip is an ancestor of the other's. Never to something the peer has not shown or acknowledged.
 */
export function agreedTip(step: RefStep, done: { sent: boolean; taken: boolean }): SnapshotId | null {
  switch (step.step) {
    case 'none':
      return step.current;
    case 'send':
      return done.sent ? step.current : step.target;
    case 'take':
      return done.taken ? step.target : step.current;
    case 'diverged':
      return null;
  }
}
