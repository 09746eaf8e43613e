/** Feeds over lines that fall silent, drip or break, and from hubs that lie. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Feed, Peer } from '../../src/core/peer.ts';
import type { PeerOptions } from '../../src/remote/index.ts';
import { feedHeadLine, HEADS_HEAD, HEADS_MARK, markLine, STOPPING } from '../../src/wire/feed.ts';
import { peerOf, rejectsWith, VOLSET } from '../hub/support.ts';
import { type Liar, NAMED, saying, startLiar } from './liar.ts';

const NDJSON = { ...NAMED, 'content-type': 'application/x-ndjson' };
const MARK = markLine({ revision: 1, vector: {}, blobs: 0 });

/** Speaks one piece, waits for `more`, and so on. */
class Speaker {
  response: ServerResponse | undefined;
  readonly opened = Promise.withResolvers<void>();
  readonly closed = Promise.withResolvers<void>();

  start(response: ServerResponse): void {
    this.response = response;
    response.on('close', () => this.closed.resolve());
    response.writeHead(200, NDJSON).write(feedHeadLine(1, 1));
    this.opened.resolve();
  }

  say(text: string): void {
    this.response?.write(text);
  }
}

describe('client: feeds', () => {
  let speaker: Speaker;
  let liar: Liar;
  const peers: Peer[] = [];
  const open = (fetchOptions: PeerOptions['fetchOptions'] = {}, more: Partial<PeerOptions> = {}): Promise<Feed> => {
    const peer = peerOf(liar.url, { ...more, fetchOptions });
    peers.push(peer);
    return peer.changes(VOLSET, { after: 1 });
  };
  beforeEach(async () => {
    speaker = new Speaker();
    liar = await startLiar((_request, response) => speaker.start(response));
  });
  afterEach(async () => {
    for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]();
    await liar[Symbol.asyncDispose]();
  });

  it('takes silence for a loss', async () => {
    const feed = await open({ feedMs: 100 });
    await assert.rejects(feed.items[Symbol.asyncIterator]().next(), rejectsWith('network', /in time/));
    await speaker.closed.promise;
    assert.equal(liar.requests.length, 1, 'it is not asked again');
  });

  it('takes a hub that does not even begin for a loss', async () => {
    await using mute = await startLiar(() => {});
    await using peer = peerOf(mute.url, { fetchOptions: { feedMs: 100 } });
    await assert.rejects(peer.changes(VOLSET, {}), rejectsWith('network', /in time/));
    assert.equal(mute.requests.length, 1);
  });

  it('takes a few bytes now and then for life, however little they are', async () => {
    // As many bytes as a body must otherwise bring within its time come in far more of it.
    const feed = await open({ feedMs: 1000, bodyMs: 20 });
    const items = feed.items[Symbol.asyncIterator]();
    for (let n = 0; n < 10; n++) {
      const step = items.next();
      await new Promise((resolve) => setTimeout(resolve, 30));
      speaker.say(MARK);
      assert.equal((await step).done, false);
    }
  });

  it('ends where the hub says so, without an error', async () => {
    const feed = await open();
    speaker.say(MARK + STOPPING);
    assert.equal((await Array.fromAsync(feed.items)).length, 1);
  });

  it('is cut where the hub dies, or leaves without a word', async () => {
    const feed = await open();
    speaker.response?.destroy();
    await assert.rejects(Array.fromAsync(feed.items), rejectsWith('network'));
    const again = await open();
    speaker.response?.end(MARK);
    await assert.rejects(Array.fromAsync(again.items), rejectsWith('network', /cut off/));
  });

  it('is let go of while nothing comes, and lets the connection go', async () => {
    const feed = await open();
    const next = feed.items[Symbol.asyncIterator]().next();
    await feed[Symbol.asyncDispose]();
    assert.deepEqual(await next, { done: true, value: undefined });
    await speaker.closed.promise;
  });

  it('is let go of by whoever breaks out of it', async () => {
    const feed = await open();
    speaker.say(MARK);
    for await (const _item of feed.items) break;
    await speaker.closed.promise;
  });

  it('ends when the command is stopped', async () => {
    const stop = new AbortController();
    const feed = await open({}, { signal: stop.signal });
    const next = feed.items[Symbol.asyncIterator]().next();
    stop.abort();
    await assert.rejects(next, rejectsWith('interrupted'));
  });

  it('leaves room for questions while it is open', async () => {
    const volsets = saying(200, { ...NAMED, 'content-type': 'application/json' }, '{"volsets":[]}');
    await using busy = await startLiar((request, response) =>
      request.url === '/v1/volsets' ? volsets(request, response) : speaker.start(response),
    );
    await using peer = peerOf(busy.url, { parallel: 1 });
    await using _one = await peer.changes(VOLSET, { after: 1 });
    await using _two = await peer.changes(VOLSET, { after: 1 });
    assert.deepEqual(await peer.listVolsets(), []);
  });

  it('does not read on where the hub lies, and asks for what it was told to', async () => {
    const feed = await open();
    speaker.say(markLine({ revision: 0, vector: {}, blobs: 0 }));
    await assert.rejects(Array.fromAsync(feed.items), rejectsWith('protocol', /lies behind/));
    await speaker.closed.promise;
    assert.equal(liar.requests[0].url, `/v1/volsets/${VOLSET}/changes?after=1`);
    await assert.rejects(
      peers[0].changes(VOLSET, { after: 7, store: NAMED['plait-store'] as never }),
      rejectsWith('protocol'),
    );
    assert.equal(liar.requests[1].url, `/v1/volsets/${VOLSET}/changes?after=7&store=${NAMED['plait-store']}`);
  });

  it('of all volume sets: reads marks until the hub stops', async () => {
    await using hub = await startLiar(saying(200, NDJSON, HEADS_HEAD + HEADS_MARK + STOPPING));
    await using peer = peerOf(hub.url);
    const { items } = await peer.heads();
    assert.deepEqual(await Array.fromAsync(items), [{ mark: true }]);
    assert.equal(hub.requests[0].url, '/v1/changes');
  });

  it('does not wait again for a hub that is behind', async () => {
    const json = { ...NAMED, 'content-type': 'application/json' };
    await using hub = await startLiar(saying(412, json, '{"error":{"code":"behind","message":"not there yet"}}'));
    await using peer = peerOf(hub.url, { fetchOptions: { retries: 3, sleep: async () => {} } });
    await assert.rejects(peer.state(VOLSET, 7), rejectsWith('behind'));
    assert.deepEqual(
      hub.requests.map(({ url }) => url),
      [`/v1/volsets/${VOLSET}/state?min=7`],
    );
  });
});
