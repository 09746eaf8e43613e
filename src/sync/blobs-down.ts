/** Which snapshots' data is fetched from the other side, and fetching it. */
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import { isEmpty, lineOf, type Selection } from '../core/selection.ts';
import type { MetaStore } from '../meta/contract.ts';
import { downloadSnapshots } from '../transfer/client.ts';
import { lackedHere, noteAbsent } from './left-out.ts';
import { resolveReference } from './references.ts';
import type { Moved, ProblemRow } from './results.ts';
import type { Session } from './session.ts';
import { sinceStop } from './since.ts';

export interface Received extends Moved {
  problems: ProblemRow[];
}

/**
 * Without a selection: all history of the peer's tips whose data is not here, also what a selection left out before.
 * With one: from each tip back to what is complete here. Diverged tips count, since a merge needs them.
 */
function wantedHere(session: Session, steps: RefStep[], selection: Selection): SnapshotId[] {
  const { engine, volset } = session;
  const has = (id: SnapshotId) => engine.meta.missingBlobs(volset, [id]).length === 0;
  const named = namedIn(session, selection).filter((id) => !has(id));
  if (selection.metadataOnly || isMetadataOnly(session)) return named;
  if (isEmpty(selection)) return lackedHere(session, steps);
  const since = sinceStop(engine, volset, selection.since);
  const seen = new Set<SnapshotId>();
  const line: SnapshotId[] = [];
  for (const { target } of steps) {
    if (target === null) continue;
    const stop = (id: SnapshotId) => has(id) || (id !== target && since(id));
    const parentsOf = (id: SnapshotId) => engine.meta.parentsOf(volset, [id])[id];
    line.push(...lineOf(target, parentsOf, { stop, tips: selection.tips, seen }));
  }
  const wanted = [...new Set([...named, ...line.reverse()])];
  const gone = new Set(engine.meta.forgotten(volset, wanted));
  return wanted.filter((id) => !gone.has(id));
}

function namedIn({ engine, volset }: Session, { metadataOnly, snapshots = [] }: Selection): SnapshotId[] {
  return metadataOnly ? [] : snapshots.map((ref) => resolveReference(engine, volset, ref).snapshot);
}

export const isMetadataOnly = ({ engine, volset }: MetadataOnly): boolean =>
  engine.meta.settings()[`volset.${volset}.metadata-only`] === 'true';

interface MetadataOnly {
  engine: { meta: Pick<MetaStore, 'settings'> };
  volset: VolsetId;
}

export async function blobsDown(
  session: Session,
  steps: RefStep[],
  selection: Selection,
  parallel?: number,
): Promise<Received> {
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
    parallel,
    onProgress: (step) => phase.advance(step),
  });
  phase.end();
  if (isEmpty(selection)) noteAbsent(session, done.absent.length + done.declined.length);
  // Absent is a normal state of history; of a tip it keeps our ref from following, which the user must hear, and so must
  // who asked for it by name.
  const awaited = new Set([...steps.map((step) => step.target), ...namedIn(session, selection)]);
  const problems: ProblemRow[] = done.absent
    .filter((id) => awaited.has(id))
    .map((snapshot) => ({
      what: 'blob-absent',
      snapshot,
      message: `${remote.name} does not hold the data of snapshot ${snapshot.slice(0, 12)} either`,
    }));
  return { snapshots: done.received.length, chunks: done.chunks, bytes: done.bytes, problems };
}
