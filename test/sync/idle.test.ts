import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import type { BranchView, MetaStore } from '../../src/meta/contract.ts';
import type { Outcome } from '../../src/sync/engine.ts';
import type { ReplicateOptions, Verb } from '../../src/sync/replicate.ts';
import type { SyncResult } from '../../src/sync/results.ts';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, Rig, type RunningHub, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;

/** Which methods of the metadata store a session called, and with which rounds. */
class Watch {
  readonly calls: string[] = [];
  quiet = false;

  constructor(client: Client) {
    const spy = (name: Exclude<keyof MetaStore, symbol>): void => {
      const method = client.meta[name] as (...args: unknown[]) => unknown;
      const watched = (...args: unknown[]): unknown => {
        this.calls.push(name);
        if (name === 'apply' && (args[1] as { quiet?: boolean }).quiet) this.quiet = true;
        return method(...args);
      };
      Object.defineProperty(client.meta, name, { value: watched, configurable: true });
    };
    for (const name of ['apply', 'refs', 'lineage', 'agreedTips', 'commit', 'updatePeer'] as const) spy(name);
  }

  /** Runs a session and answers whether it left out the look at the branches. */
  async look<T>(session: () => Promise<T>): Promise<{ done: T; quiet: boolean; calls: string[] }> {
    this.quiet = false;
    this.calls.length = 0;
    const done = await session();
    return { done, quiet: this.quiet, calls: [...this.calls] };
  }
}

/** The whole document but for times. */
const documentOf = ({ result, exits }: Outcome<SyncResult>) => ({ ...result, durationMs: 0, exits });

describe('sync: with nothing to do', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  let watch: Watch;
  /** Of main, and of side: its parent. */
  let tip: SnapshotId;
  let old: SnapshotId;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    old = await a.save({ f: '1' });
    a.branch(SIDE, 'side', old);
    tip = await a.save({ f: '2' });
    await a.run('sync');
    await b.run('sync');
    watch = new Watch(a);
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const sync = (verb: Verb = 'sync', options: Partial<ReplicateOptions> = {}) =>
    watch.look(() => a.run(verb, {}, options));

  it('the branches are looked at once, and then not until something changes', async () => {
    const looked = await sync();
    assert.deepEqual([looked.quiet, looked.done.result.upToDate], [false, true]);
    for (const verb of ['sync', 'push', 'pull', 'fetch', 'sync'] as const) {
      const again = await sync(verb);
      assert.equal(again.quiet, true, verb);
      assert.deepEqual(again.calls, ['apply', 'updatePeer']);
      assert.deepEqual([again.done.exits, again.done.result.requests, again.done.result.upToDate], [[], 1, true]);
      assert.deepEqual(
        again.done.result.branches.map(({ name, action, to }) => [name, action, to]),
        [
          ['main', 'up-to-date', tip],
          ['side', 'up-to-date', old],
        ],
      );
    }
  });

  it('nothing is written', async () => {
    await sync();
    using db = new DatabaseSync(`${a.engine.dir}/meta.db`, { readOnly: true });
    const version = () => db.prepare('PRAGMA data_version').get();
    const before = version();
    assert.equal((await sync()).quiet, true);
    assert.deepEqual(version(), before);
  });

  const there = async (change: () => unknown): Promise<void> => {
    await change();
    await b.run('sync');
  };
  const changes: [string, () => unknown][] = [
    ['a snapshot here', () => a.save({ f: '3' })],
    ['a snapshot there', () => there(() => b.save({ f: '3' }))],
    ['a tip moved here', () => a.meta.commit(VOLSET, [{ edit: 'move-ref', branch: SIDE, from: old, to: tip }])],
    ['a branch here', () => a.branch('cc'.repeat(16) as BranchId, 'third', tip)],
    ['a deletion here', () => a.delete(SIDE)],
    ['a deletion there', () => there(() => b.delete(SIDE))],
    ['a name there', () => there(() => b.set(`branch:${SIDE}:name`, 'other'))],
    ['an edit of the volset here', () => a.set('volset:description', 'x')],
    ['memory of the remote lost', () => a.meta.forgetPeer(hub.thread.meta.self.install, VOLSET)],
  ];
  for (const [what, change] of changes) {
    it(`ends with ${what}`, async () => {
      await sync();
      assert.equal((await sync()).quiet, true);
      await change();
      assert.equal((await sync()).quiet, false);
      assert.equal((await sync()).quiet, false);
      // A deletion is answered by a ref that the hub let go of: one more look.
      await sync();
      assert.equal((await sync()).quiet, true);
    });
  }

  it('a dry run and a selection look for themselves', async () => {
    await sync();
    assert.equal((await sync('sync', { dryRun: true })).quiet, false);
    assert.equal((await watch.look(() => a.run('push', { branches: ['main'] }))).quiet, false);
    assert.equal((await sync()).quiet, true);
  });

  it('a diverged branch is told in every run while it lasts', async () => {
    await b.save({ f: 'b' });
    await b.run('sync');
    await a.save({ f: 'a' });
    for (let run = 0; run < 4; run++) {
      const { done, quiet } = await sync();
      assert.deepEqual([done.exits, quiet, done.result.diverged.length], [[6], false, 1]);
    }
  });

  it('data that is not here is asked for, whatever was found before', async () => {
    await b.save({ f: '3' });
    await b.save({ f: '4' });
    await b.run('push', { tips: true });
    await sync();
    await sync();
    assert.equal(a.meta.missingBlobs(VOLSET).length, 1);
    assert.equal((await sync()).quiet, false);
    await b.save({ f: '5' });
    await b.run('push');
    assert.equal((await sync()).done.result.pulled.snapshots, 2);
    assert.deepEqual(a.meta.missingBlobs(VOLSET), []);
  });
});

