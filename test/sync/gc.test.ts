/** Retention and drop between real stores: what goes, what stays and why, and that it comes back only when it is meant. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KIND, objectHash } from '../../src/core/hash.ts';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import { snapshotKey } from '../../src/core/register.ts';
import type { Retention } from '../../src/core/retention.ts';
import { drop } from '../../src/sync/drop.ts';
import { type GcOptions, gc } from '../../src/sync/gc.ts';
import { type Client, type HubOfTwo, hubOfTwo, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const DAY = 24 * 3_600_000;

const ALL = { dryRun: false, force: false, retireAfterMs: 90 * DAY };
const collect = (client: Client, rules: Retention = {}, more: Partial<GcOptions> = {}) =>
  gc(client.engine, { ...ALL, rules, ...more });
const holds = ({ engine: { dir } }: Client, needle: Uint8Array): boolean =>
  readdirSync(join(dir, 'packs'), { recursive: true, withFileTypes: true }).some(
    (file) => file.isFile() && readFileSync(join(file.parentPath, file.name)).includes(needle),
  );
/** As if it were killed once what was forgotten is dropped. */
const stopsAtCollect = (engine: Client['engine']): Client['engine'] => ({
  ...engine,
  blob: Object.assign(Object.create(engine.blob), { collect: () => Promise.reject(new Error('cut off')) }),
});
const here = (client: Client): SnapshotId[] =>
  client.meta.snapshotPage(VOLSET, null, 100).filter((id) => client.meta.findSnapshot(VOLSET, id)?.hasBlob);

