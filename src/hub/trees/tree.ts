/** The tree of a snapshot, for those who may look into it. */
import type { BlobReader } from '../../blob/contract.ts';
import type { Manifest } from '../../blob/manifest/contract.ts';
import type { Entry } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import type { NodeId, SnapshotId, VolsetId } from '../../core/ids.ts';
import { type PathKey, ROOT, showPath } from '../../core/paths.ts';
import type { HubContext } from '../routes/route.ts';

export interface Tree {
  manifest: Manifest;
  reader: BlobReader;
  root: NodeId;
  snapshot: SnapshotId;
  /** Of the snapshot, in milliseconds. */
  created: number;
}

/**
 * Of one that is damaged whatever can be read is shown. Nothing is held for the time of the answer: reads find again what
 * gc has moved, and where the data is dropped meanwhile they throw `blob-absent`, which cuts an answer that has begun.
 */
export async function openTree({ meta, data }: HubContext, volset: VolsetId, snapshot: SnapshotId): Promise<Tree> {
  if (!data) throw new PlaitError('not-found', 'nobody can look into snapshots here');
  const view = (await meta.findVolset(volset)) && (await meta.findSnapshot(volset, snapshot));
  if (!view) {
    throw new PlaitError('not-found', 'no such snapshot here', { hint: 'it is not here yet, or has been forgotten' });
  }
  if (!view.hasBlob) {
    throw new PlaitError('blob-absent', `the data of snapshot ${snapshot.slice(0, 12)} is not in this store`, {
      hint: 'push it from a store that has it',
      data: { snapshot },
    });
  }
  const { root, created } = view.body;
  return { manifest: data.manifest, reader: data.blob.reader(volset), root, snapshot, created };
}

/** What a path names; the root has no entry. */
export function entryAt({ manifest, reader, root, snapshot }: Tree, path: PathKey): Entry | undefined {
  if (path === ROOT) return undefined;
  const entry = manifest.find(reader, root, path);
  if (entry) return entry;
  throw new PlaitError('not-found', `${showPath(path)} is not in snapshot ${snapshot.slice(0, 12)}`, {
    hint: 'see the entries of its folder',
  });
}
