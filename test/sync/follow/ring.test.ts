import assert from 'node:assert/strict';
import type { BranchId, VolsetId } from '../../../src/core/ids.ts';
import { type Client, Rig, type RunningHub, VOLSET } from '../rig.ts';
import { countCalls, eventually, Follower } from './follower.ts';

const LOOKS = 10;

/** How often the store was asked what is new. */
function countLooks({ meta }: Client): () => number {
  const { heads } = meta;
  let count = 0;
  const value = () => {
    count++;
    return heads();
  };
  Object.defineProperty(meta, 'heads', { value, configurable: true });
  return () => count;
}

describe('follow: many', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('a ring of two hubs that follow each other becomes quiet', async () => {
    const stores: Client[] = [];
    const hubs: RunningHub[] = [];
    for (const name of ['one', 'two']) {
      // The follower works on the very store that the hub serves.
      hubs.push(await rig.hub(name));
      stores.push(await rig.client(name));
    }
    const [one, two] = stores;
    one.start().follow('origin', hubs[1]);
    two.follow('origin', hubs[0]);
    await one.save({ f: '1' });
    const calls = stores.map(countCalls);
    await using first = new Follower(one);
    await first.inSync();
    await using second = new Follower(two);
    await second.inSync();
    const outside = (await rig.client('outside')).follow('origin', hubs[1]);
    for (let n = 2; n < 5; n++) {
      await outside.run('sync');
      const tip = await outside.save({ f: `${n}` });
      outside.set('volset:description', `${n}`);
      await outside.run('sync');
      await eventually(() => one.tip() === tip && two.tip() === tip, `snapshot ${n} at both`);
      await eventually(() => one.description === `${n}`, `description ${n}`);
    }
    assert.deepEqual(one.meta.vector(VOLSET), two.meta.vector(VOLSET));
    const state = () => JSON.stringify([calls, stores.map(({ meta }) => [meta.revision(VOLSET), meta.vector(VOLSET)])]);
    const looks = stores.map(countLooks);
    await eventually(async () => {
      const [before, seen] = [state(), looks.map((count) => count())];
      await eventually(() => looks.every((count, i) => count() > seen[i] + LOOKS), 'looks');
      return state() === before;
    }, 'several looks of both without anything to do');
    for (const { changes } of calls) assert.equal(changes <= 2, true);
  });

  describe('all volsets', () => {
    const OTHER = 'cc'.repeat(16) as VolsetId;
    const THIRD = 'dd'.repeat(16) as VolsetId;
    let hub: RunningHub;
    let a: Client;
    let b: Client;
    beforeEach(async () => {
      hub = await rig.hub();
      a = (await rig.client('a')).start().origin(hub);
      a.start(OTHER, 'other', 'ee'.repeat(16) as BranchId);
      await a.save({ f: '1' });
      await a.runAll('sync');
      b = (await rig.client('b')).origin(hub);
    });

    it('comes to a store that knew none of them, then each whenever it moves, both ways', async () => {
      const calls = countCalls(b);
      await using follower = new Follower(b, { allVolsets: true });
      await follower.inSync();
      assert.deepEqual(
        b.meta
          .listVolsets()
          .map(({ name }) => name)
          .sort(),
        ['data', 'other'],
      );
      assert.equal(b.tip(), a.tip());
      const { deltas } = calls;
      a.meta.commit(OTHER, [{ edit: 'set', register: 'volset:description', value: 'moved' }]);
      await a.runAll('sync');
      await eventually(() => b.meta.findVolset(OTHER)?.description === 'moved', 'the one that moved');
      assert.equal(calls.deltas - deltas <= 2, true);
      a.start(THIRD, 'third', 'ff'.repeat(16) as BranchId);
      await a.runAll('sync');
      await eventually(() => b.meta.findVolset(THIRD)?.name === 'third', 'a new one');
      b.set('volset:description', 'of b');
      await eventually(async () => (await hub.thread.meta.findVolset(VOLSET))?.description === 'of b', 'the way back');
      a.meta.commit(THIRD, [{ edit: 'delete', object: 'volset' }]);
      await a.runAll('sync');
      await eventually(() => b.meta.findVolset(THIRD) === undefined, 'a deletion');
      assert.deepEqual((await follower.stop()).exits, []);
    });

    it('--once: ends with all of them; without news it costs one request', async () => {
      {
        await using follower = new Follower(b, { allVolsets: true, once: true });
        assert.deepEqual((await follower.done).exits, []);
      }
      assert.equal(b.meta.listVolsets().length, 2);
      const calls = countCalls(b);
      await using again = new Follower(b, { allVolsets: true, once: true });
      assert.deepEqual((await again.done).exits, []);
      assert.deepEqual([calls.heads, calls.deltas], [1, undefined]);
    });

    it('one that a guard holds back stops no other', async () => {
      await using follower = new Follower(b, { allVolsets: true, maxDelete: 0.5 });
      await follower.inSync();
      a.meta.commit(OTHER, [{ edit: 'delete', object: 'volset' }]);
      await a.runAll('sync');
      const problem = await follower.until(({ event }) => event === 'problem', 'the guard');
      assert.deepEqual([problem.volset, problem.event === 'problem' && problem.code], ['other', 'guard']);
      const tip = await a.save({ f: '2' });
      await a.runAll('sync');
      await eventually(() => b.tip() === tip, 'the others');
      assert.ok(b.meta.findVolset(OTHER));
    });
  });
});
