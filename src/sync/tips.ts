/** Moves of branch tips at the end of a session: theirs by compare-and-swap at the hub, ours to what is complete here. */
import { compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId } from '../core/ids.ts';
import type { Ref } from '../core/records.ts';
import { planRefs, type RefStep } from '../core/ref-plan.ts';
import type { Edit } from '../meta/contract.ts';
import type { Sent } from './blobs-up.ts';
import type { ProblemRow } from './results.ts';
import { upTo } from './send-records.ts';
import { parentLookup, type Session } from './session.ts';

export interface TheirTips {
  moved: Set<BranchId>;
  /** Somebody else moved them meanwhile. */
  rejected: Set<BranchId>;
  /** Moved beyond ours meanwhile: nothing is left to be done there. */
  overtaken: Set<BranchId>;
  /** Theirs, up to which we know all. */
  revision: number;
  /** Why the peer refused a move that was no lost race. */
  problems: ProblemRow[];
}

/** A move to be made: of a tip that the peer last said to be `from`. */
interface Move {
  step: RefStep;
  from: SnapshotId | null;
}

const ROUNDS = 4;
/** Of one request. */
const MAX_MOVES = 1000;

/**
 * A branch that another client has moved meanwhile is tried again if that was along our own line (another push of this
 * very store), else left alone and reported. `known`: their revision up to which we know all, after what was sent. It goes
 * on with our moves only where the peer says that nobody wrote in between; no count of our own could tell.
 */
export async function moveTheirTips(session: Session, steps: RefStep[], sent: Sent, known: number): Promise<TheirTips> {
  const nothing = { moved: new Set<BranchId>(), rejected: new Set<BranchId>(), overtaken: new Set<BranchId>() };
  const result: TheirTips = { ...nothing, revision: known, problems: [] };
  const moves = steps
    .filter((step) => step.step === 'send' && step.current !== null && sent.held.has(step.current))
    .map((step): Move => ({ step, from: step.target }));
  for (let at = 0; at < moves.length; at += MAX_MOVES) {
    await moveSome(session, moves.slice(at, at + MAX_MOVES), result);
  }
  return result;
}

/** The peer moves all or none; where it refuses for one of several, halves find out which. */
async function moveSome(session: Session, moves: Move[], result: TheirTips): Promise<void> {
  let todo = moves;
  for (let round = 0; todo.length > 0 && round < ROUNDS; round++) {
    const asked = todo.map(({ step, from }) => ({ branch: step.branch, from, to: step.current as SnapshotId }));
    const answer = await session.peer.moveRefs(session.volset, asked);
    noteTheirRefs(session, answer.refs, answer.revision);
    if (answer.moved) {
      for (const { branch } of asked) result.moved.add(branch);
      result.revision = upTo(answer.revisions, result.revision);
      return;
    }
    const now = new Map(answer.refs.map((ref) => [ref.branch, ref.snapshot]));
    const before = todo;
    todo = todo.flatMap((move) => nextMove(session, move, now.get(move.step.branch) ?? null, result) ?? []);
    // Refused though no tip had moved: asking for the same again would change nothing.
    if (todo.length < before.length || todo.some((move, i) => move.from !== before[i].from)) continue;
    if (todo.length === 1) {
      result.problems.push(refusal(session, todo[0], answer.reason));
      break;
    }
    const half = todo.length >> 1;
    await moveSome(session, todo.slice(0, half), result);
    return moveSome(session, todo.slice(half), result);
  }
  for (const { step } of todo) result.rejected.add(step.branch);
}

const refusal = ({ remote }: Session, { step }: Move, reason: string | undefined): ProblemRow => ({
  what: 'ref-refused',
  branch: step.name,
  message: `${remote.name} did not move ${step.name}${reason === undefined ? '' : `: ${reason}`}`,
});

/** What is left to do about a branch whose tip there is `now`; notes it in `result` where that is nothing. */
function nextMove(session: Session, move: Move, now: SnapshotId | null, result: TheirTips): Move | undefined {
  const { step, from } = move;
  if (now === from) return move;
  const known = now === null || knows(session, now);
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

/** Be it forgotten. */
const knows = ({ engine, volset }: Pick<Session, 'engine' | 'volset'>, id: SnapshotId): boolean =>
  Object.hasOwn(engine.meta.parentsOf(volset, [id]), id);

/** Of a rival's snapshot we know no more than the id: the next session brings its records, and with them this ref. */
function noteTheirRefs({ engine, volset, staged }: Session, refs: Ref[], revision: number): void {
  // A branch without a ref there comes as revision 0, which is no news.
  const known = refs.filter(
    (ref) => ref.revision > 0 && (ref.snapshot === null || knows({ engine, volset }, ref.snapshot)),
  );
  engine.meta.apply(volset, { peer: staged.identity, generations: [], refs: known, revision });
}

export interface Taken {
  moved: Set<BranchId>;
}

/**
 * Our tips go to theirs where their blob is complete here; one transaction a branch. A rival command may move one first:
 * the steps come back as they stand then, so that a fork which has come about meanwhile is told like any other.
 */
export function takeTips(session: Session, steps: RefStep[]): Taken & { steps: RefStep[] } {
  const moved = new Set<BranchId>();
  const after = steps.map((step) => (step.step === 'take' ? takeTip(session, step, moved) : step));
  return { moved, steps: after };
}

function takeTip(session: Session, step: RefStep, moved: Set<BranchId>): RefStep {
  let left = step;
  for (let round = 0; round < ROUNDS && left.step === 'take'; round++) {
    if (moveOurs(session, left)) {
      moved.add(left.branch);
      return left;
    }
    const now = session.engine.meta.findBranch(session.volset, step.branch)?.tip;
    // Deleted meanwhile, or its data is not here: the rest goes on.
    if (now === undefined || now === left.current) return left;
    left = afresh(session, left, now);
  }
  return left;
}

function moveOurs({ engine, volset }: Session, { branch, current, target }: RefStep): boolean {
  const edit: Edit = { edit: 'move-ref', branch, from: current, to: target as SnapshotId };
  try {
    engine.meta.commit(volset, [edit]);
    return true;
  } catch (error) {
    const alone = ['not-fast-forward', 'blob-absent', 'not-found'];
    if (!(error instanceof PlaitError) || !alone.includes(error.code)) throw error;
    return false;
  }
}

/** Our tip is `now`. Where it is beyond theirs, both hold theirs, and ours goes there with the next session. */
function afresh(session: Session, step: RefStep, now: SnapshotId | null): RefStep {
  const [next] = planRefs([{ ...step, current: now }], (ours, theirs) =>
    compareTips(parentLookup(session), ours, theirs),
  );
  return next.step === 'send' ? { ...next, step: 'none', current: step.target, base: step.target } : next;
}
