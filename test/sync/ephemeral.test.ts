import assert from 'node:assert/strict';
import type { Peer } from '../../src/core/peer.ts';
import { type Client, MAIN, Rig, type RunningHub, VOLSET } from './rig.ts';

describe('sync: a store for one job', () => {
  let rig: Rig;
  let hub: RunningHub;
  let a: Client;
  let job: Client;
  beforeEach(async () => {
    rig = new Rig();
    hub = await rig.hub();
    a = (await rig.client('a')).start().origin(hub);
    await a.save({ f: '1' });
    await a.run('push');
    job = (await rig.client('job', { ephemeral: true })).origin(hub);
    await job.run('pull');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('hands its records over, and is up to date after that one session', async () => {
    const tip = await job.save({ f: 'job' });
    job.set('volset:description', 'job');
    const done = await job.run('push');
    assert.deepEqual([done.exits, done.result.branches[0].action], [[], 'fast-forward']);
    assert.deepEqual([(await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, job.tip()], [tip, tip]);
    assert.deepEqual(job.meta.openRecords(VOLSET), []);
    const again = await job.run('sync');
    assert.deepEqual([again.result.requests, again.result.upToDate], [1, true]);
    assert.deepEqual((await a.run('sync')).exits, []);
    assert.deepEqual([a.tip(), a.description], [tip, 'job']);
    assert.deepEqual([job.meta.verify(), await hub.thread.meta.verify()], [[], []]);
  });

  it('a lost answer changes nothing: the hub skips what it has', async () => {
    const tip = await job.save({ f: 'job' });
    job.meddle = (peer: Peer) => {
      const { handOver } = peer;
      peer.handOver = async (...args) => {
        await handOver.apply(peer, args);
        throw new Error('killed');
      };
      return peer;
    };
    await assert.rejects(job.run('push'), /killed/);
    job.meddle = (peer) => peer;
    assert.deepEqual((await job.run('push')).exits, []);
    assert.deepEqual([(await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, job.meta.openRecords(VOLSET)], [tip, []]);
    assert.equal((await job.run('push')).result.upToDate, true);
  });

  it('a conflict that a job settles by its policy is one record everywhere', async () => {
    a.set('volset:description', 'a');
    job.set('volset:description', 'job');
    await a.run('push');
    assert.deepEqual((await job.run('sync', {}, { policy: 'current' })).exits, [5]);
    await a.run('sync');
    assert.deepEqual([a.description, job.description], ['job', 'job']);
    const ids = (client: Client) => client.meta.listConflicts(VOLSET).map(({ id }) => id);
    assert.deepEqual([ids(a).length, ids(a)], [1, ids(job)]);
  });

  it('jobs from one cache leave the vector of the hub as long as it was', async () => {
    await job.run('sync');
    await job.close();
    const before = Object.keys(await hub.thread.meta.vector(VOLSET)).length;
    for (let n = 0; n < 10; n++) {
      rig.copy('job', `job${n}`);
      const next = (await rig.client(`job${n}`, { ephemeral: true })).origin(hub);
      await next.run('pull');
      await next.save({ f: `job ${n}` });
      assert.deepEqual((await next.run('push')).exits, []);
    }
    const after = Object.keys(await hub.thread.meta.vector(VOLSET)).length;
    assert.ok(after <= before + 1, `${before} -> ${after}`);
  });
});
