import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { StoreId, VolsetId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { HubOptions } from '../../src/hub/contract.ts';
import { Beside, Follower } from './feed-support.ts';
import { Client, RealHub } from './real-hub.ts';
import { peerOf, rejectsWith } from './support.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };

describe('hub: the feed of a volume set', () => {
  let real: RealHub;
  let beside: Beside;
  const opened: Follower[] = [];
  const peers: Peer[] = [];
  const connected = (token?: string): Peer => {
    const peer = peerOf(real.hub.url, token === undefined ? {} : { token });
    peers.push(peer);
    return peer;
  };
  const follow = async (after?: number): Promise<Follower> => {
    const follower = await Follower.open(connected(), beside.volset, after === undefined ? {} : { after });
    opened.push(follower);
    return follower;
  };
  /** Another hub than the usual one. */
  const restart = async (options: Partial<HubOptions>): Promise<void> => {
    beside[Symbol.dispose]();
    await real[Symbol.asyncDispose]();
    real = await RealHub.start(options);
    beside = new Beside(real).begin();
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

  it('begins now where nothing is asked, and says where that is', async () => {
    const before = beside.write();
    const follower = await follow();
    assert.deepEqual([follower.feed.after, follower.feed.head], [before, before]);
    assert.equal((await follower.reached(0)).revision, before);
    assert.deepEqual(follower.changes, []);
    const after = beside.write('news');
    await follower.reached(after);
    assert.equal(follower.changes.length, 1);
  });

  it('tells of what comes over its own routes, blobs and refs too', async () => {
    await using client = new Client(real.hub.url, 'pushed').begin();
    const { id } = await client.snapshot({ file: 'content' });
    await client.peer.createVolset({ id: client.volset, name: client.name });
    await client.sendRecords();
    await using feed = await client.peer.changes(client.volset, {});
    const follower = new Follower(feed);
    assert.equal((await follower.reached(feed.head)).blobs, 0);
    await client.upload([id]);
    await follower.until((item) => 'mark' in item && item.mark.blobs === 1);
    assert.ok((await client.peer.moveRefs(client.volset, [{ branch: client.branch, from: null, to: id }])).moved);
    const item = await follower.until((item) => 'ref' in item);
    assert.deepEqual('ref' in item && item.ref, {
      branch: client.branch,
      snapshot: id,
      revision: beside.meta.revision(client.volset),
    });
    await follower.close();
  });

  it('refuses what it cannot continue', async () => {
    await restart({ limits: { stateWaitMs: 20 } });
    const last = beside.write();
    beside.write();
    const peer = connected();
    const { volset } = beside;
    const unknown = randomBytes(16).toString('hex') as VolsetId;
    await assert.rejects(peer.changes(volset, { after: last + 2 }), rejectsWith('ahead'));
    await assert.rejects(peer.changes(unknown, {}), rejectsWith('not-found'));
    const elsewhere = `${'ab'.repeat(16)}.1` as StoreId;
    await assert.rejects(peer.changes(volset, { after: 1, store: elsewhere }), rejectsWith('identity'));
    await peer.createVolset({ id: unknown, name: 'announced' });
    await assert.rejects(peer.changes(unknown, {}), rejectsWith('not-found'));
    await assert.rejects(peer.state(volset, last + 2), rejectsWith('behind'));
    const statusOf = async (query: string): Promise<number> =>
      (await fetch(`${real.hub.url}/v1/volsets/${volset}/${query}`)).status;
    const asked = [
      'changes?after=x',
      'changes?after=-1',
      'changes?after=99',
      `changes?store=${elsewhere}`,
      'state?min=99',
    ];
    assert.deepEqual(await Promise.all(asked.map(statusOf)), [400, 400, 416, 409, 412]);
  });

  it('does not continue behind what compaction thinned out', async () => {
    for (let n = 0; n < 5; n++) beside.write('long'.repeat(100) + n);
    const { volset, meta } = beside;
    const resumed = await follow(2);
    await resumed.reached(beside.revision);
    assert.ok(meta.compact(volset, NEVER).dropped > 0);
    await assert.rejects(connected().changes(volset, { after: 1 }), rejectsWith('compacted'));
    assert.equal((await fetch(`${real.hub.url}/v1/volsets/${volset}/changes?after=1`)).status, 410);
    const here = await follow(beside.revision);
    await here.reached(beside.write());
    assert.equal(here.changes.length, 1);
  });

  it('ends in mid-feed what compaction overtakes, and says why', async () => {
    for (let n = 0; n < 16; n++) beside.fill(1_000_000);
    const { volset, meta } = beside;
    const feed = await connected().changes(volset, { after: 0 });
    // Nobody reads on: the rest of the log is still in the store.
    const items = feed.items[Symbol.asyncIterator]();
    await items.next();
    assert.ok(meta.compact(volset, NEVER).dropped > 0);
    const rest = Array.fromAsync({ [Symbol.asyncIterator]: () => items });
    await assert.rejects(rest, rejectsWith('compacted', /^remote: /));
    await feed[Symbol.asyncDispose]();
  });

  it('who has fallen out of the ring goes on in the store, and comes back', async () => {
    await restart({ limits: { ringBytes: 1000 } });
    const feed = await connected().changes(beside.volset, { after: 0 });
    const slow = feed.items[Symbol.asyncIterator]();
    const quick = await follow(0);
    await slow.next();
    // More than fits between the two, so that it is the hub that waits.
    for (let n = 0; n < 12; n++) await quick.reached(beside.fill(1_000_000));
    const follower = new Follower({ ...feed, items: { [Symbol.asyncIterator]: () => slow } });
    opened.push(follower);
    await follower.reached(beside.revision);
    assert.deepEqual(follower.changes, quick.changes.slice(1));
    const last = beside.write();
    assert.deepEqual(await follower.reached(last), await quick.reached(last));
  });

  it('gives all the same bytes', async () => {
    const after = beside.write();
    const path = `/v1/volsets/${beside.volset}/changes?after=${after}`;
    const [one, two] = await Promise.all([readRaw(real, path), readRaw(real, path)]);
    for (let n = 0; n < 5; n++) beside.write();
    const last = beside.snapshot();
    const ends = new RegExp(`"mark":\\{"revision":${last},.*\n`);
    await Promise.all([one.until(ends), two.until(ends)]);
    const changes = (text: string): string[] => text.split('\n').filter((line) => !line.startsWith('{"mark"'));
    assert.deepEqual(changes(one.text), changes(two.text));
    assert.ok(one.text.includes(`"revision":${last}`));
    for (const { close } of [one, two]) close();
  });

  it('says that it is still there, and what it has, while nothing happens', async () => {
    await restart({ limits: { markMs: 20, idleMs: 100 } });
    const follower = await follow();
    await follower.until(() => follower.marks.length >= 20);
    assert.deepEqual(new Set(follower.marks.map(({ revision }) => revision)), new Set([beside.revision]));
    assert.match(await metrics(real), /^plait_followers 1$/m);
  });

  it('cuts a reader who stands still, and only that one', async () => {
    await restart({ limits: { idleMs: 300, markMs: 50 } });
    for (let n = 0; n < 16; n++) beside.fill(1_000_000);
    const socket = connect(real.hub.port, '127.0.0.1');
    const heard = await follow();
    socket.write(`GET /v1/volsets/${beside.volset}/changes?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until(async () => /^plait_feeds_cut_total 1$/m.test(await metrics(real)));
    await until(async () => /^plait_followers 1$/m.test(await metrics(real)));
    await heard.reached(beside.write());
    socket.destroy();
  });

  it('ends at once when the hub stops, with a word about it', async () => {
    // What requests get to end is longer than this test gets.
    await restart({ limits: { drainMs: 600_000 } });
    const follower = await follow();
    const heads = await connected().heads();
    const raw = await readRaw(real, `/v1/volsets/${beside.volset}/changes`);
    const read = Array.fromAsync(heads.items);
    await real.hub.close();
    await follower.ended;
    assert.equal(follower.end, null);
    await read;
    await raw.until(/\{"trailer":\{"reason":"stopping"\}\}\n/);
    await assert.rejects(connected().changes(beside.volset, {}), rejectsWith('network'));
  });

  it('stops in good time even where a reader stands still', async () => {
    await restart({ limits: { drainMs: 600_000 } });
    for (let n = 0; n < 16; n++) beside.fill(1_000_000);
    const feed = await connected().changes(beside.volset, { after: 0 });
    await feed.items[Symbol.asyncIterator]().next();
    await real.hub.close();
    assert.match(await metrics(real).catch(() => 'nobody there'), /nobody there/);
  });

  it('a client lets go of a feed at any moment', async () => {
    const follower = await follow();
    await follower.reached(0);
    await follower.close();
    assert.equal(follower.end, null, 'whoever closes it is not told that it broke');
    await until(async () => /^plait_followers 0$/m.test(await metrics(real)));
    const peer = connected();
    const feed = new Follower(await peer.changes(beside.volset, {}));
    await feed.reached(0);
    await peer[Symbol.asyncDispose]();
    await feed.ended;
    rejectsWith('network')(feed.end);
    await until(async () => /^plait_followers 0$/m.test(await metrics(real)));
  });

  it('lets as many follow as it is told to', async () => {
    await restart({ limits: { followers: 2 } });
    const first = await follow();
    await follow();
    await assert.rejects(follow(), (error: unknown) => {
      rejectsWith('busy')(error);
      return (error as { data?: { retryAfterMs?: number } }).data?.retryAfterMs === 1000;
    });
    await assert.rejects(connected().heads(), rejectsWith('busy'));
    await first.close();
    await until(async () => /^plait_followers 1$/m.test(await metrics(real)));
    await follow();
  });
});

const metrics = async ({ hub }: RealHub): Promise<string> => (await fetch(`${hub.url}/metrics`)).text();

/** What comes from elsewhere and makes no event here. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function readRaw({ hub }: RealHub, path: string) {
  const stop = new AbortController();
  const answer = await fetch(`${hub.url}${path}`, { signal: stop.signal });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const read = {
    text: '',
    until: async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(read.text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`ended without ${pattern}`);
        read.text += Buffer.from(value).toString();
      }
    },
    close: () => stop.abort(),
  };
  return read;
}
