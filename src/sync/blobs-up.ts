/** Queues what the other side is to get, and sends what is queued for it, also by earlier runs. */

import { newSince } from '../core/ancestry.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { contains, type Interval, union } from '../core/intervals.ts';
import type { OfferSender } from '../core/peer.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { isEmpty, type Selection } from '../core/selection.ts';
import { type Drained, drainQueue } from '../transfer/drain.ts';
import { gapsOf } from './gaps.ts';
import { notePartial } from './left-out.ts';
import { queueCount } from './queue.ts';
import type { Moved, ProblemRow } from './results.ts';
import { parentLookup, type Session } from './session.ts';
import { HISTORY, leavesOut, type Planning, type WantedUp, wantedUp } from './want-up.ts';

/** Intervals of one message; what is left out is said another time. */
const MAX_SAID = 1000;

export interface Sent extends Moved {
  /** Complete at the peer now: sent, or held before. */
  held: Set<SnapshotId>;
  problems: ProblemRow[];
  /** A refusal for want of space or quota was among the problems. */
  quota: boolean;
}

export interface Sending {
  steps: RefStep[];
  selection: Selection;
  /** Brought there by an earlier round of this session: not offered again. */
  held: ReadonlySet<SnapshotId>;
  /** Queued before the contact: what turns out to be of no use there is taken out again. */
  foreseen: readonly SnapshotId[];
  parallel?: number;
}

export async function blobsUp(session: Session, sending: Sending): Promise<Sent> {
  const { engine, volset, remote } = session;
  const { meta } = engine;
  const { items, absent, missing, mustSay } = plan(session, sending);
  const wanted = new Set(items.map(({ snapshot }) => snapshot));
  const useless = sending.foreseen.filter((id) => !wanted.has(id));
  const of = { remote: remote.name, volset };
  if (useless.length > 0) meta.unqueue({ ...of, snapshots: useless });
  if (items.length > 0) meta.enqueue(volset, remote.name, items, engine.world.now());
  const sender: OfferSender | undefined = meta.self.ephemeral ? undefined : { self: meta.self.store, missing };
  const { waiting } = queueCount(meta, of);
  if (waiting > 0) {
    const sent = sentOf(session, absent, await drain(session, sending, sender, wanted, waiting));
    for (const id of gone(meta, of, wanted)) sent.held.add(id);
    if (!sender) notePush(session, sending.selection, sent);
    return sent;
  }
  if (sender && mustSay) await session.peer.offer(volset, [], sender);
  return { snapshots: 0, chunks: 0, bytes: 0, held: new Set(), problems: absent.map(absentRow), quota: false };
}

/** Not queued any more: this run has brought them, or another command of this store meanwhile. The peer knows better. */
function gone(
  meta: Planning['engine']['meta'],
  of: { remote: string; volset: VolsetId },
  wanted: ReadonlySet<SnapshotId>,
) {
  const queued = new Set(meta.queue({ ...of, snapshots: [...wanted] }).map(({ snapshot }) => snapshot));
  return [...wanted].filter((id) => !queued.has(id));
}

/** Of a store whose numbers nobody seals. */
function notePush(session: Session, selection: Selection, { snapshots, problems }: Sent): void {
  if (leavesOut(selection) && snapshots > 0) notePartial(session, true);
  else if (isEmpty(selection) && problems.length === 0) notePartial(session, false);
}

/** `mustSay`: the peer waits for numbers that never come, which is worth a request of its own. */
function plan(session: Session, { steps, selection, held }: Sending) {
  const { engine, volset, remote } = session;
  const planning = { engine, volset, remote: remote.name, parents: parentLookup(session) };
  const { wanted, lost, theirs } = gapsOf(session, steps);
  // Whether a number belongs to no branch any more is seen only where all branches are.
  const ended = isEmpty(selection) ? lost : [];
  const unsent = steps.filter(({ step, current }) => step !== 'send' || current === null || !held.has(current));
  const gaps = leavesOut(selection) ? [] : wanted.filter((id) => !held.has(id));
  const missing: Interval[] = union(ended, theirs).slice(0, MAX_SAID);
  if (leavesOut(selection)) reviveLeftOut(session, unsent);
  const wantedNow = wantedUp(planning, unsent, selection, gaps);
  return { ...wantedNow, items: notSealed(session, wantedNow.items), missing, mustSay: ended.length > 0 };
}

