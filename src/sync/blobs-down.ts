/** Which snapshots' data is fetched from the other side, and fetching it. */
import type { SnapshotId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { lineOf, type Selection } from '../core/selection.ts';
import { downloadSnapshots } from '../transfer/client.ts';
import { resolveReference } from './references.ts';
import type { Moved, ProblemRow } from './results.ts';
import type { Session } from './session.ts';
import { sinceStop } from './since.ts';

export interface Received extends Moved {
  problems: ProblemRow[];
}

/**
 * From each of the peer's tips back to what is complete here; diverged tips too, since a merge needs them. A tip whose
 * blob was left out before (a clone of metadata only, a selection) is made up for.
 */
function wantedHere(session: Session, steps: RefStep[], selection: Selection): SnapshotId[] {
  const { engine, volset } = session;
  if (selection.metadataOnly || isMetadataOnly(session)) return [];
  const named = (selection.snapshots ?? []).map((ref) => resolveReference(engine, volset, ref).snapshot);
  const since = sinceStop(engine, volset, selection.since);
  const seen = new Set<SnapshotId>();
  const line: SnapshotId[] = [];
  const has = (id: SnapshotId) => engine.meta.missingBlobs(volset, [id]).length === 0;
  for (const { target } of steps) {
    if (target === null) continue;
    const stop = (id: SnapshotId) => has(id) || (id !== target && since(id));
    const parentsOf = (id: SnapshotId) => engine.meta.parentsOf(volset, [id])[id];
    line.push(...lineOf(target, parentsOf, { stop, tips: selection.tips, seen }));
  }
  const wanted = named.filter((id) => !has(id));
  return [...new Set([...wanted, ...line.reverse()])];
}

const isMetadataOnly = ({ engine, volset }: Session): boolean =>
  engine.meta.settings()[`volset.${volset}.metadata-only`] === 'true';

export async function blobsDown(session: Session, steps: RefStep[], selection: Selection): Promise<Received> {
  const { engine, peer, volset, remote } = session;
  const snapshots = wantedHere(session, steps, selection);
  if (snapshots.length === 0) return { snapshots: 0, chunks: 0, bytes: 0, problems: [] };
  const phase = engine.reporter.phase('pulling', { items: snapshots.length });
  const done = await downloadSnapshots({
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
  // Absent is a normal state of history; of a tip it keeps our ref from following, which the user must hear.
  const tips = new Set(steps.map((step) => step.target));
  const problems: ProblemRow[] = done.absent
    .filter((id) => tips.has(id))
    .map((snapshot) => ({
      what: 'blob-absent',
      snapshot,
      message: `${remote.name} does not hold the data of snapshot ${snapshot.slice(0, 12)} either`,
    }));
  return { snapshots: done.received.length, chunks: done.chunks, bytes: done.bytes, problems };
}
