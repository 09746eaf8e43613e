import assert from 'node:assert/strict';
import { type HubOfTwo, hubOfTwo, MAIN, type RunningHub, VOLSET } from '../rig.ts';
import { countCalls, dumpOf, eventually, Follower, hastyClock } from './follower.ts';

const portOf = ({ url }: RunningHub): number => Number(new URL(url).port);

describe('follow: connections come and go', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  let calls: Record<string, number>;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: '1' });
    await a.run('sync');
    await b.run('sync');
    calls = countCalls(b);
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('resumes without a state, and without a request where nothing has changed', async () => {
    {
      await using follower = new Follower(b);
      await follower.inSync();
    }
    assert.deepEqual([calls.changes, calls.deltas], [1, undefined]);
    const tip = await a.save({ f: '2' });
    a.set('volset:description', 'meanwhile');
    await a.run('sync');
    await using follower = new Follower(b);
    await follower.inSync();
    assert.deepEqual([b.tip(), b.description], [tip, 'meanwhile']);
    assert.deepEqual([calls.changes, calls.deltas], [2, undefined]);
    const { status } = (await follower.stop()).result.remotes[0];
    assert.equal(status, 'in-sync');
  });

  it('what a push of its own brings back costs no request, and the marker moves', async () => {
    await using follower = new Follower(b);
    await follower.inSync();
    const tip = await b.save({ f: '2' });
    await eventually(async () => (await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip === tip, 'the push');
    const told = await hub.thread.meta.revision(VOLSET);
    await follower.until((event) => event.event === 'status' && event.rev === told, 'the echo');
    const { deltas } = calls;
    assert.equal(deltas, 1);
    await follower.stop();
    const { install } = hub.thread.meta.self;
    assert.equal(b.meta.peer(install, VOLSET)?.revision, told);
    assert.deepEqual([calls.changes, calls.deltas], [1, 1]);
  });

  it('takes exactly one state where compaction has thinned out what it lacks', async () => {
    {
      await using follower = new Follower(b);
      await follower.inSync();
    }
    for (let n = 0; n < 5; n++) {
      a.set('volset:description', `${n}`.repeat(100));
      await a.run('sync');
    }
    for (const { id } of await hub.thread.meta.listMembers(VOLSET).then((all) => all.map((m) => ({ id: m.store })))) {
      if (id === b.meta.self.store) await hub.thread.meta.retireMember(VOLSET, id);
    }
    const { dropped } = await hub.thread.meta.compact(VOLSET, { retireAfterMs: 1e12 });
    assert.ok(dropped > 0);
    await using follower = new Follower(b);
    await follower.inSync();
    assert.equal(b.description, '4'.repeat(100));
    assert.deepEqual([calls.changes, calls.deltas], [3, 1]);
  });

  it('survives a restart of the hub', async () => {
    await using follower = new Follower(b);
    await follower.inSync();
    const seen = follower.events.length;
    await hub.stop();
    await follower.until((event) => event.event === 'status' && event.status === 'waiting', 'waiting', seen);
    hub = await rig.hub('hub', portOf(hub));
    await follower.inSync(seen);
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await eventually(() => b.tip() === tip, 'what came after the restart');
    assert.equal(calls.deltas, undefined);
  });

  it('a store that was made anew under the same address ends it, and nothing is changed', async () => {
    await using follower = new Follower(b);
    await follower.inSync();
    await hub.stop();
    const before = dumpOf(b);
    await rig.hub('other', portOf(hub));
    const { exits, result } = await follower.done;
    assert.deepEqual([exits, result.remotes[0].error?.code], [[16], 'identity']);
    assert.equal(dumpOf(b), before);
    const last = follower.events.at(-1);
    assert.deepEqual([last?.event, last?.event === 'problem' && last.code], ['problem', 'identity']);
  });

  it('a hub that went back ends it, and nothing is changed', async () => {
    await hub.stop();
    rig.copy('hub', 'backup');
    hub = await rig.hub('hub', portOf(hub));
    await a.save({ f: '2' });
    await a.run('sync');
    await using follower = new Follower(b);
    await follower.inSync();
    await hub.stop();
    const before = dumpOf(b);
    rig.copy('backup', 'hub');
    hub = await rig.hub('hub', portOf(hub));
    const { exits, result } = await follower.done;
    assert.deepEqual([exits, result.remotes[0].error?.code], [[16], 'rollback']);
    assert.equal(dumpOf(b), before);
  });

  it('a hub that was moved goes on under another epoch', async () => {
    await using follower = new Follower(b);
    await follower.inSync();
    await hub.stop();
    rig.copy('hub', 'moved');
    const seen = follower.events.length;
    hub = await rig.hub('moved', portOf(hub));
    assert.notEqual(hub.thread.meta.self.store, b.remote.identity);
    await follower.inSync(seen);
    assert.equal(b.remote.identity, hub.thread.meta.self.store);
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await eventually(() => b.tip() === tip, 'news of the moved hub');
  });

  it('--once ends in sync, both ways', async () => {
    const there = await a.save({ f: '2' });
    await a.run('sync');
    b.set('volset:description', 'of b');
    await using follower = new Follower(b, { once: true });
    const { exits, result } = await follower.done;
    assert.deepEqual([exits, result.remotes[0].status, b.tip()], [[], 'in-sync', there]);
    assert.equal((await hub.thread.meta.findVolset(VOLSET))?.description, 'of b');
  });

  it('--once gives up on a hub that is away: 13, and it says why', async () => {
    await hub.stop();
    let opened = 0;
    b.meddle = (peer) => {
      opened++;
      return peer;
    };
    await using follower = new Follower(b, { once: true }, hastyClock());
    const { exits, result } = await follower.done;
    assert.deepEqual([exits, result.remotes[0].status, result.remotes[0].error?.code], [[13], 'waiting', 'network']);
    assert.equal(opened, 5);
  });

  it('--pull-only sends nothing', async () => {
    await b.save({ f: 'mine' });
    b.set('volset:description', 'mine');
    a.set('volset:attr:x', 'theirs');
    await a.run('sync');
    await using follower = new Follower(b, { once: true, pullOnly: true });
    await follower.done;
    assert.equal(b.meta.findVolset(VOLSET)?.attrs.x, 'theirs');
    assert.deepEqual(
      [calls.sendGenerations, calls.offer, calls.upload, calls.moveRefs],
      [undefined, undefined, undefined, undefined],
    );
    assert.equal((await hub.thread.meta.findVolset(VOLSET))?.description, null);
  });

  it('waits for a hub that was never there, and makes the volset there', async () => {
    const c = (await rig.client('c')).start('cc'.repeat(16) as typeof VOLSET, 'new', 'dd'.repeat(16) as typeof MAIN);
    const volset = 'cc'.repeat(16) as typeof VOLSET;
    c.meta.putRemote({ name: 'origin', url: hub.url, volset, enabled: true });
    const port = portOf(hub);
    await hub.stop();
    await using follower = new Follower(c);
    await follower.until((event) => event.event === 'status' && 'retryInMs' in event, 'a back-off');
    hub = await rig.hub('hub', port);
    await follower.inSync();
    assert.equal((await hub.thread.meta.findVolset(volset))?.name, 'new');
  });
});