/** Where no tip tells what is there, the seals do: else each push would offer all of the history again. */
function notSealed({ engine: { meta }, volset, staged }: Session, items: WantedUp['items']): WantedUp['items'] {
  if (!staged.partial || staged.sealed.length === 0) return items;
  const numbers = meta.blobNumbers(
    volset,
    items.map(({ snapshot }) => snapshot),
  );
  const isSealed = (id: SnapshotId): boolean => Object.hasOwn(numbers, id) && contains(staged.sealed, numbers[id]);
  return items.filter(({ snapshot, priority }) => priority !== HISTORY || !isSealed(snapshot));
}

/**
 * Left out now, and once said to be of no branch any more: behind a tip that is there nobody would look for these again.
 * Under new numbers they are gaps for the next push of everything.
 */
function reviveLeftOut(session: Session, steps: RefStep[]): void {
  const { engine, volset, staged } = session;
  const { meta } = engine;
  if (meta.self.ephemeral || staged.sealed.length === 0) return;
  const tips = steps.flatMap(({ step, current }) => (step === 'send' && current !== null ? [current] : []));
  const held = steps.map(({ target }) => target).filter((id) => id !== null);
  const numbers = Object.entries(meta.blobNumbers(volset, newSince(parentLookup(session), tips, held)));
  const revived = numbers.filter(([, number]) => contains(staged.sealed, number)).map(([id]) => id as SnapshotId);
  if (revived.length > 0) meta.renumber(volset, revived);
}

async function drain(
  { engine, peer, volset, remote }: Session,
  { parallel }: Sending,
  sender: OfferSender | undefined,
  insist: Set<SnapshotId>,
  waiting: number,
): Promise<Drained> {
  const phase = engine.reporter.phase('pushing', { items: waiting });
  const done = await drainQueue({
    peer,
    volset,
    remote: remote.name,
    blob: engine.blob,
    meta: engine.meta,
    manifest: engine.manifest,
    signal: engine.signal,
    now: engine.world.now,
    sender,
    insist,
    parallel,
    onProgress: (step) => phase.advance(step),
  });
  phase.end();
  return done;
}

function sentOf({ remote }: Session, absent: SnapshotId[], done: Drained): Sent {
  const problems = [
    ...absent.map(absentRow),
    ...done.declined.map(({ id, reason }) => declinedRow(remote.name, id, reason)),
    ...done.failed.map(failedRow),
  ];
  return {
    snapshots: done.sent.length,
    chunks: done.chunks,
    bytes: done.bytes,
    held: new Set([...done.sent, ...done.held]),
    problems,
    quota: done.declined.some(({ code }) => code !== undefined),
  };
}

const absentRow = (snapshot: SnapshotId): ProblemRow => ({
  what: 'blob-absent',
  snapshot,
  message: `the data of snapshot ${snapshot.slice(0, 12)} is not in this store, so it was not sent`,
});

const declinedRow = (remote: string, snapshot: SnapshotId, reason: string): ProblemRow => ({
  what: 'declined',
  snapshot,
  message: `${remote} declined snapshot ${snapshot.slice(0, 12)}: ${reason}`,
});

const failedRow = ({ id, code, message }: Drained['failed'][number]): ProblemRow => ({
  what: code === 'integrity' ? 'damaged' : code === 'blob-absent' ? code : 'not-sent',
  snapshot: id,
  message: `snapshot ${id.slice(0, 12)} was not sent: ${message}`,
});
