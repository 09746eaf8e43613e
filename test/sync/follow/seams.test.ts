import assert from 'node:assert/strict';
import { PlaitError } from '../../../src/core/errors.ts';
import type { Feed, FeedItem } from '../../../src/core/peer.ts';
import type { FollowEvent } from '../../../src/sync/follow/events.ts';
import { type Client, Rig, type RunningHub } from '../rig.ts';
import { eventually, Follower, hastyClock } from './follower.ts';

describe('follow: what was told and not carried out', () => {
  let rig: Rig;
  let hub: RunningHub;
  let a: Client;
  let b: Client;
  beforeEach(async () => {
    rig = new Rig();
    hub = await rig.hub();
    a = (await rig.client('a')).start().origin(hub);
    b = (await rig.client('b')).origin(hub);
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
});
