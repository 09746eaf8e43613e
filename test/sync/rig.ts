/** A real hub in this process, on a store on disk, and client stores that talk to it; no program is spawned. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import { silentReporter } from '../../src/core/reporter.ts';
import type { Selection } from '../../src/core/selection.ts';
import { newToken } from '../../src/hub/bearer-token.ts';
import { createHub, createTransferTokens, type Hub, type MetaThread, openMetaThread } from '../../src/hub/index.ts';
import type { RemoteConfig } from '../../src/meta/contract.ts';
import { openPeer } from '../../src/remote/index.ts';
import { replicateAll } from '../../src/sync/all-volsets.ts';
import { bodyOf, commitSnapshot } from '../../src/sync/commit-snapshot.ts';
import type { Engine, Outcome, Store } from '../../src/sync/engine.ts';
import { type ReplicateOptions, replicate, type Verb } from '../../src/sync/replicate.ts';
import type { AllVolsetsResult, SyncResult } from '../../src/sync/results.ts';
import { keepPacked } from '../../src/sync/settle.ts';
import { createStore, openStore } from '../../src/sync/store.ts';
import { type ServerLimits, TransferServer } from '../../src/transfer/index.ts';
import { createVolume } from '../../src/volume/index.ts';
import { fileEntries, type Tree } from '../transfer/support/history.ts';
import { VOLSET } from '../transfer/support/stores.ts';

export { VOLSET };
export const MAIN = 'aa'.repeat(16) as BranchId;

const world = { now: Date.now, random: randomBytes, creator: 'test' };
const settings = { world, label: 'test', lockWaitMs: 10_000 };

export interface RunningHub {
  url: string;
  dir: string;
  thread: MetaThread;
  hub: Hub;
  blob: Store['blob'];
  stop(): Promise<void>;
  /** Of an admin with that label. */
  token(label: string): Promise<string>;
}

