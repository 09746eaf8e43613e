/** What reviews of pushes and pulls found: data that would have been left behind without a word. */
import assert from 'node:assert/strict';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import { type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const BACK = 'cc'.repeat(16) as BranchId;

describe('sync: nothing is left behind', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: '1' });
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('history that another brings without moving any tip is fetched', async () => {
    await a.save({ f: '2' });
    await a.run('push', { tips: true });
    await b.run('pull');
    assert.equal(b.meta.missingBlobs(VOLSET).length, 1);
    await a.run('push');
    assert.equal((await b.run('pull')).result.pulled.snapshots, 1);
    assert.deepEqual(b.meta.missingBlobs(VOLSET), []);
  });

  it('a blob that came before its record is not said to be gone', async () => {
    await a.run('push');
    a.meta.setBlobs(VOLSET, ['ff'.repeat(32) as SnapshotId]);
    await a.save({ f: '2' });
    await a.run('push');
    const key = { volset: VOLSET, sender: a.meta.self.store, owner: 'anonymous' };
    assert.deepEqual(await hub.thread.meta.sealed(key), [
      [1, 1],
      [3, 3],
    ]);
    await a.run('push');
    assert.equal((await a.run('push')).result.requests, 1);
  });

  it('the line of a deleted branch that lives again comes whole, also after a push of its tip alone', async () => {
    a.branch(SIDE, 'side', a.tip() as SnapshotId);
    const line = [await a.save({ g: '1' }, SIDE), await a.save({ g: '2' }, SIDE)];
    a.delete(SIDE);
    await a.run('push');
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET, line), line);
    a.branch(BACK, 'back', line[1]);
    await a.run('push', { tips: true });
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET, line), [line[0]]);
    await a.run('push');
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET, line), []);
    assert.equal((await a.run('push')).result.requests, 1);
  });

  it('what a hub gave us and lost since, no record and no tip with it, goes back there', async () => {
    await a.save({ f: '2' });
    await a.run('push', { tips: true });
    const port = Number(new URL(hub.url).port);
    await hub.stop();
    rig.twin('hub', 'saved');
    hub = await rig.hub('hub', port);
    await a.run('push');
    await b.run('pull');
    assert.deepEqual(b.meta.missingBlobs(VOLSET), []);
    assert.equal((await b.run('push')).result.requests, 1);
    await hub.stop();
    rig.twin('saved', 'hub');
    hub = await rig.hub('hub', port);
    assert.equal((await hub.thread.meta.missingBlobs(VOLSET)).length, 1);
    await b.run('push');
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), []);
    assert.equal((await b.run('push')).result.requests, 1);
  });

  it('a tip moves though another command of this store has sent its data meanwhile', async () => {
    await a.save({ f: '2' });
    const tip = a.tip() as SnapshotId;
    await a.run('push', { snapshots: [tip] });
    const { enqueue } = a.meta;
    a.meta.enqueue = (volset, remote, items, now) => {
      const count = enqueue(volset, remote, items, now);
      a.meta.settle(volset, remote, [{ snapshot: tip, outcome: 'durable' }]);
      return count;
    };
    await a.run('push');
    assert.equal((await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, tip);
  });
});
