/** Makes a tree visible as a snapshot: body, records and ref, in the write order of the format. */
import type { BlobWriter, WriteStats } from '../blob/contract.ts';
import { collected } from '../core/collected.ts';
import type { Conflict } from '../core/conflict.ts';
import { KIND } from '../core/hash.ts';
import type { BranchId, NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { SnapshotBody, TopDirectory } from '../core/records.ts';
import { encodeSnapshotBody, idOfBody } from '../core/snapshot-body.ts';
import type { Edit } from '../meta/contract.ts';
import type { Engine } from './engine.ts';

export interface NewSnapshot {
  volset: VolsetId;
  parents: SnapshotId[];
  root: NodeId;
  created: number;
  creator: string;
  files: number;
  bytes: number;
  dir?: TopDirectory;
}

export interface Labels {
  name?: string;
  description?: string;
  attrs?: Record<string, string>;
}

/** What is committed along with a snapshot. */
export interface Extras extends Labels {
  /** Paths that a merge found changed on both sides; recorded before the merge is visible. */
  conflicts?: Conflict[];
  /** Snapshots of whose trees parts were taken over as they are: complete at the commit, or it fails. */
  takenFrom?: SnapshotId[];
}

/** Records of conflicts in one transaction. */
const CONFLICT_BATCH = 5000;

export function bodyOf(fields: NewSnapshot): { id: SnapshotId; body: SnapshotBody } {
  const body: SnapshotBody = { type: 'snapshot', ...fields };
  return { id: idOfBody(body), body };
}

/** Register writes for a snapshot's name, description and attributes. */
export function labelEdits(id: SnapshotId, labels: Labels): Edit[] {
  const edits: Edit[] = [];
  const set = (field: string, value: string | undefined) => {
    if (value !== undefined) edits.push({ edit: 'set', register: `snapshot:${id}:${field}`, value });
  };
  set('name', labels.name);
  set('description', labels.description);
  for (const [key, value] of Object.entries(labels.attrs ?? {})) set(`attr:${key}`, value);
  return edits;
}

/** The branch that gets the snapshot, and its tip before. */
export interface LineRef {
  branch: BranchId;
  from: SnapshotId | null;
  /** Its name, if it is made now. */
  create?: string;
}

/** Packs the body, then commits records and ref under the index lock; nothing is visible if any of it fails. */
export async function commitSnapshot(
  engine: Engine,
  writer: BlobWriter,
  snapshot: { id: SnapshotId; body: SnapshotBody },
  line: LineRef | (() => LineRef),
  extras: Extras,
): Promise<WriteStats> {
  const { body } = snapshot;
  writer.putObject(KIND.snapshot, encodeSnapshotBody(body));
  const { conflicts = [], takenFrom = [] } = extras;
  return writer.finish(() => {
    // Under the lock that gc takes for each step: what is complete here now keeps all that it needs.
    const [gone] = engine.meta.missingBlobs(body.volset, takenFrom);
    if (gone !== undefined) throw collected({ missing: [], snapshot: gone });
    for (let at = 0; at < conflicts.length; at += CONFLICT_BATCH) {
      engine.meta.recordConflicts(body.volset, conflicts.slice(at, at + CONFLICT_BATCH));
    }
    const ref = typeof line === 'function' ? line() : line;
    engine.meta.commit(body.volset, editsOf(engine, snapshot, ref, extras));
  });
}

function editsOf(
  engine: Engine,
  { id, body }: { id: SnapshotId; body: SnapshotBody },
  { branch, from, create }: LineRef,
  labels: Labels,
): Edit[] {
  const edits: Edit[] = [{ edit: 'snapshot', id, body, blob: true }, ...labelEdits(id, labels)];
  if (create !== undefined) {
    edits.push({ edit: 'create-branch', branch, name: create, creator: engine.world.creator });
  }
  return [...edits, { edit: 'move-ref', branch, from, to: id }];
}
