/** Which snapshots' data is whole here by the index, and what the others lack. */
import type { BlobStore, ObjectRef } from '../../blob/contract.ts';
import type { Manifest } from '../../blob/manifest/contract.ts';
import { PlaitError } from '../../core/errors.ts';
import { hex, KIND, type Kind, unhex } from '../../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../core/ids.ts';
import type { SnapshotView } from '../../meta/contract.ts';

export interface Trees {
  blob: BlobStore;
  manifest: Manifest;
  signal: AbortSignal;
}

export interface Lacking {
  snapshot: SnapshotId;
  root: NodeId;
  lost: ObjectRef[];
}

const BATCH = 4096;

/** In the order given; what a snapshot shares with the last whole one is not looked at again. */
export function* lackingAmong(
  trees: Trees,
  volset: VolsetId,
  views: Iterable<SnapshotView>,
  onWhole: (id: SnapshotId) => void = () => {},
): Generator<Lacking> {
  let previous: NodeId | undefined;
  for (const { id, body } of views) {
    trees.signal.throwIfAborted();
    const lost = lostIn(trees, volset, body.root, previous);
    if (lost.length > 0) yield { snapshot: id, root: body.root, lost };
    else {
      previous = body.root;
      onWhole(id);
    }
  }
}

/** Chunks that are not there, and the first node: what is below it nobody knows. */
function lostIn({ blob, manifest }: Trees, volset: VolsetId, root: NodeId, previous: NodeId | undefined): ObjectRef[] {
  const reader = blob.reader(volset);
  const lost = new Map<string, ObjectRef>();
  const bases = previous === undefined || previous === root ? [] : [previous];
  if (previous === root) return [];
  let batch: Uint8Array[] = [];
  const flush = (): void => {
    const held = reader.has(KIND.chunk, Buffer.concat(batch));
    batch.forEach((id, n) => {
      if (held[n] === 0) lost.set(hex(id), { kind: KIND.chunk, id: Uint8Array.from(id) });
    });
    batch = [];
  };
  try {
    for (const { kind, id } of manifest.reachable(reader, root, bases))
      if (kind === KIND.chunk && batch.push(Uint8Array.from(id)) === BATCH) flush();
  } catch (error) {
    lost.set('node', nodeOf(error, root));
  }
  flush();
  return [...lost.values()];
}

function nodeOf(error: unknown, root: NodeId): ObjectRef {
  if (!(error instanceof PlaitError)) throw error;
  const { kind, id } = error.data ?? {};
  if (typeof id !== 'string' || typeof kind !== 'number') return { kind: KIND.node, id: unhex(root) };
  return { kind: kind as Kind, id: unhex(id) };
}
