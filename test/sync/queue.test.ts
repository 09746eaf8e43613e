import assert from 'node:assert/strict';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import type { OfferSender, Peer } from '../../src/core/peer.ts';
import { enqueueOnly } from '../../src/sync/enqueue.ts';
import { dropQueued, listQueue, retryQueued } from '../../src/sync/queue.ts';
import { removeRemote, renameRemote } from '../../src/sync/remotes.ts';
import type { ReplicateOptions } from '../../src/sync/replicate.ts';
import { type Client, MAIN, Rig, type RunningHub, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const NOWHERE = { url: 'http://127.0.0.1:1' };

/** What is queued, by priority and in order: `high 1`, `low 3`. */
function queued(client: Client, ids: SnapshotId[], remote = 'origin'): string[] {
  const { remotes } = listQueue(client.engine, remote).result;
  return remotes[0].entries.map(({ priority, snapshot }) => `${priority} ${ids.indexOf(snapshot) + 1}`);
}

const enqueue = (client: Client, options: Partial<ReplicateOptions> = {}) =>
  enqueueOnly(client.engine, client.remote, {
    selection: {},
    dryRun: false,
    maxDelete: 1,
    failIfUnchanged: false,
    ...options,
  }).result;

/** Every offer is told first; what `refuse` names is declined for good. */
function watchOffers(client: Client, refuse: () => SnapshotId[] = () => []) {
  const seen: { ids: SnapshotId[]; sender: OfferSender | undefined }[] = [];
  client.meddle = (peer) =>
    new Proxy(peer, {
      get(target, name) {
        if (name !== 'offer') {
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        }
        const offer: Peer['offer'] = async (volset, offers, sender) => {
          seen.push({ ids: offers.map(({ id }) => id), sender });
          const bad = refuse();
          const asked = offers.filter(({ id }) => !bad.includes(id));
          const answers = new Map((await target.offer(volset, asked, sender)).map((answer) => [answer.id, answer]));
          return offers.map(({ id }) => answers.get(id) ?? { id, answer: 'declined', reason: 'too large' });
        };
        return offer;
      },
    });
  return seen;
}

describe('sync: the queue', () => {
  let rig: Rig;
  let hub: RunningHub;
  let a: Client;
  let ids: SnapshotId[];
  beforeEach(async () => {
    rig = new Rig();
    hub = await rig.hub();
    a = (await rig.client('a')).start().origin(hub);
    ids = [];
    for (const content of ['1', '2', '3']) ids.push(await a.save({ f: content }));
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('a hub that is down only delays: what is to be sent waits, and the next push or sync sends it', async () => {
    a.follow('origin', NOWHERE);
    await assert.rejects(a.run('push'), (error: Error & { code: string; hint: string; data: { queued: number } }) => {
      assert.equal(error.code, 'network');
      assert.match(error.hint, /3 snapshots are queued: the next push or sync goes on \(see `plait queue list`\)$/);
      assert.equal(error.data.queued, 3);
      return true;
    });
    assert.deepEqual(queued(a, ids), ['medium 3', 'low 1', 'low 2']);
    await assert.rejects(a.run('push'));
    assert.deepEqual(queued(a, ids), ['medium 3', 'low 1', 'low 2']);
    a.follow('origin', hub);
    assert.equal((await a.run('sync')).result.pushed.snapshots, 3);
    assert.deepEqual(queued(a, ids), []);
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), []);
    assert.equal((await a.run('sync')).result.requests, 1);
  });

  it('a pull, a fetch and a dry run queue nothing', async () => {
    a.follow('origin', NOWHERE);
    for (const verb of ['pull', 'fetch'] as const) await assert.rejects(a.run(verb), { code: 'network' });
    await assert.rejects(a.run('sync', {}, { pullOnly: true }), { code: 'network' });
    await assert.rejects(a.run('push', {}, { dryRun: true }), { code: 'network' });
    assert.deepEqual(queued(a, ids), []);
    a.follow('origin', hub);
    await a.run('push', {}, { dryRun: true });
    assert.deepEqual(queued(a, ids), []);
  });

  it('what is asked for by name goes before other tips, tips before history', async () => {
    a.branch(SIDE, 'side', ids[1]);
    a.follow('origin', NOWHERE);
    await assert.rejects(a.run('push'));
    assert.deepEqual(queued(a, ids), ['medium 2', 'medium 3', 'low 1']);
    await assert.rejects(a.run('push', { branches: ['side'] }));
    assert.deepEqual(queued(a, ids), ['high 2', 'medium 3', 'low 1']);
    await assert.rejects(a.run('push', { snapshots: [ids[0]] }));
    assert.deepEqual(queued(a, ids), ['high 2', 'high 1', 'medium 3'].sort(byPlace(['high 1', 'high 2', 'medium 3'])));
  });

  it('--enqueue asks nobody, tells what is new, and works for a remote that was never reached', async () => {
    a.follow('origin', NOWHERE);
    const dry = enqueue(a, { dryRun: true });
    assert.deepEqual([dry.queued, dry.waiting], [3, 0]);
    const some = enqueue(a, { selection: { tips: true } });
    assert.deepEqual([some.queued, some.waiting, some.dead], [1, 1, 0]);
    const all = enqueue(a);
    assert.deepEqual([all.queued, all.waiting, all.remote, all.volset], [2, 3, 'origin', 'data']);
  });

  it('a push sends what earlier ones left, whatever it is asked for itself', async () => {
    a.branch(SIDE, 'side', ids[0]);
    enqueue(a, { selection: { branches: ['main'], tips: true } });
    const { result } = await a.run('push', { branches: ['side'] });
    assert.equal(result.pushed.snapshots, 2);
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), [ids[1]]);
    assert.deepEqual(
      (await hub.thread.meta.refs(VOLSET, 'self')).map(({ branch }) => branch),
      [SIDE],
    );
  });

  it('what turns out to have diverged is not sent for being queued before', async () => {
    await a.run('push');
    const b = (await rig.client('b')).origin(hub);
    await b.run('sync');
    await b.save({ f: 'b' });
    await b.run('push');
    await a.save({ f: 'a' });
    const { exits, result } = await a.run('push');
    assert.deepEqual([exits, result.pushed.snapshots], [[6], 0]);
    assert.deepEqual(queued(a, ids), []);
  });

  it('numbers of what came from the remote are no gaps, and those of what is gone are said once', async () => {
    await a.run('push');
    await a.run('push');
    const b = (await rig.client('b')).origin(hub);
    await b.run('pull');
    const seen = watchOffers(b);
    await b.run('push');
    assert.equal((await b.run('push')).result.requests, 1);
    assert.equal(seen.length, 0);
    b.branch(SIDE, 'side', ids[2]);
    await b.save({ f: 'x' }, SIDE);
    b.delete(SIDE);
    await b.run('push');
    assert.deepEqual(
      seen.map(({ ids, sender }) => [ids, sender?.missing]),
      [[[], [[1, 4]]]],
    );
    await b.run('push');
    assert.equal((await b.run('push')).result.requests, 1);
    assert.equal(seen.length, 1);
    const [{ head, sealed }] = listQueue(b.engine, 'origin').result.remotes;
    assert.deepEqual([head, sealed], [4, [[1, 4]]]);
  });

  it('a store for one job numbers nothing, and sends what a selection left out all the same', async () => {
    const job = (await rig.client('job', { ephemeral: true })).origin(hub);
    await a.run('push');
    await job.run('pull');
    const seen = watchOffers(job);
    await job.save({ f: 'j1' });
    await job.save({ f: 'j2' });
    assert.equal((await job.run('push', { tips: true })).result.pushed.snapshots, 1);
    assert.equal((await job.run('push')).result.pushed.snapshots, 1);
    assert.ok(seen.length > 0 && seen.every(({ sender }) => sender === undefined));
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), []);
    await job.run('push');
    assert.equal((await job.run('push')).result.requests, 1);
  });

  it('what was refused for good stands aside: others go, it is told, and tried again by a word', async () => {
    let bad = [ids[1]];
    watchOffers(a, () => bad);
    const { result, exits } = await a.run('push');
    assert.deepEqual([result.pushed.snapshots, exits], [2, [3]]);
    assert.deepEqual(
      result.problems.map(({ what, snapshot }) => [what, snapshot]),
      [['declined', ids[1]]],
    );
    const [{ dead, entries }] = listQueue(a.engine, 'origin').result.remotes;
    assert.deepEqual([dead.map(({ snapshot }) => snapshot), entries], [[ids[1]], []]);
    assert.ok(dead[0].error?.message.includes('too large'));
    await a.run('push');
    a.warnings.length = 0;
    const idle = await a.run('push');
    assert.deepEqual([idle.result.requests, idle.exits], [1, []]);
    assert.match(a.warnings.join(), /1 snapshot was refused before .*`plait queue list origin`/);
    bad = [];
    assert.equal(retryQueued(a.engine, 'origin', [ids[1]]).result.requeued, 1);
    assert.equal((await a.run('push')).result.pushed.snapshots, 1);
    assert.deepEqual(await hub.thread.meta.missingBlobs(VOLSET), []);
  });

  it('dropping takes out what is named, or all of one remote; nothing else is touched', async () => {
    a.follow('backup', NOWHERE);
    enqueue(a);
    await assert.rejects(a.meet('backup', 'push'));
    assert.equal(dropQueued(a.engine, 'origin', [ids[0].slice(0, 12)]).result.dropped, 1);
    assert.deepEqual(queued(a, ids), ['medium 3', 'low 2']);
    assert.throws(() => dropQueued(a.engine, 'origin', ['nothere']), { code: 'not-found' });
    assert.throws(() => dropQueued(a.engine, 'nowhere', []), { code: 'not-found' });
    assert.equal(dropQueued(a.engine, 'origin', []).result.dropped, 2);
    assert.equal(queued(a, ids, 'backup').length, 3);
    assert.equal(a.tip(MAIN), ids[2]);
    assert.deepEqual(a.meta.missingBlobs(VOLSET), []);
  });

  it('goes with its remote when that is renamed, and away with it', async () => {
    a.follow('backup', NOWHERE);
    enqueue(a);
    renameRemote(a.engine, 'origin', 'hub');
    assert.equal(queued(a, ids, 'hub').length, 3);
    assert.throws(() => renameRemote(a.engine, 'hub', 'backup'), { code: 'exists' });
    assert.equal(removeRemote(a.engine, 'hub').result.dropped, 3);
    a.follow('hub', hub);
    assert.deepEqual(queued(a, ids, 'hub'), []);
  });

  it('a remote that is switched off keeps its queue and is not asked', async () => {
    a.meta.putRemote({ ...a.remote, enabled: false });
    assert.equal(enqueue(a).queued, 3);
    await assert.rejects(a.run('push'), { code: 'usage' });
    assert.equal(queued(a, ids).length, 3);
  });
});

const byPlace = (order: string[]) => (one: string, other: string) => order.indexOf(one) - order.indexOf(other);
