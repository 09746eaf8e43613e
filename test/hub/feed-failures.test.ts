/** Feeds that have to end: whoever follows hears of it, and whoever comes later does not. */
import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import { ANONYMOUS } from '../../src/hub/bearer-token.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import { Feeds } from '../../src/hub/feed/feeds.ts';
import { HeadWatch } from '../../src/hub/feed/head-watch.ts';
import { DEFAULT_LIMITS } from '../../src/hub/limits.ts';
import { Metrics } from '../../src/hub/metrics.ts';
import { Beside } from './feed-support.ts';
import { RealHub } from './real-hub.ts';

describe('hub: feeds whose store cannot be read', () => {
  let real: RealHub;
  let beside: Beside;
  let heads: HeadWatch;
  let feeds: Feeds;
  let broken: keyof HubMeta | undefined;
  const gone = new AbortController();
  const asked = { caller: ANONYMOUS, signal: gone.signal, renew: async () => ANONYMOUS };

  beforeEach(async () => {
    real = await RealHub.start();
    beside = new Beside(real).begin();
    broken = undefined;
    const failing = () => Promise.reject(new PlaitError('io', 'broken'));
    const meta = new Proxy(real.thread.meta, {
      get: (to, key) => (key === broken ? failing : (Reflect.get(to, key, to) as unknown)),
    });
    heads = new HeadWatch(meta, { pollMs: 20 });
    feeds = new Feeds({ meta, heads, limits: DEFAULT_LIMITS, metrics: new Metrics() });
  });
  afterEach(async () => {
    feeds[Symbol.dispose]();
    heads[Symbol.dispose]();
    beside[Symbol.dispose]();
    await real[Symbol.asyncDispose]();
  });

  const untilLine = async (feed: AsyncGenerator<Uint8Array>, has: string): Promise<string> => {
    for (let text = ''; ; ) {
      const { value, done } = await feed.next();
      assert.ok(!done, `no ${has} in ${text}`);
      text += Buffer.from(value).toString();
      if (text.includes(has)) return text;
    }
  };
  const feedOf = () => feeds.open(asked, beside.volset, {});

  it('a feed: an error for those that are open, be they slow, and none for one that is opened later', async () => {
    const first = await feedOf();
    const slow = await feedOf();
    await untilLine(first, '"mark"');
    await untilLine(slow, '"mark"');
    broken = 'changesAfter';
    beside.write();
    await untilLine(first, '"io"');
    broken = undefined;
    const later = await feedOf();
    await untilLine(later, '"mark"');
    beside.write();
    await untilLine(later, '"generation"');
    await untilLine(slow, '"io"');
  });

  it('heads: no move is lost over a failure', async () => {
    const first = await feeds.openHeads(asked);
    const slow = await feeds.openHeads(asked);
    await untilLine(first, '"mark"');
    await untilLine(slow, '"mark"');
    broken = 'findVolset';
    beside.write();
    await untilLine(first, '"io"');
    broken = undefined;
    const later = await feeds.openHeads(asked);
    await untilLine(later, `"revision":${beside.revision}`);
    await untilLine(later, '"mark"');
    const revision = beside.write();
    await untilLine(later, `"revision":${revision}`);
    await untilLine(slow, '"io"');
  });

  it('heads: one that is opened beside one that fails is not told that there is nothing', async () => {
    await heads.look();
    broken = 'findVolset';
    const [first, second] = await Promise.allSettled([feeds.openHeads(asked), feeds.openHeads(asked)]);
    assert.equal(first.status, 'rejected');
    if (second.status === 'fulfilled') await assert.rejects(untilLine(second.value, '"mark"'), /broken/);
  });

  it('a token that was revoked reads no further page, however far its reader is behind', async () => {
    for (let n = 0; n < 8; n++) beside.fill(400_000, `n${n}`);
    let revoked = false;
    const renew = async () => {
      if (revoked) throw new PlaitError('unauthorized', 'revoked');
      return ANONYMOUS;
    };
    const feed = await feeds.open({ ...asked, renew }, beside.volset, { after: 0 });
    await untilLine(feed, '"generation"');
    revoked = true;
    const told = await untilLine(feed, '"unauthorized"');
    assert.ok(!told.includes(`"revision":${beside.revision}}`), 'all of it was told');
  });
});