describe('sync: gc', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  let made: SnapshotId[];
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    made = [];
    for (const content of ['1', '2', '3', '4'])
      made.push(
        await a.save({ same: 'x'.repeat(40_000), changes: content.repeat(30_000), [`only-${content}`]: content }),
      );
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('without a retention drops nothing', async () => {
    const { result, exits } = await collect(a);
    assert.deepEqual([result.kept, result.dropped, result.volsets, exits], [4, 0, [], []]);
    assert.deepEqual(here(a), made);
    assert.ok(a.meta.stamps().some(({ what, volset }) => what === 'gc' && volset === null));
  });

  it('with one drops what a remote holds; a sync takes nothing from there and brings nothing back unasked', async () => {
    await a.run('push');
    const { result, exits } = await collect(a, { last: 1 });
    assert.deepEqual([result.kept, result.dropped, exits], [1, 3, []]);
    assert.ok(result.freedBytes > 0, `freed ${result.freedBytes}`);
    const [{ dropped, volset }] = result.volsets;
    assert.deepEqual([volset, dropped.map(({ snapshot }) => snapshot)], ['data', made.slice(0, 3)]);
    assert.deepEqual(
      [dropped[1].branches, dropped[1].paths.map(({ path }) => path)],
      [['main'], ['changes', 'only-2']],
    );
    assert.deepEqual(here(a), made.slice(3));

    const synced = await a.run('sync');
    assert.deepEqual([synced.exits, synced.result.pulled.snapshots, synced.result.pushed.snapshots], [[], 0, 0]);
    assert.deepEqual(here(a), made.slice(3));
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), []);
    assert.equal((await a.run('sync')).result.requests, 1, 'nothing is left to be said');

    await a.run('pull', { snapshots: [made[1]] });
    assert.deepEqual(here(a), [made[1], made[3]]);
    assert.equal((await a.run('push')).result.pushed.snapshots, 0, 'it came from there');
    await b.run('pull');
    assert.deepEqual(here(b), made);
  });

  it('takes a snapshot back that has no ancestor here against the tips that are', async () => {
    const large = randomBytes(150_000).toString('base64');
    const first = await a.save({ large, note: 'one' });
    await a.save({ large, note: 'two' });
    await a.run('push');
    await collect(a, { last: 1 });
    const { result } = await a.run('pull', { snapshots: [first] });
    assert.equal(result.pulled.snapshots, 1);
    assert.ok(result.pulled.bytes < large.length / 2, `${result.pulled.bytes} bytes`);
  });

  it('keeps what nobody else holds, unless it is forced', async () => {
    const alone = await collect(a, { last: 1 });
    assert.deepEqual(alone.exits, [9]);
    assert.deepEqual(
      alone.result.volsets[0].kept.map(({ reason }) => reason),
      ['unproven', 'unproven', 'unproven'],
    );
    assert.deepEqual(here(a), made);
    const forced = await collect(a, { last: 1 }, { force: true });
    assert.deepEqual([forced.exits, here(a)], [[], made.slice(3)]);
  });

  it('does nothing in a dry run, and says the same', async () => {
    await a.run('push');
    const planned = await collect(a, { last: 2 }, { dryRun: true });
    assert.deepEqual(here(a), made);
    const done = await collect(a, { last: 2 });
    assert.deepEqual(planned.result.volsets, done.result.volsets);
    assert.deepEqual([planned.result.kept, planned.result.dropped], [done.result.kept, done.result.dropped]);
    const off = Math.abs(planned.result.freedBytes - done.result.freedBytes);
    assert.ok(off <= 0.15 * planned.result.bytesBefore + 4096, `off by ${off}`);
  });

  it('keeps what needs the word of a remote that is away, exit 13, and does the rest', async () => {
    await a.run('push');
    await hub.stop();
    const { exits, result } = await collect(a, { last: 1 });
    assert.deepEqual(exits, [13]);
    assert.deepEqual(new Set(result.volsets[0].kept.map(({ reason }) => reason)), new Set(['not-asked']));
    assert.equal(result.problems[0].what, 'not-asked');
    assert.deepEqual(here(a), made);
  });

  it('of two stores that hold the same, both may not drop', async () => {
    await a.run('push');
    await b.run('pull');
    assert.deepEqual((await collect(a, { last: 1 })).exits, []);
    const meta = hub.thread.meta;
    const { dropped, refused } = await meta.dropBlobs(VOLSET, made.slice(0, 3));
    assert.deepEqual(dropped, []);
    assert.deepEqual(new Set(refused.map(({ reason }) => reason)), new Set(['promised']));
  });

  it('keeps the base of a working directory, and tips of every branch, its remote ones too', async () => {
    a.branch(SIDE, 'side', made[1]);
    await a.run('push');
    await b.run('pull');
    a.directory();
    a.engine.volume?.update({ base: made[0] });
    const { result } = await collect(a, { last: 1 }, { force: true });
    assert.deepEqual(result.volsets[0].kept, [{ snapshot: made[0], reason: 'base' }]);
    assert.deepEqual(here(a), [made[0], made[1], made[3]]);
    await assert.doesNotReject(collect(b, { within: 0 }));
    assert.deepEqual(here(b), [made[1], made[3]]);
  });

  it('of what was forgotten leaves no byte in any pack, also where an earlier gc was cut off', async () => {
    const [secret, large] = [500, 90_000].map((length) => randomBytes(length).toString('base64'));
    const forgotten = await a.save({ large, secret });
    await a.save({ large });
    await a.run('push');
    await b.run('pull');
    a.meta.commit(VOLSET, [{ edit: 'delete', object: snapshotKey(forgotten) }]);
    await a.run('push');
    await b.run('pull');
    // Each pack names the objects in it.
    const needle = objectHash(KIND.chunk, Buffer.from(secret));
    assert.deepEqual([holds(a, needle), holds(b, needle)], [true, true]);
    await assert.rejects(gc(stopsAtCollect(a.engine), { ...ALL, rules: {} }), /cut off/);
    for (const client of [a, b]) {
      const { result } = await collect(client);
      assert.ok(result.freedBytes >= secret.length, `freed ${result.freedBytes}`);
      assert.equal(holds(client, needle), false);
    }
    assert.equal((await collect(a)).result.packsRewritten, 0, 'once is enough');
  });

  /** `then` runs right after blobs went. */
  const afterDrop = ({ engine, meta }: Client, then: () => void) => ({
    ...engine,
    meta: new Proxy(meta, {
      get: (target, name) => {
        if (name !== 'dropBlobs') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name);
        return (...args: Parameters<typeof meta.dropBlobs>) => {
          const answer = meta.dropBlobs(...args);
          if (args[1].length > 0 && !args[2]?.dryRun) then();
          return answer;
        };
      },
    }),
  });

  it('gives back what a directory has come to stand on, before gc of anybody else can take it', async () => {
    a.directory();
    let locked = false;
    const engine = afterDrop(a, () => {
      a.engine.volume?.update({ base: made[1] });
      using index = new DatabaseSync(join(a.engine.dir, 'index.db'), { timeout: 0 });
      assert.throws(() => index.exec('BEGIN IMMEDIATE'), /locked/);
      locked = true;
    });
    const { result } = await gc(engine, { ...ALL, rules: { last: 1 }, force: true });
    assert.ok(locked);
    assert.deepEqual(result.volsets[0].kept, [{ snapshot: made[1], reason: 'base' }]);
    assert.deepEqual(here(a), [made[1], made[3]]);
    for await (const damage of a.engine.blob.verifyPacks({ readData: true })) assert.fail(damage.what);
  });

  it('does not believe what a remote said long ago', async () => {
    await a.run('push');
    let late = 0;
    const { world, openPeer } = a.engine;
    const engine: Client['engine'] = {
      ...a.engine,
      world: { ...world, now: () => world.now() + late },
      openPeer: async (...args) => {
        const peer = await openPeer(...args);
        const holds = peer.holds.bind(peer);
        peer.holds = async (...asked) => {
          const held = await holds(...asked);
          late = 3_600_000;
          return held;
        };
        return peer;
      },
    };
    await assert.rejects(gc(engine, { ...ALL, rules: { last: 1 } }), { code: 'busy' });
    assert.deepEqual(here(a), made);
  });

  it('does not count what is damaged as kept', async () => {
    a.meta.setDamaged(VOLSET, [made[3]], true);
    await collect(a, { last: 1 }, { force: true });
    assert.deepEqual(here(a), [made[2], made[3]]);
  });

  it('frees a deleted volume set', async () => {
    a.meta.commit(VOLSET, [{ edit: 'delete', object: 'volset' }]);
    const { result, exits } = await collect(a);
    assert.deepEqual([result.kept, result.dropped, exits], [0, 4, []]);
    assert.ok(result.bytesAfter < result.bytesBefore / 4, `${result.bytesAfter} of ${result.bytesBefore}`);
  });

  describe('drop', () => {
    const dropOf = (refs: string[], { force = false, dryRun = false } = {}) => drop(a.engine, { refs, force, dryRun });

    it('wants proof, and says what to do without', async () => {
      const refused = await dropOf(['main~1']);
      assert.deepEqual(refused.exits, [9]);
      assert.match(refused.result.kept[0].message, /no remote says that it holds it: push it, or --force/);
      await a.run('push');
      const { result, exits } = await dropOf(['main~1', 'main~2', made[2]]);
      assert.deepEqual([exits, result.dropped.map(({ snapshot }) => snapshot)], [[], [made[2], made[1]]]);
      assert.deepEqual(here(a), [made[0], made[3]]);
      await assert.rejects(dropOf([made[2]]), { code: 'blob-absent' });
      assert.deepEqual((await dropOf([made[2], 'main~3'])).result.absent, [made[2]]);
    });

    it('never takes a tip, forced or not', async () => {
      const { exits, result } = await dropOf(['main'], { force: true });
      assert.deepEqual([exits, result.kept.map(({ reason }) => reason)], [[9], ['tip']]);
    });

    it('names no file whose version an older snapshot has as well', async () => {
      const files = { old: '1', same: '1' };
      await a.save(files);
      const middle = await a.save({ ...files, between: '1' });
      await a.save({ ...files, old: '2' });
      const [{ paths }] = (await dropOf([middle], { dryRun: true, force: true })).result.dropped;
      assert.deepEqual(paths, [{ path: 'between' }]);
    });

    it('is forced without asking anybody, and does nothing in a dry run', async () => {
      await hub.stop();
      assert.equal((await dropOf(['main~1'], { force: true, dryRun: true })).result.dropped.length, 1);
      assert.deepEqual(here(a), made);
      assert.deepEqual((await dropOf(['main~1'])).exits, [13]);
      assert.deepEqual((await dropOf(['main~1'], { force: true })).exits, []);
      assert.deepEqual(here(a), [made[0], made[1], made[3]]);
    });
  });
});
