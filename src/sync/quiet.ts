/**
 * A session with nothing to do is the common one, and should not look through all branches to find that out. One that
 * has looked and found nothing leaves a mark: a hash of what both sides were then. While both are the same, looking
 * again would find the same, and is left out. What the mark does not cover is looked at each time: missing data,
 * records to be sent, the working directory.
 */
import { hash } from 'node:crypto';
import { canonicalText } from '../core/canonical.ts';
import { installOf, type StoreId, type VolsetId } from '../core/ids.ts';
import type { Interval } from '../core/intervals.ts';
import type { Vector } from '../core/records.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { isEmpty, type Selection } from '../core/selection.ts';
import type { BranchView, MetaStore } from '../meta/contract.ts';
import { isIdle, type Progress } from './progress.ts';
import { queueCount } from './queue.ts';
import type { ReplicateOptions } from './replicate-options.ts';
import { hasRecordsFor } from './send-records.ts';
import type { Session } from './session.ts';

/** Another one makes all older marks void: raise it when a session looks at more than before. */
const VERSION = 2;

/** What the other side says of itself. */
interface There {
  identity: StoreId;
  vector: Vector;
  revision: number;
  sealed: Interval[];
}

/**
 * Both vectors and revisions: with the generations and refs below them everything that plans are made of; our
 * numbers of blobs, and which of them the peer has sealed: all that a push may owe. Our revision counts each
 * generation and each change of an own ref, and our log has no open records (`mayBeQuiet`).
 */
function markAt(meta: MetaStore, volset: VolsetId, { identity, vector, revision, sealed }: There): string {
  const state = { version: VERSION, there: { identity, vector, revision, sealed } };
  const here = { vector: meta.vector(volset), revision: meta.revision(volset), head: meta.blobHead(volset) };
  return hash('sha256', canonicalText({ ...state, here }), 'hex');
}

export const markOf = ({ engine: { meta }, volset, staged }: Session): string => markAt(meta, volset, staged);

/** Is all here as it was when that mark was left, the other side being as it last said? */
export const isSettledAt = (meta: MetaStore, volset: VolsetId, there: There, settled: string): boolean =>
  meta.knowsVolset(volset) && markAt(meta, volset, there) === settled;

/** Nothing came, nothing is missing, and no question was put that only a look at the branches answers. */
export function mayBeQuiet(session: Session, selection: Selection, options: ReplicateOptions): boolean {
  const { engine, volset, staged, forget, remote } = session;
  const { generations, refs, absent } = staged;
  return (
    !options.dryRun &&
    options.as === undefined &&
    !options.theirs &&
    isEmpty(selection) &&
    !absent &&
    generations.length + refs.length + forget.length === 0 &&
    engine.meta.knowsVolset(volset) &&
    !hasRecordsFor(session) &&
    engine.meta.lackedBlobs(volset).length === 0 &&
    // What was refused for good waits for a word of the user, not for the next session.
    queueCount(engine.meta, { remote: remote.name, volset }).waiting === 0
  );
}

export const isMarked = ({ memory, staged }: Session, mark: string): boolean =>
  memory(installOf(staged.identity))?.settled === mark;

/** The plan where each branch is at one tip on both sides. */
export const stepsOfEqual = (views: readonly BranchView[]): RefStep[] =>
  views.flatMap(({ id, name, tip }): RefStep[] =>
    tip === null ? [] : [{ branch: id, name, current: tip, target: tip, step: 'none', base: tip }],
  );

/** Was each branch looked at and found equal, and nothing done or left over? */
export function foundNothing(progress: Progress): boolean {
  const { steps, chosen, applied, changed, sent, received, theirs } = progress;
  const rows = [changed, applied.conflicts, sent.problems, received.problems, theirs.problems];
  return (
    chosen === undefined && isIdle(progress) && steps.every(({ step }) => step === 'none') && rows.flat().length === 0
  );
}