export class Rig implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'plait-sync-'));
  readonly #open: { close(): Promise<void> }[] = [];

  /** Starts the hub on the store `name`, which is made if it is not there. `auth`: only for bearers of its tokens. */
  async hub(
    name = 'hub',
    port = 0,
    { auth = false, limits }: { auth?: boolean; limits?: Partial<ServerLimits> } = {},
  ): Promise<RunningHub> {
    const dir = join(this.dir, name);
    createStore(dir, settings);
    const store = await openStore(dir, settings);
    store.meta[Symbol.dispose]();
    const thread = await openMetaThread({ options: { path: join(dir, 'meta.db'), lockWaitMs: 10_000 } });
    const tokens = createTransferTokens(Buffer.alloc(32, 7));
    const transfer = new TransferServer({
      blob: store.blob,
      manifest,
      meta: thread.meta,
      tokens,
      limits,
      now: Date.now,
      randomId: () => randomBytes(16).toString('hex'),
    });
    const hub = await createHub({ meta: thread.meta, transfer, transferTokens: tokens, noAuth: !auth, port });
    const stopPacking = keepPacked({ meta: thread.meta, blob: store.blob }, (error) => {
      throw error;
    });
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await hub.close();
      await stopPacking();
      await store.blob[Symbol.asyncDispose]();
      await thread[Symbol.asyncDispose]();
    };
    const stop = () => (closing ??= close());
    this.#open.push({ close: stop });
    const token = async (label: string): Promise<string> => {
      const { text, row } = newToken({ volset: '*', can: ['admin'], label, expires: null }, randomBytes, Date.now());
      await thread.meta.putToken(row);
      return text;
    };
    return { url: hub.url, dir, thread, hub, blob: store.blob, stop, token };
  }

  /** `skewMs`: how far its clock is ahead. */
  async client(name: string, { ephemeral = false, skewMs = 0 } = {}): Promise<Client> {
    const dir = join(this.dir, name);
    const skewed = { ...world, now: () => Date.now() + skewMs };
    const options = { ...settings, world: skewed, label: name, ephemeral };
    createStore(dir, options);
    const client = new Client(await openStore(dir, options), skewed);
    this.#open.push({ close: () => client.close() });
    return client;
  }

  /** The store as it lies there; nobody may have it open. */
  copy(from: string, to: string): void {
    rmSync(join(this.dir, to), { recursive: true, force: true });
    cpSync(join(this.dir, from), join(this.dir, to), { recursive: true });
  }

  /** A copy that nothing tells apart from the original: two histories under one id. */
  twin(from: string, to: string): void {
    this.copy(from, to);
    using db = new DatabaseSync(join(this.dir, to, 'meta.db'));
    db.exec("DELETE FROM self WHERE key IN ('inode', 'birth')");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { close } of this.#open.reverse()) await close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** In a describe: `let { rig, hub, a, b } = {} as HubOfTwo`, filled before each test. */
export interface HubOfTwo extends AsyncDisposable {
  rig: Rig;
  hub: RunningHub;
  a: Client;
  b: Client;
}

/** A hub and two clients of it; `a` has made the volset. */
export async function hubOfTwo(): Promise<HubOfTwo> {
  await using made = new AsyncDisposableStack();
  const rig = made.use(new Rig());
  const hub = await rig.hub();
  const a = (await rig.client('a')).start().origin(hub);
  const b = (await rig.client('b')).origin(hub);
  const all = made.move();
  return { rig, hub, a, b, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A store with one volset and one remote, `origin`. */
export class Client {
  engine: Engine;
  token: string | undefined;
  /** What the session warned of. */
  readonly warnings: string[] = [];
  /** Wraps each peer before it is used; for what happens between two requests. */
  meddle: (peer: Peer) => Peer = (peer) => peer;
  #closed = false;

  constructor(store: Store, clock = world) {
    this.engine = {
      ...store,
      manifest,
      world: clock,
      reporter: { ...silentReporter, warn: (text) => void this.warnings.push(text) },
      signal: new AbortController().signal,
      lockWaitMs: settings.lockWaitMs,
      openPeer: async (remote) =>
        this.meddle(
          openPeer({
            url: remote.url,
            token: this.token,
            expectIdentity: remote.identity,
            self: store.meta.self.store,
            fetchOptions: { retries: 0 },
          }),
        ),
    };
  }

  get meta(): Store['meta'] {
    return this.engine.meta;
  }

  /** Makes the volset with its branch main. */
  start(volset: VolsetId = VOLSET, name = 'data', branch = MAIN): this {
    this.meta.commit(volset, [
      { edit: 'create-volset', name, creator: 'test' },
      { edit: 'create-branch', branch, name: 'main', creator: 'test' },
    ]);
    return this;
  }

  origin(hub: { url: string }): this {
    return this.follow('origin', hub);
  }

  follow(name: string, { url }: { url: string }): this {
    const known = this.meta.listRemotes().find((remote) => remote.name === name);
    this.meta.putRemote({ ...known, name, url, volset: VOLSET, enabled: true });
    return this;
  }

  get remote(): RemoteConfig {
    return this.remoteNamed('origin');
  }

  remoteNamed(name: string): RemoteConfig {
    return this.meta.listRemotes().find((remote) => remote.name === name) as RemoteConfig;
  }

  /** A working directory on branch main, empty. */
  directory(): string {
    const dir = `${this.engine.dir}-work`;
    mkdirSync(dir);
    const id = randomBytes(16).toString('hex');
    const volume = createVolume({ store: this.engine.dir, dir, id, volset: VOLSET, branch: MAIN });
    this.engine = { ...this.engine, volume };
    return dir;
  }

  /** Volset, branch or snapshot by its register. */
  set(register: string, value: string | null): void {
    this.meta.commit(VOLSET, [{ edit: 'set', register, value }]);
  }

  get description(): string | null | undefined {
    return this.meta.findVolset(VOLSET)?.description;
  }

  tip(branch: BranchId = MAIN): SnapshotId | null {
    return this.meta.findBranch(VOLSET, branch)?.tip ?? null;
  }

  branch(id: BranchId, name: string, tip: SnapshotId): void {
    this.meta.commit(VOLSET, [
      { edit: 'create-branch', branch: id, name, creator: 'test' },
      { edit: 'move-ref', branch: id, from: null, to: tip },
    ]);
  }

  delete(branch: BranchId): void {
    this.meta.commit(VOLSET, [{ edit: 'delete', object: `branch:${branch}` }]);
  }

  /** A snapshot on top of the branch's tip. */
  async save(tree: Tree, branch: BranchId = MAIN): Promise<SnapshotId> {
    const { engine } = this;
    const from = this.tip(branch);
    await using writer = engine.blob.writer(VOLSET);
    const entries = fileEntries(tree, (bytes) => writer.putObject(0, bytes));
    const root = manifest.build(writer, entries);
    const totals = { files: entries.length, bytes: entries.reduce((sum, { size }) => sum + size, 0) };
    const parents = from === null ? [] : [from];
    const made = bodyOf({ volset: VOLSET, parents, root, created: Date.now(), creator: 'test', ...totals });
    await commitSnapshot(engine, writer, made, { branch, from }, {});
    return made.id;
  }

  run(verb: Verb, selection: Selection = {}, options: Partial<ReplicateOptions> = {}): Promise<Outcome<SyncResult>> {
    const all = { selection, dryRun: false, maxDelete: 1, failIfUnchanged: false, ...options };
    return replicate(this.engine, verb, this.remote, all);
  }

  /** With another remote than `origin`. */
  meet(name: string, verb: Verb, options: Partial<ReplicateOptions> = {}): Promise<Outcome<SyncResult>> {
    const all = { selection: {}, dryRun: false, maxDelete: 1, failIfUnchanged: false, ...options };
    return replicate(this.engine, verb, this.remoteNamed(name), all);
  }

  runAll(verb: Verb, options: Partial<ReplicateOptions> = {}): Promise<Outcome<AllVolsetsResult>> {
    const all = { selection: {}, dryRun: false, maxDelete: 1, failIfUnchanged: false, ...options };
    return replicateAll(this.engine, verb, this.remote, all);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.engine.blob[Symbol.asyncDispose]();
    this.meta[Symbol.dispose]();
  }
}
