import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { BranchId } from '../../src/core/ids.ts';
import { removeRemote } from '../../src/sync/remotes.ts';
import type { Client } from './rig.ts';
import { MAIN, Rig, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;

describe('sync: a remote that was restored from a backup', () => {
  let rig: Rig;
  let a: Client;
  beforeEach(async () => {
    rig = new Rig();
    a = (await rig.client('a')).start();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** Pushes, keeps a copy of the hub, changes something, pushes again, and brings the copy back. */
  async function restored(change: () => Promise<unknown>) {
    const hub = await rig.hub();
    a.origin(hub);
    await a.save({ f: '1' });
    await a.run('push');
    await hub.stop();
    rig.copy('hub', 'backup');
    const again = await rig.hub();
    a.origin(again);
    await change();
    await a.run('push');
    await again.stop();
    rig.copy('backup', 'hub');
    const old = await rig.hub();
    a.origin(old);
    return old;
  }

  it('is refused by every verb while it lacks generations, and nothing changes', async () => {
    const old = await restored(() => a.save({ f: '2' }));
    const before = [a.meta.peer(old.thread.meta.self.install, VOLSET), a.meta.refs(VOLSET, old.thread.meta.self.store)];
    for (const verb of ['push', 'pull', 'sync', 'fetch'] as const) {
      await assert.rejects(a.run(verb), { code: 'rollback', exit: 16 });
      await assert.rejects(a.run(verb, {}, { dryRun: true }), { code: 'rollback' });
    }
    const after = [a.meta.peer(old.thread.meta.self.install, VOLSET), a.meta.refs(VOLSET, old.thread.meta.self.store)];
    assert.deepEqual(after, before);
  });

  it('is refused when only its branches went back', async () => {
    // Data and records arrive before the backup, the tip does not.
    a.meddle = (peer) => {
      peer.moveRefs = async () => {
        throw new PlaitError('network', 'cut');
      };
      return peer;
    };
    const hub = await rig.hub();
    a.origin(hub);
    await a.save({ f: '1' });
    await assert.rejects(a.run('push'), { code: 'network' });
    a.meddle = (peer) => peer;
    await hub.stop();
    rig.copy('hub', 'backup');
    const again = await rig.hub();
    assert.deepEqual((await a.origin(again).run('push')).exits, []);
    await again.stop();
    rig.copy('backup', 'hub');
    a.origin(await rig.hub());
    await assert.rejects(a.run('push'), /moved branches back/);
  });

  it('is refused when it lost the volume set', async () => {
    const hub = await rig.hub('empty');
    await hub.stop();
    rig.copy('empty', 'backup');
    const first = await rig.hub('empty');
    a.origin(first);
    await a.save({ f: '1' });
    await a.run('push');
    await first.stop();
    rig.copy('backup', 'empty');
    a.origin(await rig.hub('empty'));
    await assert.rejects(a.run('push'), { code: 'rollback' });
  });

  it('is taken as new when it is removed and added again: a push brings back what it lost', async () => {
    const old = await restored(async () => {
      const tip = await a.save({ f: '2' });
      a.branch(SIDE, 'side', tip);
    });
    removeRemote(a.engine, 'origin');
    a.origin(old);
    assert.deepEqual((await a.run('push')).exits, []);
    const there = await old.thread.meta.refs(VOLSET, 'self');
    assert.deepEqual(
      new Map(there.map((r) => [r.branch, r.snapshot])),
      new Map([MAIN, SIDE].map((id) => [id, a.tip()])),
    );
    assert.equal((await a.run('sync')).result.upToDate, true);
  });

  it('an edit at the hub that is not cut yet is no rollback', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    for (let n = 0; n < 5; n++) {
      const tip = await a.save({ f: `${n}` });
      if (n > 0) await hub.thread.meta.commit(VOLSET, [{ edit: 'set', register: 'volset:description', value: `${n}` }]);
      assert.deepEqual((await a.run('push')).exits, []);
      assert.equal((await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, tip);
    }
  });
});
