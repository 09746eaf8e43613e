import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { rejectsWith } from './support.ts';
import { Beside, Follower } from './feed-support.ts';
import { Client, RealHub } from './real-hub.ts';
import { peerOf } from './support.ts';

const LONG_AGO = { retireAfterMs: Number.MAX_SAFE_INTEGER };

describe('hub: the feed of a volume set', () => {
  let real: RealHub;
  let beside: Beside;
  const opened: Follower[] = [];
  const peers: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
  const follow = async (after?: number): Promise<Follower> => {
    const peer = peerOf(real.hub.url);
    peers.push(peer);
    const follower = await Follower.open(peer, beside.volset, after === undefined ? {} : { after });
    opened.push(follower);
    return follower;
  };

  beforeEach(async () => {
    real = await RealHub.start();
    beside = new Beside(real).begin();
  });
  afterEach(async () => {
    for (const follower of opened.splice(0)) await follower.close();
    for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]();
    beside[Symbol.dispose]();
    await real[Symbol.asyncDispose]();
  });

  it('resumes at each revision of a history: nothing is lost, nothing comes twice', async () => {
    const live = await follow(0);
    for (let n = 0; n < 12; n++) {
      beside.write();
      if (n % 3 === 0) beside.snapshot();
    }
    const last = beside.revision;
    const mark = await live.reached(last);
    assert.deepEqual(mark, { revision: last, vector: beside.meta.vector(beside.volset), blobs: 4 });
    const late = await follow(0);
    await late.reached(last);
    for (let after = 0; after <= last; after++) {
      const follower = await follow(after);
      await follower.reached(last);
      assert.equal(follower.feed.after, after);
      assert.equal(follower.feed.head, last);
      const expected = late.changes.filter((item) => 'revision' in item && item.revision > after);
      assert.deepEqual(follower.changes, expected, `after ${after}`);
    }
    const generations = (follower: Follower) => follower.changes.filter((item) => 'generation' in item);
    assert.deepEqual(generations(live), generations(late), 'from the ring and from the store alike');
    assert.equal(generations(live).length, 17);
  });
});
