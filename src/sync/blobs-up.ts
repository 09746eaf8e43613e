/** Which snapshots' data the other side gets, and sending it. */

import { newSince } from '../core/ancestry.ts';
import type { SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { Selection } from '../core/selection.ts';
import { uploadSnapshots } from '../transfer/client.ts';
import { lacksThere, notePushed } from './left-out.ts';
import { resolveReference } from './references.ts';
import type { Moved, ProblemRow } from './results.ts';
import { parentLookup, type Session } from './session.ts';
import { sinceStop } from './since.ts';

export interface Sent extends Moved {
  /** Complete at the peer now: sent, or held before. */
  held: Set<SnapshotId>;
  problems: ProblemRow[];
  /** A refusal for want of space or quota was among the problems. */
  quota: boolean;
}

/**
 * Snapshots wanted by steps and selection, oldest first. Tips are always among them: one that lies in the history of
 * another tip there is not new, yet it may be that the peer never got its data.
 */
function wantedThere(session: Session, steps: RefStep[], selection: Selection): SnapshotId[] {
  const { engine, volset } = session;
  if (selection.metadataOnly) return [];
  const named = (selection.snapshots ?? []).map((ref) => resolveReference(engine, volset, ref).snapshot);
  const lacking = lacksThere(session, selection);
  const sending = steps.filter(({ step }) => step === 'send' || (lacking && step === 'none'));
  const tips = sending.map((step) => step.current).filter((id) => id !== null);
  if (selection.tips) return [...new Set([...named, ...tips])];
  const held = lacking ? [] : steps.map((step) => step.target).filter((id) => id !== null);
  const stop = sinceStop(engine, volset, selection.since);
  const wanted = new Set(tips);
  const line = newSince(parentLookup(session), tips, held).filter((id) => wanted.has(id) || !stop(id));
  return [...new Set([...named, ...line.reverse(), ...tips])];
}

export async function blobsUp(session: Session, steps: RefStep[], selection: Selection): Promise<Sent> {
  const { engine, peer, volset } = session;
  const wanted = wantedThere(session, steps, selection);
  const absent = new Set(engine.meta.missingBlobs(volset, wanted));
  const snapshots = wanted.filter((id) => !absent.has(id));
  const problems: ProblemRow[] = [...absent].map((snapshot) => ({
    what: 'blob-absent',
    snapshot,
    message: `the data of snapshot ${snapshot.slice(0, 12)} is not in this store, so it was not sent`,
  }));
  const sent: Sent = { snapshots: 0, chunks: 0, bytes: 0, held: new Set(), problems, quota: false };
  if (snapshots.length === 0) {
    notePushed(session, selection, false, problems.length === 0);
    return sent;
  }
  const phase = engine.reporter.phase('pushing', { items: snapshots.length });
  const done = await uploadSnapshots({
    peer,
    volset,
    snapshots,
    blob: engine.blob,
    meta: engine.meta,
    manifest: engine.manifest,
    signal: engine.signal,
    onProgress: (step) => phase.advance(step),
  });
  phase.end();
  for (const id of [...done.sent, ...done.held]) sent.held.add(id);
  for (const { id, reason, code } of done.declined) {
    sent.quota ||= code !== undefined || /quota|space/.test(reason);
    problems.push({
      what: 'declined',
      snapshot: id,
      message: `${session.remote.name} declined snapshot ${id.slice(0, 12)}: ${reason}`,
    });
  }
  notePushed(session, selection, done.sent.length > 0, problems.length === 0);
  return { ...sent, snapshots: done.sent.length, chunks: done.chunks, bytes: done.bytes };
}