describe('sync: a session that does not look hides nothing', () => {
  const step = fc.record({
    who: fc.nat(1),
    hub: fc.nat(1),
    what: fc.constantFrom(
      'save',
      'save',
      'branch',
      'rename',
      'delete',
      'edit',
      'move',
      'meet',
      'meet',
      'meet',
      'theirs',
      'tips',
    ),
    verb: fc.constantFrom<Verb>('sync', 'sync', 'sync', 'push', 'pull', 'fetch'),
    at: fc.nat(5),
  });

  it('the long way finds the same, in any history of two stores and two hubs', async function () {
    this.timeout(240_000);
    let quietRuns = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
        await using world = await World.make();
        for (const one of steps) await world.take(one);
        for (const who of [0, 1]) for (const hub of [0, 1]) await world.meet(who, hub, 'sync');
        quietRuns += world.quietRuns;
      }),
      { numRuns: 8, endOnFailure: true },
    );
    assert.ok(quietRuns > 20, `only ${quietRuns} quiet sessions`);
  });
});

class World implements AsyncDisposable {
  readonly #rig: Rig;
  readonly #hubs: RunningHub[];
  readonly #clients: { client: Client; watch: Watch }[];
  #edits = 0;
  quietRuns = 0;

  constructor(rig: Rig, hubs: RunningHub[], clients: Client[]) {
    this.#rig = rig;
    this.#hubs = hubs;
    this.#clients = clients.map((client) => ({ client, watch: new Watch(client) }));
  }

  static async make(): Promise<World> {
    const rig = new Rig();
    const hubs = [await rig.hub('hub0'), await rig.hub('hub1')];
    const clients = [(await rig.client('a')).start(), await rig.client('b')];
    await clients[0].save({ f: '0' });
    for (const client of clients) hubs.forEach((hub, i) => void client.follow(`hub${i}`, hub));
    const world = new World(rig, hubs, clients);
    for (const [who, hub] of [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ])
      await world.meet(who, hub, 'sync');
    return world;
  }

  async take({ who, hub, what, verb, at }: { who: number; hub: number; what: string; verb: Verb; at: number }) {
    const { client } = this.#clients[who];
    const branches = client.meta.listBranches(VOLSET);
    const branch = branches[at % Math.max(1, branches.length)];
    const edit = `${++this.#edits}`;
    if (what === 'meet') return this.meet(who, hub, verb);
    if (what === 'theirs')
      return void (await client.meet(`hub${hub}`, 'pull', { theirs: true }).catch(() => undefined));
    if (what === 'tips') return void (await client.meet(`hub${hub}`, 'push', { selection: { tips: true } }));
    if (what === 'edit') return client.set('volset:description', edit);
    if (branch === undefined || branch.tip === null) return;
    if (what === 'save') return void (await client.save({ f: edit }, branch.id));
    if (what === 'branch') return client.branch(`${who}${edit}`.padStart(32, '0') as BranchId, `n${at}`, branch.tip);
    if (what === 'move') return this.move(client, branch, branches[(at + 1) % branches.length]);
    if (what === 'rename') return client.set(`branch:${branch.id}:name`, `n${at}`);
    if (branch.id !== MAIN) client.delete(branch.id);
  }

  /** A tip of our own to another that is known: no record tells of it. */
  move(client: Client, { id, tip }: BranchView, to: BranchView): void {
    const here = to.tip !== null && client.meta.missingBlobs(VOLSET, [to.tip]).length === 0;
    if (here) client.meta.commit(VOLSET, [{ edit: 'move-ref', branch: id, from: tip, to: to.tip as SnapshotId }]);
  }

  /** Three times: the first may change something, the second looks, the third need not. */
  async meet(who: number, hub: number, verb: Verb): Promise<void> {
    const { client, watch } = this.#clients[who];
    const session = () => client.meet(`hub${hub}`, verb);
    for (let run = 0; run < 3; run++) {
      const { done, quiet } = await watch.look(session);
      if (!quiet) continue;
      this.quietRuns++;
      client.meta.updatePeer(this.#hubs[hub].thread.meta.self.install, VOLSET, { settled: '' });
      const long = await watch.look(session);
      assert.equal(long.quiet, false);
      assert.ok(!long.calls.includes('commit'), 'the long way changed something');
      assert.deepEqual(documentOf(long.done), documentOf(done));
      assert.equal(done.result.upToDate, true);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rig[Symbol.asyncDispose]();
  }
}
