/** Trees and snapshots for transfer tests. */
import assert from 'node:assert/strict';
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { Entry } from '../../../src/core/entry.ts';
import { encodeExtents } from '../../../src/core/extents.ts';
import { KIND, unhex } from '../../../src/core/hash.ts';
import type { SnapshotId, VolsetId } from '../../../src/core/ids.ts';
import type { PathKey } from '../../../src/core/paths.ts';
import type { SnapshotBody } from '../../../src/core/records.ts';
import { encodeSnapshotBody } from '../../../src/core/snapshot-body.ts';
import type { Tiny } from './tiny-store.ts';

export const VOLSET = '0123456789abcdef0123456789abcdef' as VolsetId;

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

/** Stores a tree and its snapshot, complete. */
export function makeSnapshot(
  { blobs, meta }: Tiny,
  tree: Tree,
  parents: SnapshotId[] = [],
  created = 1,
  volset = VOLSET,
): MadeSnapshot {
  const writer = blobs.writer(volset);
  const entries = fileEntries(tree, (bytes) => writer.putObject(KIND.chunk, bytes));
  const root = manifest.build(writer, entries);
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const body: SnapshotBody = {
    type: 'snapshot',
    volset,
    parents,
    root,
    created,
    creator: 'test',
    files: entries.length,
    bytes,
  };
  writer.putObject(KIND.snapshot, encodeSnapshotBody(body));
  return { id: meta.add(body, true), body, bytes: encodeSnapshotBody(body) };
}

/** Every object of the snapshot is there, with the right content. */
export function assertComplete(store: Tiny, { id, body }: Pick<MadeSnapshot, 'id' | 'body'>): void {
  const reader = store.blobs.reader(body.volset);
  assert.ok(store.meta.complete.has(id), `snapshot ${id} is marked complete`);
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
