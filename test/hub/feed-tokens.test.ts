import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { VolsetId } from '../../src/core/ids.ts';
import type { HeadFeed, Peer } from '../../src/core/peer.ts';
import type { HubOptions } from '../../src/hub/contract.ts';
import { newToken } from '../../src/hub/index.ts';
import { Beside, Follower, type HeadItem, Heard } from './feed-support.ts';
import { RealHub } from './real-hub.ts';
import { peerOf, rejectsWith } from './support.ts';

class Heads extends Heard<HeadItem> {
  readonly feed: HeadFeed;

  constructor(feed: HeadFeed) {
    super(feed.items);
    this.feed = feed;
  }

  /** As a follower knows them by now. */
  get known(): Map<VolsetId, number> {
    const known = new Map<VolsetId, number>();
    for (const item of this.items) {
      if (!('volset' in item)) continue;
      if (item.head) known.set(item.volset, item.head.revision);
      else known.delete(item.volset);
    }
    return known;
  }

  marked(): Promise<HeadItem> {
    return this.until((item) => 'mark' in item, this.items.length);
  }
}

describe('hub: who may follow what', () => {
  let real: RealHub;
  let beside: Beside;
  let other: Beside;
  const opened: { close(): Promise<void> }[] = [];
  const peers: Peer[] = [];

  const start = async (options: Partial<HubOptions> = {}): Promise<void> => {
    real = await RealHub.start({ ...options, limits: { markMs: 50, ...options.limits } });
    beside = new Beside(real).begin('one');
    other = new Beside(real).begin('two');
  };
  const token = async (volset: string = '*', expires: number | null = null): Promise<string> => {
    const { text, row } = newToken({ volset, can: ['read'], label: 't', expires }, randomBytes, Date.now());
    await real.thread.meta.putToken(row);
    return text;
  };
  const revoke = (text: string) => real.thread.meta.revokeToken(text.split('_')[1]);
  const connected = (text?: string): Peer => {
    const peer = peerOf(real.hub.url, text === undefined ? {} : { token: text });
    peers.push(peer);
    return peer;
  };
  const follow = (text?: string, volset = beside.volset): Promise<Follower> => Follower.open(connected(text), volset);
  const heads = async (text?: string): Promise<Heads> => new Heads(await connected(text).heads());

  afterEach(async () => {
    for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]();
    opened.splice(0);
    beside[Symbol.dispose]();
    other[Symbol.dispose]();
    await real[Symbol.asyncDispose]();
  });

  it('the heads of all: those there are, each that moves, new ones, and those that are gone', async () => {
    await start();
    const all = await heads();
    await all.marked();
    const there = new Map([beside, other].map(({ volset, revision }) => [volset, revision]));
    assert.deepEqual(all.known, there);
    const last = beside.write();
    await all.until((item) => 'volset' in item && item.volset === beside.volset && item.head?.revision === last);
    using fresh = new Beside(real).begin('three');
    await all.until((item) => 'volset' in item && item.volset === fresh.volset);
    other.meta.commit(other.volset, [{ edit: 'delete', object: 'volset' }]);
    other.meta.cut(other.volset);
    await all.until((item) => 'volset' in item && item.volset === other.volset && item.head === null);
    assert.deepEqual([...all.known.keys()].sort(), [beside.volset, fresh.volset].sort());
    // Who comes later never hears of it.
    const late = await heads();
    await late.marked();
    assert.ok(late.items.every((item) => !('volset' in item) || item.volset !== other.volset));
  });

  it('shows a token what it covers, and never anything else', async () => {
    await start();
    const [one, all] = [await heads(await token(beside.volset)), await heads(await token())];
    await one.marked();
    for (let n = 0; n < 5; n++) {
      other.write();
      beside.write();
    }
    using fresh = new Beside(real).begin('three');
    await all.until((item) => 'volset' in item && item.volset === fresh.volset);
    await one.until(() => one.known.get(beside.volset) === beside.revision);
    other.meta.commit(other.volset, [{ edit: 'delete', object: 'volset' }]);
    other.meta.cut(other.volset);
    await all.until((item) => 'volset' in item && item.volset === other.volset && item.head === null);
    await one.marked();
    assert.deepEqual(
      new Set(one.items.flatMap((item) => ('volset' in item ? [item.volset] : []))),
      new Set([beside.volset]),
    );
    await assert.rejects(follow(await token(beside.volset), other.volset), rejectsWith('forbidden'));
    await assert.rejects(connected(await token(beside.volset)).state(other.volset, 0), rejectsWith('forbidden'));
  });

  it('ends the feeds of a token that was revoked or has run out at their next mark', async () => {
    let now = Date.now();
    await start({ now: () => now });
    const [revoked, expiring, staying] = [await token(), await token('*', now + 60_000), await token()];
    const ended = [await follow(revoked), await heads(revoked), await follow(expiring), await heads(expiring)];
    const stays = await follow(staying);
    for (const follower of ended) await follower.until((item) => 'mark' in item);
    await revoke(revoked);
    now += 60_000;
    const told = beside.write();
    await Promise.all(ended.map((follower) => follower.ended));
    for (const { end } of ended) rejectsWith('unauthorized', /^remote: /)(end);
    await stays.reached(told);
    for (const follower of ended) {
      const marks = follower.items.flatMap((item) => ('mark' in item && item.mark !== true ? [item.mark] : []));
      assert.ok(
        marks.every(({ revision }) => revision < told),
        'no mark after that',
      );
    }
  });

  it('a hub that gets its first token shuts those out who came without', async () => {
    await start();
    const anybody = await follow();
    await anybody.until((item) => 'mark' in item);
    await token();
    await anybody.ended;
    rejectsWith('unauthorized')(anybody.end);
  });

  it('lets as many follow with one token as it is told to', async () => {
    await start({ limits: { tokenFollowers: 2 } });
    const [mine, yours] = [await token(), await token()];
    const first = await follow(mine);
    await heads(mine);
    await assert.rejects(follow(mine), rejectsWith('busy'));
    await follow(yours);
    await first.close();
    for (;;) {
      const again = await follow(mine).catch((error: unknown) => rejectsWith('busy')(error));
      if (again !== true) break;
    }
  });
});
