import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BranchId } from '../../src/core/ids.ts';
import { installOf } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import { checkout } from '../../src/sync/checkout.ts';
import { remoteTips } from '../../src/sync/references.ts';
import { snapshot } from '../../src/sync/snapshot.ts';
import { assertQuiet, shape, told } from './outcomes.ts';
import { type HubOfTwo, hubOfTwo, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;

describe('sync: what happens meanwhile, and what is not there any more', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    const first = await a.save({ f: 'first' });
    a.branch(SIDE, 'side', first);
    await a.run('push');
    await b.run('pull');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('losing what is remembered of a peer changes no result', async () => {
    const outcomes = [];
    for (const forget of [false, true]) {
      const run = forget ? 'second' : 'first';
      a.set('volset:description', `a ${run}`);
      b.set('volset:description', `b ${run}`);
      a.set('volset:attr:mine', run);
      b.set('volset:attr:yours', run);
      const tip = await b.save({ f: run }, SIDE);
      await b.run('push');
      if (forget) a.meta.forgetPeer(installOf(hub.thread.meta.self.store), VOLSET);
      const { exits, result } = await a.run('sync');
      assert.equal(a.tip(SIDE), tip);
      outcomes.push([
        exits,
        result.conflicts.length,
        shape({ exits, result }),
        a.description?.replace(run, ''),
        Object.keys(a.meta.findVolset(VOLSET)!.attrs),
      ]);
      await b.run('sync');
    }
    assert.deepEqual(outcomes[1], outcomes[0]);
  });

  it('a local write between the question and the transaction counts as ours', async () => {
    b.set('volset:description', 'b');
    await b.run('push');
    a.meddle = (peer: Peer) => {
      const { deltas } = peer;
      peer.deltas = async (...args) => {
        const answer = await deltas.apply(peer, args);
        a.set('volset:description', 'meanwhile');
        peer.deltas = deltas;
        return answer;
      };
      return peer;
    };
    const done = await a.run('sync');
    assert.deepEqual(
      [done.exits, told(done).map(({ current, target }) => [current, target])],
      [[5], [['meanwhile', 'b']]],
    );
    a.meddle = (peer) => peer;
    await b.run('sync');
    assert.deepEqual([a.description, b.description], ['b', 'b']);
  });

  it('what others write while we send comes in the same session', async () => {
    a.meddle = (peer: Peer) => {
      const { sendGenerations } = peer;
      peer.sendGenerations = async (...args) => {
        peer.sendGenerations = sendGenerations;
        b.set('volset:description', 'meanwhile');
        await b.run('push');
        return sendGenerations.apply(peer, args);
      };
      return peer;
    };
    a.set('volset:attr:k', 'v');
    assert.deepEqual((await a.run('push')).exits, []);
    a.meddle = (peer) => peer;
    assert.equal(a.description, 'meanwhile');
    await assertQuiet(a);
  });

  it('a stream with a gap changes nothing', async () => {
    for (const value of ['1', '2', '3']) {
      b.set('volset:description', value);
      await b.run('push');
    }
    a.meddle = (peer: Peer) => {
      const { deltas } = peer;
      peer.deltas = async (...args) => {
        const answer = await deltas.apply(peer, args);
        const all = await Array.fromAsync(answer.generations);
        const kept = all.filter((_, i) => i !== 1);
        return {
          ...answer,
          generations: (async function* () {
            yield* kept;
          })(),
        };
      };
      return peer;
    };
    const before = [a.meta.vector(VOLSET), a.description, a.meta.peer(installOf(hub.thread.meta.self.store), VOLSET)];
    await assert.rejects(a.run('sync'), { code: 'protocol', exit: 17 });
    assert.deepEqual(
      [a.meta.vector(VOLSET), a.description, a.meta.peer(installOf(hub.thread.meta.self.store), VOLSET)],
      before,
    );
    a.meddle = (peer) => peer;
    await a.run('sync');
    assert.equal(a.description, '3');
  });

  it('a newcomer after compaction gets all of it', async () => {
    // Long enough that dropping it saves something.
    const text = (n: number): string => `${n}`.repeat(100);
    for (let n = 0; n < 5; n++) {
      a.set('volset:description', text(n));
      await a.run('sync');
      await b.run('sync');
    }
    // Each push tells the hub what the pusher holds.
    for (const client of [a, b, a, b]) {
      client.set(`volset:attr:${client === a ? 'a' : 'b'}`, `${Math.random()}`);
      await client.run('sync');
    }
    const { dropped } = await hub.thread.meta.compact(VOLSET, { retireAfterMs: 1e12 });
    assert.ok(dropped > 0);
    const c = (await rig.client('c')).origin(hub);
    assert.deepEqual((await c.run('sync')).exits, []);
    assert.deepEqual([c.description, c.tip()], [text(4), a.tip()]);
    c.set('volset:description', 'c');
    await c.run('sync');
    await a.run('sync');
    assert.equal(a.description, 'c');
    assert.deepEqual([c.meta.verify(), a.meta.verify(), await hub.thread.meta.verify()], [[], [], []]);
  });

  it('REMOTE/BRANCH shows what the remote last told, after a fetch as well', async () => {
    const tip = await b.save({ f: '2' });
    await b.run('push');
    const fetched = await a.run('fetch');
    assert.deepEqual([fetched.exits, a.tip() === tip], [[], false]);
    assert.equal(remoteTips(a.engine, VOLSET, 'origin')?.find(({ name }) => name === 'main')?.tip, tip);
  });

  it('a pull into a directory with unsaved changes, and then a snapshot, reverts nothing', async () => {
    const dir = a.directory();
    await checkout(a.engine, 'main', false);
    writeFileSync(join(dir, 'mine'), 'unsaved');
    const tip = await b.save({ f: 'theirs' });
    await b.run('push');
    assert.deepEqual((await a.run('pull')).exits, [8]);
    assert.deepEqual([a.tip(), readFileSync(join(dir, 'f'), 'utf8')], [tip, 'first']);
    const made = await snapshot(a.engine, { skipUnchanged: false, maxDelete: 1 });
    assert.deepEqual([made.exits, a.tip()], [[6], tip]);
    assert.match(made.result.branch ?? '', /^main\.[0-9a-f]{4}$/);
  });

  it('the owner that a hub gives from the label of a token: one sync, no conflict, on every store', async () => {
    const guarded = await rig.hub('guarded', 0, { auth: true });
    const stores = [];
    for (const name of ['x', 'y', 'z']) {
      const client = (await rig.client(name)).origin(guarded);
      client.token = await guarded.token(`${name}@example`);
      stores.push(client);
    }
    const [x, y, z] = stores;
    x.start();
    await x.save({ f: '1' });
    const first = await x.run('sync');
    assert.deepEqual([first.exits, x.meta.findVolset(VOLSET)?.owner], [[], 'x@example']);
    await assertQuiet(x);
    for (const client of [y, z]) {
      assert.deepEqual((await client.run('sync')).exits, []);
      assert.equal(client.meta.findVolset(VOLSET)?.owner, 'x@example');
      client.set('volset:attr:who', 'me');
      assert.deepEqual((await client.run('sync')).exits, []);
    }
    await x.run('sync');
    for (const client of stores) assert.deepEqual(client.meta.listConflicts(VOLSET), []);
    await assertQuiet(...stores);
  });
});
