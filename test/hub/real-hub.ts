/** A hub as `plait serve` makes it: store on disk, metadata on its own thread, real transfers, HTTP on a free port. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '../../src/blob/contract.ts';
import { openDiskBlobs } from '../../src/blob/index.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { KIND, snapshotId } from '../../src/core/hash.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import type { HubOptions } from '../../src/hub/contract.ts';
import { createHub, createTransferTokens, type Hub, type MetaThread, openMetaThread } from '../../src/hub/index.ts';
import { openPeer } from '../../src/remote/index.ts';
import { TransferServer } from '../../src/transfer/index.ts';
import { bodyOf, fileEntries, type MadeSnapshot, type Tree } from '../transfer/support/history.ts';
import { push } from '../transfer/support/push.ts';
import { type TestStore, testStore } from '../transfer/support/stores.ts';

export class RealHub implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-real-hub-'));
  blob!: BlobStore;
  thread!: MetaThread;
  hub!: Hub;

  static async start(options: Partial<HubOptions> = {}): Promise<RealHub> {
    const real = new RealHub();
    await real.open(options);
    return real;
  }

  async open(options: Partial<HubOptions> = {}): Promise<void> {
    this.blob = await openDiskBlobs(this.dir);
    const path = join(this.dir, 'meta.db');
    this.thread = await openMetaThread({ options: { path, create: true }, separateReads: true });
    const tokens = createTransferTokens(Buffer.alloc(32, 3));
    const transfer = new TransferServer({
      blob: this.blob,
      manifest,
      meta: this.thread.meta,
      tokens,
      now: Date.now,
      randomId: () => randomBytes(16).toString('hex'),
    });
    const data = { blob: this.blob, manifest };
    const { meta } = this.thread;
    this.hub = await createHub({ meta, data, transfer, transferTokens: tokens, cutEveryMs: 0, ...options });
  }

  /** As at SIGTERM. */
  async stop(): Promise<void> {
    await this.hub.close();
    await this.thread[Symbol.asyncDispose]();
    await this.blob[Symbol.asyncDispose]();
  }

  /** Names in quarantine: uploads that are going on, or were left. */
  quarantine(): string[] {
    return readdirSync(join(this.dir, 'quarantine'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A store with one volset, and its connection to a hub. */
export class Client implements AsyncDisposable {
  readonly volset: VolsetId;
  readonly name: string;
  readonly store: TestStore;
  readonly branch = randomBytes(16).toString('hex') as BranchId;
  readonly peer: Peer;

  constructor(
    url: string,
    name: string,
    volset = randomBytes(16).toString('hex') as VolsetId,
    signal?: AbortSignal,
    token?: string,
  ) {
    this.volset = volset;
    this.name = name;
    this.store = testStore();
    this.peer = openPeer({ url, self: this.store.meta.self.store, signal, token, fetchOptions: { retries: 0 } });
  }

  /** Makes the volset and its branch here. */
  begin(): this {
    this.store.meta.commit(this.volset, [
      { edit: 'create-volset', name: this.name, creator: 'test' },
      { edit: 'create-branch', branch: this.branch, name: 'main', creator: 'test' },
    ]);
    return this;
  }

  async snapshot(tree: Tree, parents: SnapshotId[] = []): Promise<MadeSnapshot> {
    const { blob, meta } = this.store;
    await using writer = blob.writer(this.volset);
    const entries = fileEntries(tree, (bytes) => writer.putObject(KIND.chunk, bytes));
    const root = manifest.build(writer, entries);
    const size = entries.reduce((sum, entry) => sum + entry.size, 0);
    const body = bodyOf({ parents, root, files: entries.length, bytes: size }, this.volset);
    const bytes = encodeSnapshotBody(body);
    const id = snapshotId(bytes);
    writer.putObject(KIND.snapshot, bytes);
    await writer.finish(() => meta.commit(this.volset, [{ edit: 'snapshot', id, body, blob: true }]));
    return { id, body, bytes };
  }

  upload(snapshots: SnapshotId[]) {
    return push(this.store, this.peer, snapshots, { volset: this.volset });
  }

  async sendRecords(): Promise<void> {
    const { meta } = this.store;
    meta.cut(this.volset);
    const plan = meta.planDeltas(this.volset, {}, 0);
    const sender = { label: meta.self.label, vector: meta.vector(this.volset) };
    await this.peer.sendGenerations(this.volset, meta.readDeltas(this.volset, plan.cursor).generations, sender);
  }

  /** What a first push does. */
  async push(tip: SnapshotId): Promise<boolean> {
    await this.peer.createVolset({ id: this.volset, name: this.name });
    await this.upload([tip]);
    await this.sendRecords();
    return (await this.peer.moveRefs(this.volset, [{ branch: this.branch, from: null, to: tip }])).moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
    this.store.meta[Symbol.dispose]();
  }
}
