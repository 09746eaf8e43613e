/** Trees and snapshots for transfer tests. */
import assert from 'node:assert/strict';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { encodeExtents } from '../../../src/core/extents.ts';
import { KIND, snapshotId, unhex } from '../../../src/core/hash.ts';
import type { SnapshotId, VolsetId } from '../../../src/core/ids.ts';
import type { PathKey } from '../../../src/core/paths.ts';
import type { SnapshotBody } from '../../../src/core/records.ts';
import { encodeSnapshotBody } from '../../../src/core/snapshot-body.ts';
import { type TestStore, VOLSET } from './stores.ts';

/** File name -> content. */
export type Tree = Record<string, string>;

export function fileEntries(tree: Tree, put: (bytes: Uint8Array) => Uint8Array): Entry[] {
  return Object.keys(tree)
    .sort()
    .map((name) => {
      const bytes = Buffer.from(tree[name]);
      const extents = bytes.length === 0 ? [] : [{ length: bytes.length, id: put(bytes) }];
      const content = { extents: encodeExtents(extents) };
      return { path: name as PathKey, kind: 'file', mode: 0o644, mtime: 1n, size: bytes.length, content };
    });
}

export interface MadeSnapshot {
  id: SnapshotId;
  body: SnapshotBody;
  bytes: Uint8Array;
}

/** Stores a tree and its snapshot, complete, with its record. */
export async function makeSnapshot(
  { blob, meta }: TestStore,
  tree: Tree,
  parents: SnapshotId[] = [],
  created = 1,
): Promise<MadeSnapshot> {
  await using writer = blob.writer(VOLSET);
  const entries = fileEntries(tree, (bytes) => writer.putObject(KIND.chunk, bytes));
  const root = manifest.build(writer, entries);
  const size = entries.reduce((sum, entry) => sum + entry.size, 0);
  const body = bodyOf({ parents, root, created, files: entries.length, bytes: size });
  const bytes = encodeSnapshotBody(body);
  const id = snapshotId(bytes);
  writer.putObject(KIND.snapshot, bytes);
  await writer.finish(() => meta.commit(VOLSET, [{ edit: 'snapshot', id, body, blob: true }]));
  return { id, body, bytes };
}

export function bodyOf(
  fields: Partial<SnapshotBody> & Pick<SnapshotBody, 'root'>,
  volset: VolsetId = VOLSET,
): SnapshotBody {
  return { type: 'snapshot', volset, parents: [], created: 1, creator: 'test', files: 0, bytes: 0, ...fields };
}

/** Every object of the snapshot is there, with the right content. */
export function assertComplete({ blob, meta }: TestStore, { id, body }: Pick<MadeSnapshot, 'id' | 'body'>): void {
  const reader = blob.reader(body.volset);
  assert.deepEqual(meta.missingBlobs(body.volset, [id]), [], `snapshot ${id} is marked complete`);
  manifest.check(reader, body.root);
  for (const { kind, id: object } of manifest.reachable(reader, body.root)) {
    assert.equal(reader.has(kind, object)[0], 1, 'an object of a complete snapshot is here');
  }
  assert.equal(reader.has(KIND.snapshot, unhex(id))[0], 1, 'its body is packed too');
}

/** A tree of `files` files of about 40 bytes. */
export function someTree(files: number, salt = ''): Tree {
  const tree: Tree = {};
  for (let n = 0; n < files; n++)
    tree[`file${String(n).padStart(6, '0')}`] = `content ${n} ${salt} ${'x'.repeat(n % 30)}`;
  return tree;
}
