import assert from 'node:assert/strict';
import { installOf } from '../../src/core/ids.ts';
import { type Client, MAIN, Rig, type RunningHub, VOLSET } from './rig.ts';

describe('sync: who answers', () => {
  let rig: Rig;
  let a: Client;
  beforeEach(async () => {
    rig = new Rig();
    a = (await rig.client('a')).start();
    await a.save({ f: '1' });
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** Another directory, served where the first one was. */
  async function moved(hub: RunningHub, from: string, to: string): Promise<RunningHub> {
    await hub.stop();
    rig.copy(from, to);
    const next = await rig.hub(to);
    a.origin(next);
    return next;
  }

  it('a hub that was copied to another directory: clients go on, with a notice', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    await a.run('push');
    const copy = await moved(hub, 'hub', 'moved');
    assert.equal(copy.thread.meta.self.install, hub.thread.meta.self.install);
    assert.notEqual(copy.thread.meta.self.store, a.remote.identity);
    const tip = await a.save({ f: '2' });
    assert.deepEqual((await a.run('sync', {}, { dryRun: true })).exits, []);
    assert.deepEqual((await a.run('sync')).exits, []);
    assert.match(a.warnings.join(), /goes on as a new store/);
    assert.equal((await copy.thread.meta.findBranch(VOLSET, MAIN))?.tip, tip);
    a.warnings.length = 0;
    const again = await a.run('sync');
    assert.deepEqual([again.result.requests, again.result.upToDate, a.warnings], [1, true, []]);
  });

  it('a hub and a copy of it that both live are two remotes', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    await a.run('push');
    await hub.stop();
    rig.copy('hub', 'twin');
    const [first, second] = [await rig.hub(), await rig.hub('twin')];
    a.origin(first).follow('twin', second);
    for (let round = 0; round < 3; round++) {
      const tip = await a.save({ f: `round ${round}` });
      for (const name of ['origin', 'twin']) assert.deepEqual((await a.meet(name, 'sync')).exits, [], name);
      for (const { thread } of [first, second]) assert.equal((await thread.meta.findBranch(VOLSET, MAIN))?.tip, tip);
    }
  });

  it('another store is refused by every verb, until it is accepted', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    await a.run('push');
    const other = await rig.hub('other');
    a.origin(other);
    for (const verb of ['push', 'pull', 'sync', 'fetch'] as const) {
      await assert.rejects(a.run(verb), { code: 'identity', exit: 16 });
    }
    const accepted = { acceptNewIdentity: true };
    await a.run('push', {}, { ...accepted, dryRun: true });
    await assert.rejects(a.run('push'), { code: 'identity' });
    assert.deepEqual((await a.run('push', {}, accepted)).exits, []);
    assert.equal((await other.thread.meta.findBranch(VOLSET, MAIN))?.tip, a.tip());
    assert.equal(a.meta.peer(installOf(hub.thread.meta.self.store), VOLSET), undefined);
    assert.equal((await a.run('sync')).result.upToDate, true);
  });

  it('a remote that lost generations is accepted when the user says so, and gets them back', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    await a.run('push');
    await hub.stop();
    rig.copy('hub', 'backup');
    const again = await rig.hub();
    a.origin(again);
    const tip = await a.save({ f: '2' });
    await a.run('push');
    await again.stop();
    rig.copy('backup', 'hub');
    const old = await rig.hub();
    a.origin(old);
    await assert.rejects(a.run('push'), { code: 'rollback', exit: 16, hint: /--accept-rollback/ });
    const planned = await a.run('push', {}, { acceptRollback: true, dryRun: true });
    assert.deepEqual(
      planned.result.branches.map(({ action }) => action),
      ['fast-forward'],
    );
    await assert.rejects(a.run('push'), { code: 'rollback' });
    assert.deepEqual((await a.run('push', {}, { acceptRollback: true })).exits, []);
    assert.equal((await old.thread.meta.findBranch(VOLSET, MAIN))?.tip, tip);
    assert.equal((await a.run('sync')).result.upToDate, true);
  });

  it('a store that was restored from a backup gets its own records back, and what it did since survives', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    await a.run('push');
    await a.close();
    rig.copy('a', 'backup');
    a = (await rig.client('a')).origin(hub);
    a.set('volset:description', 'before the loss');
    const lost = await a.save({ f: 'lost' });
    await a.run('push');
    const before = a.meta.self.store;
    await a.close();
    rig.copy('backup', 'a');
    a = (await rig.client('a')).origin(hub);
    a.set('volset:attr:k', 'after the restore');
    assert.notEqual(a.meta.self.store, before);
    assert.deepEqual((await a.run('sync')).exits, []);
    assert.deepEqual([a.tip(), a.description], [lost, 'before the loss']);
    const there = await hub.thread.meta.findVolset(VOLSET);
    assert.deepEqual([there?.description, there?.attrs], ['before the loss', { k: 'after the restore' }]);
    assert.equal((await a.run('sync')).result.upToDate, true);
    assert.deepEqual([a.meta.verify(), await hub.thread.meta.verify()], [[], []]);
  });

  it('a copy of a store used beside the original, met first by a third party: the edits of both survive', async () => {
    const hub = await rig.hub();
    a.origin(hub);
    await a.run('push');
    await a.close();
    rig.copy('a', 'twin');
    a = (await rig.client('a')).origin(hub);
    const twin = (await rig.client('twin')).origin(hub);
    const third = (await rig.client('third')).origin(hub);
    a.set('volset:attr:a', '1');
    twin.set('volset:attr:twin', '2');
    for (const store of [twin, third, a, third, twin, a]) assert.deepEqual((await store.run('sync')).exits, []);
    for (const store of [a, twin, third]) {
      assert.deepEqual(store.meta.findVolset(VOLSET)?.attrs, { a: '1', twin: '2' });
      assert.equal((await store.run('sync')).result.requests, 1);
    }
  });
});
