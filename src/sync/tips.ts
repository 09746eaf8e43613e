/** Moves of branch tips at the end of a session: theirs by compare-and-swap at the hub, ours to what is complete here. */
import { compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId } from '../core/ids.ts';
import type { Ref } from '../core/records.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { Edit } from '../meta/contract.ts';
import type { Received } from './blobs-down.ts';
import type { Sent } from './blobs-up.ts';
import { parentLookup, type Session } from './session.ts';

export interface TheirTips {
  moved: Set<BranchId>;
  /** Somebody else moved them meanwhile. */
  rejected: Set<BranchId>;
  /** Moved beyond ours meanwhile: nothing is left to be done there. */
  overtaken: Set<BranchId>;
  /** Their ref revision after our moves; undefined where other tips moved too, of which we have not been told. */
  revision?: number;
}

/** A move to be made: of a tip that the peer last said to be `from`. */
interface Move {
  step: RefStep;
  from: SnapshotId | null;
}

const ROUNDS = 4;

/**
 * A branch that another client has moved meanwhile is tried again if that was along our own line (another push of this
 * very store), else left alone and reported.
 */
export async function moveTheirTips(session: Session, steps: RefStep[], sent: Sent): Promise<TheirTips> {
  const result: TheirTips = { moved: new Set(), rejected: new Set(), overtaken: new Set() };
  let todo: Move[] = steps
    .filter((step) => step.step === 'send' && step.current !== null && sent.held.has(step.current))
    .map((step) => ({ step, from: step.target }));
  for (let round = 0; todo.length > 0 && round < ROUNDS; round++) {
    const moves = todo.map(({ step, from }) => ({ branch: step.branch, from, to: step.current as SnapshotId }));
    const answer = await session.peer.moveRefs(session.volset, moves);
    noteTheirRefs(session, answer.refs, answer.revision);
    if (answer.moved) {
      for (const { branch } of moves) result.moved.add(branch);
      if (answer.revision === session.staged.revision + moves.length) result.revision = answer.revision;
      return result;
    }
    const now = new Map(answer.refs.map((ref) => [ref.branch, ref.snapshot]));
    const before = todo;
    todo = todo.flatMap((move) => nextMove(session, move, now.get(move.step.branch) ?? null, result) ?? []);
    // Refused though no tip had moved: asking again would change nothing.
    if (todo.length === before.length && todo.every((move, i) => move.from === before[i].from)) break;
  }
  for (const { step } of todo) result.rejected.add(step.branch);
  return result;
}

/** What is left to do about a branch whose tip there is `now`; notes it in `result` where that is nothing. */
function nextMove(session: Session, move: Move, now: SnapshotId | null, result: TheirTips): Move | undefined {
  const { step, from } = move;
  if (now === from) return move;
  const known = now === null || session.engine.meta.findSnapshot(session.volset, now) !== undefined;
  if (!known) {
    result.rejected.add(step.branch);
    return undefined;
  }
  const relation =
    now === null ? 'ahead' : compareTips(parentLookup(session), step.current as SnapshotId, now).relation;
  if (relation === 'ahead') return { step, from: now };
  if (relation === 'equal') result.moved.add(step.branch);
  else if (relation === 'behind') result.overtaken.add(step.branch);
  else result.rejected.add(step.branch);
  return undefined;
}

/** Of a rival's snapshot we know no more than the id: the next session brings its records, and with them this ref. */
function noteTheirRefs({ engine, volset, staged }: Session, refs: Ref[], revision: number): void {
  const known = refs.filter(({ snapshot }) => snapshot === null || engine.meta.findSnapshot(volset, snapshot));
  engine.meta.apply(volset, { peer: staged.identity, generations: [], refs: known, revision });
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
