/** Moves of branch tips at the end of a session: theirs by compare-and-swap at the hub, ours to what is complete here. */
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId } from '../core/ids.ts';
import type { Ref } from '../core/records.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { Edit } from '../meta/contract.ts';
import type { Received } from './blobs-down.ts';
import type { Sent } from './blobs-up.ts';
import type { Session } from './session.ts';

export interface TheirTips {
  moved: Set<BranchId>;
  /** Somebody else moved them meanwhile. */
  rejected: Set<BranchId>;
  /** Their ref revision after our moves. */
  revision?: number;
}

const ROUNDS = 4;

/** A branch that another client has moved meanwhile is left alone and reported; the others are tried again. */
export async function moveTheirTips(session: Session, steps: RefStep[], sent: Sent): Promise<TheirTips> {
  const result: TheirTips = { moved: new Set(), rejected: new Set() };
  let todo = steps.filter((step) => step.step === 'send' && step.current !== null && sent.held.has(step.current));
  for (let round = 0; todo.length > 0 && round < ROUNDS; round++) {
    const moves = todo.map(({ branch, target, current }) => ({ branch, from: target, to: current as SnapshotId }));
    const answer = await session.peer.moveRefs(session.volset, moves);
    noteTheirRefs(session, answer.refs, answer.revision);
    result.revision = answer.revision;
    if (answer.moved) {
      for (const step of todo) result.moved.add(step.branch);
      return result;
    }
    const now = new Map(answer.refs.map((ref) => [ref.branch, ref.snapshot]));
    const lost = todo.filter((step) => (now.get(step.branch) ?? null) !== step.target);
    if (lost.length === 0) break;
    for (const step of lost) result.rejected.add(step.branch);
    todo = todo.filter((step) => !lost.includes(step));
  }
  for (const step of todo) result.rejected.add(step.branch);
  return result;
}

function noteTheirRefs({ engine, volset, staged }: Session, refs: Ref[], revision: number): void {
  engine.meta.apply(volset, { peer: staged.identity, generations: [], refs, revision });
}

export interface Taken {
  moved: Set<BranchId>;
}

/** Our tips go to theirs where their blob is complete here; one transaction a branch, a rival command may win one. */
export function takeTips({ engine, volset }: Session, steps: RefStep[], _received: Received): Taken {
  const moved = new Set<BranchId>();
  for (const { step, branch, current, target } of steps) {
    if (step !== 'take' || target === null) continue;
    const edit: Edit = { edit: 'move-ref', branch, from: current, to: target };
    try {
      engine.meta.commit(volset, [edit]);
      moved.add(branch);
    } catch (error) {
      if (!(error instanceof PlaitError) || !['not-fast-forward', 'blob-absent'].includes(error.code)) throw error;
    }
  }
  return { moved };
}
