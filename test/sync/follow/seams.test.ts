import assert from 'node:assert/strict';
import { PlaitError } from '../../../src/core/errors.ts';
import type { BranchId, VolsetId } from '../../../src/core/ids.ts';
import type { Feed, FeedItem } from '../../../src/core/peer.ts';
import { Directory } from '../../../src/sync/follow/directory.ts';
import type { FollowEvent } from '../../../src/sync/follow/events.ts';
import { MirrorCourse } from '../../../src/sync/follow/mirror-course.ts';
import { type HubOfTwo, hubOfTwo, VOLSET } from '../rig.ts';
import { eventually, Follower, hastyClock } from './follower.ts';

describe('follow: what was told and not carried out', () => {
  let { rig, hub, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, hub, a, b } = await hubOfTwo());
    await a.save({ f: '1' });
    await a.run('sync');
    await b.run('sync');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('a download that is lost after its records were taken is done when the feed tells of them again', async () => {
    let isLost = true;
    b.meddle = (peer) => {
      const { request } = peer;
      peer.request = async (...asked) => {
        if (isLost) throw new PlaitError('io', 'cut');
        return request.apply(peer, asked);
      };
      return peer;
    };
    await using follower = new Follower(b, {}, hastyClock());
    await follower.inSync();
    const seen = follower.events.length;
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await follower.until((event) => event.event === 'status' && event.status === 'waiting', 'the loss', seen);
    isLost = false;
    const lost = follower.events.length;
    await follower.inSync(lost);
    assert.equal(b.tip(), tip);
  });

  it('what another command of this store fetched first is taken all the same', async () => {
    const fetched = Promise.withResolvers<void>();
    b.meddle = (peer) => {
      const { changes } = peer;
      peer.changes = async (...asked) => {
        const feed = await changes.apply(peer, asked);
        return { ...feed, items: held(feed.items) };
      };
      return peer;
    };
    async function* held(items: Feed['items']): AsyncGenerator<FeedItem> {
      for await (const item of items) {
        if ('revision' in item) await fetched.promise;
        yield item;
      }
    }
    await using follower = new Follower(b);
    await follower.inSync();
    const tip = await a.save({ f: '2' });
    await a.run('sync');
    await b.run('fetch');
    const { rev } = follower.events.at(-1) as FollowEvent;
    fetched.resolve();
    await follower.until((event) => event.rev !== rev, 'what it was told');
    await eventually(() => b.tip() === tip, 'the tip');
  });

  it('a compacted log that a push has brought in part only is waited for', async () => {
    for (const digit of '01234') {
      a.set('volset:description', digit.repeat(100));
      await a.run('sync');
    }
    const { meta } = hub.thread;
    for (const { store } of await meta.listMembers(VOLSET))
      if (store !== a.meta.self.store) await meta.retireMember(VOLSET, store);
    await meta.compact(VOLSET, { retireAfterMs: 1e12 });
    const { cursor } = await meta.planDeltas(VOLSET, {}, 0);
    const { generations } = await meta.readDeltas(VOLSET, cursor);
    const first = generations.findIndex(({ records }) => records.some(({ type }) => type === 'past'));
    const other = await rig.hub('other');
    const bring = (from: number, to?: number) =>
      other.thread.meta.apply(VOLSET, { peer: meta.self.store, generations: generations.slice(from, to) });
    await bring(0, first);
    const c = (await rig.client('c')).origin(other);
    await using follower = new Follower(c, {}, hastyClock());
    await follower.inSync();
    await bring(first, first + 2);
    await follower.until(
      (event) => event.event === 'status' && event.status === 'waiting' && event.reason?.code === 'behind',
      'waiting',
    );
    const failures = follower.events.length;
    await follower.until((event) => event.event === 'status' && event.status === 'waiting', 'more of it', failures);
    await bring(first + 2);
    await eventually(() => c.description === '4'.repeat(100), 'the rest');
    assert.deepEqual((await follower.stop()).exits, []);
    assert.deepEqual(
      follower.events.filter(({ event }) => event === 'problem'),
      [],
    );
  });

  it('a marker that cannot be written down for a while ends nothing', async () => {
    let isBusy = true;
    const updatePeer: typeof a.meta.updatePeer = (install, volset, change) => {
      // Rounds tell what was agreed with it; a marker that moved alone does not.
      if (isBusy && change.initial === undefined) throw new PlaitError('busy', 'somebody else writes');
      meta.updatePeer(install, volset, change);
    };
    const { meta } = a.engine;
    const get = (to: typeof meta, key: string | symbol): unknown =>
      key === 'updatePeer' ? updatePeer : Reflect.get(to, key, to);
    a.engine = { ...a.engine, meta: new Proxy(meta, { get }) };
    await using follower = new Follower(a, {}, hastyClock());
    await follower.inSync();
    await a.save({ f: '2' });
    await follower.until((event) => event.event === 'status' && event.reason?.code === 'busy', 'the failure');
    isBusy = false;
    const { install } = hub.thread.meta.self;
    await eventually(
      async () => meta.peer(install, VOLSET)?.revision === (await hub.thread.meta.revision(VOLSET)),
      'the marker',
    );
    assert.deepEqual((await follower.stop()).exits, []);
  });

  it('what a feed tells is never taken for what another store says, be the remote that one by now', async () => {
    const other = await rig.hub('other');
    b.follow('other', other);
    await b.meet('other', 'sync');
    const { self } = other.thread.meta;
    const known = b.meta.peer(self.install, VOLSET);
    await using follower = new Follower(b);
    await follower.inSync();
    // As another command does with --accept-new-identity, while the old store still answers this one.
    b.meta.putRemote({ ...b.remote, identity: self.store });
    for (const value of ['1', '2', '3']) {
      a.set('volset:description', value);
      await a.run('sync');
    }
    await follower.until(({ event }) => event === 'problem', 'the end');
    assert.deepEqual((await follower.done).exits, [16]);
    assert.deepEqual(b.meta.peer(self.install, VOLSET), known);
  });

  it('all volsets: what was to be sent behind a session that was lost is sent', async () => {
    const other = '1'.repeat(32) as VolsetId;
    a.start(other, 'other', 'c'.repeat(32) as BranchId);
    let isLost = false;
    a.meddle = (peer) => {
      const { deltas } = peer;
      peer.deltas = async (volset, ask) => {
        if (isLost && volset === VOLSET) throw new PlaitError('network', 'cut');
        return deltas.call(peer, volset, ask);
      };
      return peer;
    };
    await using follower = new Follower(a, { allVolsets: true }, hastyClock());
    const there = async (volset: VolsetId) => (await hub.thread.meta.findVolset(volset))?.description;
    const { install } = hub.thread.meta.self;
    const isSettled = async () => a.meta.peer(install, other)?.revision === (await hub.thread.meta.revision(other));
    await eventually(async () => (await hub.thread.meta.knowsVolset(other)) && isSettled(), 'in-sync');
    isLost = true;
    const seen = follower.events.length;
    for (const volset of [VOLSET, other])
      a.meta.commit(volset, [{ edit: 'set', register: 'volset:description', value: 'on' }]);
    await follower.until((event) => event.event === 'status' && event.status === 'waiting', 'the loss', seen);
    isLost = false;
    await eventually(async () => (await there(VOLSET)) === 'on', 'the first');
    await eventually(async () => (await there(other)) === 'on', 'the second');
  });

  it('all volsets: a look at this side reads their heads once, however many there are', () => {
    for (let n = 10; n < 40; n++) {
      const branch = `${n}`.repeat(16) as BranchId;
      a.start(`${n}`.repeat(16) as VolsetId, `v${n}`, branch);
    }
    let reads = 0;
    const heads = (): ReturnType<typeof a.meta.heads> => {
      reads++;
      return a.meta.heads();
    };
    const meta = new Proxy(a.meta, { get: (to, key) => (key === 'heads' ? heads : Reflect.get(to, key, to)) });
    const engine = { ...a.engine, meta };
    const options = { selection: {}, dryRun: false, maxDelete: 1, failIfUnchanged: false };
    const emit = (): void => {};
    const now = (): number => 0;
    const course = new MirrorCourse({ engine, directory: new Directory(engine), options, emit, now }, a.remote);
    assert.deepEqual(course.look(), [{ input: 'local', owes: true }]);
    // The one after it closes what was left open, and sees what that was.
    assert.deepEqual(course.look(), [{ input: 'local', owes: true }]);
    reads = 0;
    course.look();
    assert.equal(reads, 1);
  });
});
