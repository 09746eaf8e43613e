import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { BranchId, SnapshotId } from '../../../src/core/ids.ts';
import { checkout } from '../../../src/sync/checkout.ts';
import { startBadNetwork } from '../../helpers/bad-network.ts';
import { type HubOfTwo, hubOfTwo, MAIN, type RunningHub, VOLSET } from '../rig.ts';
import { countCalls, eventually, Follower, hastyClock } from './follower.ts';

describe('follow: what stands in the way', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: '1' });
    await a.run('sync');
    await b.run('sync');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('the directory goes forward when it is clean; unsaved changes hold it, the rest goes on', async () => {
    const dir = b.directory();
    await checkout(b.engine, 'main', false);
    const file = join(dir, 'f');
    await using follower = new Follower(b, {}, hastyClock());
    await follower.inSync();
    await a.save({ f: '2' });
    await a.run('sync');
    await eventually(() => readFileSync(file, 'utf8') === '2', 'the directory at the second snapshot');
    writeFileSync(join(dir, 'mine'), 'unsaved');
    const third = await a.save({ f: '3' });
    await a.run('sync');
    await follower.until((event) => event.event === 'volume' && event.type === 'problem', 'the problem');
    assert.deepEqual([b.tip(), readFileSync(file, 'utf8')], [third, '2']);
    const fourth = await a.save({ f: '4' });
    await a.run('sync');
    await eventually(() => b.tip() === fourth, 'the tip, whatever the directory does');
    rmSync(join(dir, 'mine'));
    await eventually(() => readFileSync(file, 'utf8') === '4', 'the directory once it is clean');
    const told = follower.events.filter(({ event, type }) => event === 'volume' && type === 'problem');
    const object = `volume:${b.engine.volume?.state.id}`;
    assert.deepEqual(
      told.map((event) => event.event === 'volume' && [event.object, event.path]),
      [[object, dir]],
    );
  });

  it('--once tells by its exit code that the directory stays behind', async () => {
    const dir = b.directory();
    await checkout(b.engine, 'main', false);
    writeFileSync(join(dir, 'mine'), 'unsaved');
    await a.save({ f: '2' });
    await a.run('sync');
    for (const _ of [1, 2]) {
      await using follower = new Follower(b, { once: true });
      assert.deepEqual((await follower.done).exits, [8]);
    }
    rmSync(join(dir, 'mine'));
    await using follower = new Follower(b, { once: true });
    assert.deepEqual((await follower.done).exits, []);
    assert.equal(readFileSync(join(dir, 'f'), 'utf8'), '2');
  });

  it('a deletion of everything pauses the remote until somebody says that it is meant', async () => {
    await using follower = new Follower(b, { maxDelete: 0.5 });
    await follower.inSync();
    a.meta.commit(VOLSET, [{ edit: 'delete', object: 'volset' }]);
    await a.run('push');
    const problem = await follower.until(({ event }) => event === 'problem', 'the guard');
    assert.equal(problem.event === 'problem' && problem.code, 'guard');
    assert.ok(b.meta.findVolset(VOLSET));
    const seen = follower.events.length;
    const waiting = follower.events.findLast((event) => event.event === 'status');
    assert.ok(waiting?.event === 'status' && waiting.status === 'waiting' && (waiting.retryInMs ?? 0) > 10_000);
    await follower.stop();
    assert.equal(follower.events.length, seen);
    await using meant = new Follower(b, { once: true });
    assert.deepEqual((await meant.done).exits, []);
    assert.equal(b.meta.findVolset(VOLSET), undefined);
  });

  it('a branch that gets a snapshot while the guard holds is kept, and the follower goes on by itself', async () => {
    const sides = [...'0123456789bcdef'].map((digit) => digit.repeat(32) as BranchId);
    for (const [n, id] of sides.entries()) a.branch(id, `side ${n}`, a.tip() as SnapshotId);
    await a.run('sync');
    await using follower = new Follower(b, { maxDelete: 0.5 });
    await follower.inSync();
    for (const id of sides) a.delete(id);
    await a.run('sync');
    await follower.until(({ event }) => event === 'problem', 'the guard');
    const seen = follower.events.length;
    for (const id of sides.slice(0, 8)) await b.save({ f: 'on' }, id);
    await follower.inSync(seen);
    assert.deepEqual(
      sides.slice(5, 9).map((id) => b.meta.findBranch(VOLSET, id) !== undefined),
      [true, true, true, false],
    );
  });

  it('diverged branches are told, once, and the rest goes on', async () => {
    await using follower = new Follower(b);
    await follower.inSync();
    b.meddle = (peer) => peer;
    await follower.stop();
    await b.save({ f: 'mine' });
    await a.save({ f: 'theirs' });
    await a.run('sync');
    await using again = new Follower(b);
    const told = await again.until(({ event }) => event === 'diverged', 'the fork');
    assert.match(('hint' in told && told.hint) || '', /plait merge origin\/main/, 'it says how to go on');
    await again.inSync();
    a.set('volset:description', 'on');
    await a.run('sync');
    await eventually(() => b.description === 'on', 'what has nothing to do with it');
    assert.equal(again.events.filter(({ event }) => event === 'diverged').length, 1);
    await again.stop();
    await using later = new Follower(b);
    await later.until(({ event }) => event === 'diverged', 'the fork, told by each run that finds it');
    await later.stop();
    await using once = new Follower(b, { once: true });
    assert.deepEqual((await once.done).exits, [6]);
  });

  it('a feed that is cut in the middle of a line, and a blob in its middle, are gone on with', async () => {
    await using network = await startBadNetwork({ to: hub.url });
    b.origin(network);
    await using follower = new Follower(b);
    await follower.inSync();
    for (const [n, bytes] of [200, 900, 5000, 20_000, 100_000].entries()) {
      await network.set({ cut: { down: [network.stats.down + bytes] } });
      const { cuts } = network.stats;
      const tip = await a.save({ f: randomBytes(150_000).toString('base64'), n: `${n}` });
      await a.run('sync');
      await eventually(() => b.tip() === tip, `snapshot ${n}`);
      assert.ok(network.stats.cuts > cuts, `no cut ${n}`);
    }
    assert.deepEqual(b.meta.verify(), []);
    assert.equal((await follower.stop()).result.remotes[0].error, undefined);
  });

  it('ends within a second in the middle of a transfer, and the next one goes on', async () => {
    await using network = await startBadNetwork({ to: hub.url });
    b.origin(network);
    await using follower = new Follower(b);
    await follower.inSync();
    await network.set({ stall: { down: network.stats.down + 200_000 } });
    const tip = await a.save(
      Object.fromEntries([...'abcdef'].map((name) => [name, randomBytes(75_000).toString('base64')])),
    );
    await a.run('sync');
    const { down } = network.stats;
    await eventually(() => network.stats.down >= down + 150_000, 'a transfer under way');
    const before = performance.now();
    assert.deepEqual((await follower.stop()).exits, []);
    assert.ok(performance.now() - before < 1000);
    await network.set({ stall: { down: undefined } });
    await using again = new Follower(b, { once: true });
    await again.done;
    assert.equal(b.tip(), tip);
  });

  it('data that is not there yet keeps the tip back, and comes when the hub has it', async () => {
    // A hub that follows another one has the records before the data.
    const calls = countCalls(b);
    const absent = new Set<string>();
    const { meddle } = b;
    b.meddle = (peer) => {
      const inner = meddle(peer);
      const { request } = inner;
      inner.request = async (volset, wants) => {
        const answers = await request.call(inner, volset, wants);
        return answers.map((answer) => (absent.has(answer.id) ? { id: answer.id, answer: 'absent' as const } : answer));
      };
      return inner;
    };
    await using follower = new Follower(b);
    await follower.inSync();
    const old = b.tip();
    const tip = await a.save({ f: '2' });
    absent.add(tip);
    const seen = follower.events.length;
    await a.run('sync');
    await follower.until(({ event }) => event === 'problem', 'what is absent', seen);
    await follower.until((event) => event.event === 'status' && event.status === 'resync', 'resync', seen);
    assert.equal(b.tip(), old);
    absent.clear();
    // Anything that raises the number of blobs there.
    await a.save({ f: '3' }, MAIN);
    await a.run('sync');
    await eventually(() => b.tip() === a.tip(), 'the tip');
    await eventually(() => follower.statuses.at(-1) === 'in-sync', 'in-sync');
    assert.equal(calls.deltas, undefined);
  });

  it('a remote that is switched off meanwhile ends that follower alone', async () => {
    const other = await rig.hub('other');
    b.follow('other', other);
    await using follower = new Follower(b, { remotes: [b.remote, b.remoteNamed('other')] });
    await eventually(() => follower.statuses.filter((status) => status === 'in-sync').length >= 2, 'both in sync');
    b.meta.putRemote({ ...b.remote, enabled: false });
    await follower.until((event) => event.event === 'problem' && event.remote === 'origin', 'the end of one');
    const tip = await b.save({ f: '2' });
    await eventually(async () => (await tipAt(other)) === tip, 'the other goes on');
    assert.deepEqual((await follower.stop()).exits, [2]);
  });

  it('several remotes: what one brings goes to the other', async () => {
    const other = await rig.hub('other');
    b.follow('other', other);
    const c = (await rig.client('c')).origin(other);
    await using follower = new Follower(b, { remotes: [b.remote, b.remoteNamed('other')] });
    const there = async () => (await other.thread.meta.knowsVolset(VOLSET)) && tipAt(other);
    await eventually(async () => (await there()) === a.tip(), 'the first push');
    await using fc = new Follower(c);
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await eventually(() => c.tip() === tip, 'from a to c');
    c.set('volset:description', 'of c');
    await eventually(
      async () => (await hub.thread.meta.findVolset(VOLSET))?.description === 'of c',
      'from c to the hub',
    );
    assert.deepEqual([(await follower.stop()).exits, (await fc.stop()).exits], [[], []]);
  });

  it('a hub without room: what waits is told, stays queued, and goes when there is room', async () => {
    await hub.stop();
    hub = await rig.hub('hub', Number(new URL(hub.url).port), { limits: { snapshotBytes: 100 } });
    await using follower = new Follower(b);
    await follower.inSync();
    const small = await b.save({ f: 'small' });
    await eventually(async () => (await tipAt(hub)) === small, 'what fits');
    await b.save({ f: 'x'.repeat(200) });
    const told = await follower.until(({ event }) => event === 'problem', 'the refusal');
    assert.match(told.event === 'problem' ? told.message : '', /declined/);
    b.set('volset:description', 'on');
    await eventually(async () => (await hub.thread.meta.findVolset(VOLSET))?.description === 'on', 'the rest');
    assert.equal(b.meta.queueCounts({ remote: 'origin' })[0].dead, 1);
    await follower.stop();
    const requests = follower.events.filter(({ event }) => event === 'problem').length;
    assert.equal(requests, 1);
  });
});

const tipAt = async ({ thread }: RunningHub) => (await thread.meta.findBranch(VOLSET, MAIN))?.tip;
