/** Trees that no honest store makes, canonical but for their names and links; and a hub that serves them. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { Entry } from '../../src/core/entry.ts';
import { encodeExtents } from '../../src/core/extents.ts';
import { KIND, snapshotId, unhex } from '../../src/core/hash.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import { silentReporter } from '../../src/core/reporter.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { openPeer } from '../../src/remote/index.ts';
import { clone } from '../../src/sync/clone.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { createStore, openStore } from '../../src/sync/store.ts';
import { createVolume } from '../../src/volume/index.ts';
import { Client, type RealHub } from '../hub/real-hub.ts';
import { bodyOf } from '../transfer/support/history.ts';

/** Entries without contents; files get one chunk. */
export type Tree = Entry[];

const TEXT = Buffer.from('evil');
export const key = (path: string): PathKey => Buffer.from(path, 'utf8').toString('latin1') as PathKey;
export const file = (path: string, more: Partial<Entry> = {}): Entry => ({
  path: path as PathKey,
  kind: 'file',
  mode: 0o644,
  mtime: 1n,
  size: TEXT.length,
  ...more,
});
export const dir = (path: string): Entry => ({ path: path as PathKey, kind: 'dir', mode: 0o755, mtime: 1n, size: 0 });
export const link = (path: string, target: string): Entry => ({
  path: path as PathKey,
  kind: 'symlink',
  mode: 0,
  mtime: 1n,
  size: 0,
  target: Buffer.from(target),
});

/** Puts the tree and its snapshot into the client's own store, where nothing is checked. */
export async function plant(client: Client, tree: Tree): Promise<{ id: SnapshotId; root: string }> {
  const { blob, meta } = client.store;
  await using writer = blob.writer(client.volset);
  const extents = encodeExtents([{ length: TEXT.length, id: writer.putObject(KIND.chunk, TEXT) }]);
  const entries = tree
    .map((entry) => (entry.kind === 'file' ? { ...entry, content: { extents } } : entry))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const root = manifest.build(writer, entries);
  const files = entries.filter(({ kind }) => kind === 'file').length;
  const body = bodyOf({ root, files, bytes: files * TEXT.length }, client.volset);
  const bytes = encodeSnapshotBody(body);
  const id = snapshotId(bytes);
  writer.putObject(KIND.snapshot, bytes);
  await writer.finish(() => meta.commit(client.volset, [{ edit: 'snapshot', id, body, blob: true }]));
  return { id, root };
}

/** The hub has the tree under a volset of its own, without having looked at it. */
export async function serveTree(hub: RealHub, name: string, tree: Tree): Promise<Client['volset']> {
  await using client = new Client(hub.hub.url, name).begin();
  const { id, root } = await plant(client, tree);
  await client.peer.createVolset({ id: client.volset, name });
  await client.sendRecords();
  const reader = client.store.blob.reader(client.volset);
  await using writer = hub.blob.writer(client.volset);
  for (const object of manifest.reachable(reader, root as never)) {
    writer.putObject(object.kind, reader.readObject(object.kind, object.id));
  }
  writer.putObject(KIND.snapshot, reader.readObject(KIND.snapshot, unhex(id)));
  await writer.finish(() => hub.thread.meta.setBlobs(client.volset, [id]));
  await client.peer.moveRefs(client.volset, [{ branch: client.branch, from: null, to: id }]);
  return client.volset;
}

const world = { now: Date.now, random: randomBytes, creator: 'test' };

/** `plait clone` without the program: one store in `top`/store, a working directory of its own for each clone. */
export class Victim implements AsyncDisposable {
  readonly #top: string;
  readonly #opened: Awaited<ReturnType<typeof openStore>>;

  private constructor(top: string, opened: Awaited<ReturnType<typeof openStore>>) {
    this.#top = top;
    this.#opened = opened;
  }

  static async in(top: string): Promise<Victim> {
    const store = join(top, 'store');
    const settings = { world, label: 'victim', lockWaitMs: 2000 };
    createStore(store, settings);
    return new Victim(top, await openStore(store, settings));
  }

  /** Into `top`/work, which must not be there. */
  async clone(url: string, volset: Client['volset']): Promise<void> {
    const opened = this.#opened;
    const work = join(this.#top, 'work');
    const store = join(this.#top, 'store');
    fs.mkdirSync(work);
    const engine: Engine = {
      ...opened,
      manifest,
      volume: createVolume({ store, dir: work, id: randomBytes(16).toString('hex'), volset, branch: null }),
      world,
      reporter: silentReporter,
      signal: new AbortController().signal,
      lockWaitMs: 2000,
      openPeer: async () => openPeer({ url, self: opened.meta.self.store, fetchOptions: { retries: 0 } }),
    };
    const remote = { name: 'origin', url, enabled: true };
    await clone(engine, { remote, volset, selection: {}, checkout: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.blob[Symbol.asyncDispose]();
    this.#opened.meta[Symbol.dispose]();
  }
}
