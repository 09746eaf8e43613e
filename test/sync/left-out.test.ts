import assert from 'node:assert/strict';
import { type HubOfTwo, hubOfTwo, VOLSET } from './rig.ts';

describe('sync: history that a selection left out', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    for (const content of ['1', '2', '3']) await a.save({ f: content });
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('is sent by the next whole push', async () => {
    const tips = await a.run('push', { tips: true });
    assert.equal(tips.result.pushed.snapshots, 1);
    assert.equal((await hub.thread.meta.missingBlobs(VOLSET)).length, 2);
    const whole = await a.run('push');
    assert.equal(whole.result.pushed.snapshots, 2);
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), []);
    const again = await a.run('push');
    assert.deepEqual([again.result.requests, again.result.upToDate], [1, true]);
  });

  it('is fetched by the next whole pull', async () => {
    await a.run('push');
    assert.equal((await b.run('pull', { tips: true })).result.pulled.snapshots, 1);
    const whole = await b.run('pull');
    assert.equal(whole.result.pulled.snapshots, 2);
    assert.deepEqual(b.meta.missingBlobs(VOLSET), []);
    const again = await b.run('pull');
    assert.deepEqual([again.result.requests, again.result.upToDate], [1, true]);
  });

  it('is not asked for again and again where the remote has none of it, but after news it is', async () => {
    await a.run('push', { tips: true });
    await b.run('pull');
    assert.equal(b.meta.missingBlobs(VOLSET).length, 2);
    assert.equal((await b.run('pull')).result.requests, 1);
    await a.run('push');
    await a.save({ f: '4' });
    await a.run('push');
    assert.equal((await b.run('pull')).result.pulled.snapshots, 3);
    assert.deepEqual(b.meta.missingBlobs(VOLSET), []);
  });

  it('comes one by one into a store of metadata only', async () => {
    await a.run('push');
    b.meta.putSetting(`volset.${VOLSET}.metadata-only`, 'true');
    assert.equal((await b.run('pull')).result.pulled.snapshots, 0);
    const tip = b.tip();
    assert.ok(tip);
    assert.equal((await b.run('pull', { snapshots: [tip] })).result.pulled.snapshots, 1);
    assert.equal(b.meta.findSnapshot(VOLSET, tip)?.hasBlob, true);
  });
});
