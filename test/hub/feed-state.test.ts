import assert from 'node:assert/strict';
import type { Peer } from '../../src/core/peer.ts';
import { hold } from '../../src/hub/feed/pinned.ts';
import { openMetaStore } from '../../src/meta/index.ts';
import { Beside } from './feed-support.ts';
import { RealHub } from './real-hub.ts';
import { peerOf, rejectsWith } from './support.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };

describe('hub: the state of a volume set', () => {
  let real: RealHub;
  let beside: Beside;
  let peer: Peer;
  beforeEach(async () => {
    real = await RealHub.start({ limits: { stateWaitMs: 600_000 } });
    beside = new Beside(real).begin();
    peer = peerOf(real.hub.url);
  });
  afterEach(async () => {
    await peer[Symbol.asyncDispose]();
    beside[Symbol.dispose]();
    await real[Symbol.asyncDispose]();
  });
  const pins = (): number => beside.pins().length;

  it('is what one who holds nothing is told, of the revision that it names', async () => {
    beside.snapshot();
    const last = beside.write();
    const answer = await peer.state(beside.volset, last);
    const generations = await Array.fromAsync(answer.generations);
    const { vector, revision, blobs } = await answer.trailer();
    assert.deepEqual(
      { vector, revision, blobs },
      { vector: beside.meta.vector(beside.volset), revision: last, blobs: 1 },
    );
    assert.equal(generations.length, 3);
    assert.equal(answer.refs.length, 1);
    const feed = await peer.changes(beside.volset, { after: revision });
    assert.equal(feed.head, revision, 'the feed goes on where it ends');
    await feed[Symbol.asyncDispose]();
  });

  it('waits for the revision that it must have', async () => {
    const wanted = beside.revision + 2;
    let answered = false;
    const asked = peer.state(beside.volset, wanted).then((answer) => {
      answered = true;
      return answer;
    });
    beside.write();
    // Twice the time of a look: the hub has seen that one, and it was not enough.
    const feed = await peer.changes(beside.volset, { after: wanted - 2 });
    const items = feed.items[Symbol.asyncIterator]();
    await items.next();
    assert.equal(answered, false);
    beside.write();
    const answer = await asked;
    await Array.fromAsync(answer.generations);
    assert.equal((await answer.trailer()).revision, wanted);
    await feed[Symbol.asyncDispose]();
  });

  it('refuses what is not there', async () => {
    await assert.rejects(peer.state('0'.repeat(32) as never, 0), rejectsWith('not-found'));
  });

  it('keeps the log as it is while it is read, and no longer', async () => {
    for (let n = 0; n < 16; n++) beside.fill(1_000_000, `fill${n}.`);
    const { volset, meta } = beside;
    const answer = await peer.state(volset, 0);
    const reading = answer.generations[Symbol.asyncIterator]();
    await reading.next();
    assert.equal(pins(), 1);
    beside.fill(1_000_000, 'fill15.');
    assert.equal(meta.compact(volset, NEVER).dropped, 0, 'what follows is not in this answer');
    for await (const { records } of { [Symbol.asyncIterator]: () => reading })
      assert.ok(records.every(({ type }) => type !== 'past'));
    await answer.trailer();
    while (pins() > 0) await new Promise(setImmediate);
    assert.ok(meta.compact(volset, NEVER).dropped > 0);
  });

  it('a newcomer that asks for what it lacks gets what ends well, too', async () => {
    for (let n = 0; n < 16; n++) beside.fill(1_000_000, `fill${n}.`);
    const { volset, meta } = beside;
    using newcomer = openMetaStore({ path: ':memory:' });
    const answer = await peer.deltas(volset, { self: newcomer.self.store, vector: {}, knownRevision: 0 });
    const reading = answer.generations[Symbol.asyncIterator]();
    const first = await reading.next();
    beside.fill(1_000_000, 'fill15.');
    meta.compact(volset, NEVER);
    const generations = [first.value, ...(await Array.fromAsync({ [Symbol.asyncIterator]: () => reading }))];
    const { vector, revision } = await answer.trailer();
    const peerId = meta.self.store;
    newcomer.apply(volset, { peer: peerId, generations, refs: answer.refs, revision, vector, policy: 'target' });
    assert.deepEqual(newcomer.vector(volset), vector);
    while (pins() > 0) await new Promise(setImmediate);
  });

  it('lets go of the log when its reader goes away', async () => {
    for (let n = 0; n < 16; n++) beside.fill(1_000_000);
    const answer = await peer.state(beside.volset, 0);
    await answer.generations[Symbol.asyncIterator]().next();
    assert.equal(pins(), 1);
    await peer[Symbol.asyncDispose]();
    while (pins() > 0) await new Promise(setImmediate);
  });

  it('holds the log for as long as it takes, by saying so again and again', async () => {
    const gone = new AbortController();
    await hold({ meta: real.thread.meta, now: Date.now }, beside.volset, gone.signal, 600);
    const [first] = beside.pins();
    // Some time beyond the end that was named first.
    while (Date.now() < first.until + 100) await new Promise(setImmediate);
    const [last] = beside.pins();
    assert.deepEqual({ ...last, until: 0 }, { ...first, until: 0 });
    assert.ok(last.until > first.until);
    gone.abort();
    while (pins() > 0) await new Promise(setImmediate);
  });
});
