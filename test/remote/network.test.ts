import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { PlaitError } from '../../src/core/errors.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import type { Peer, Transfer } from '../../src/core/peer.ts';
import type { AnyRecord } from '../../src/core/records.ts';
import { peerOf, rejectsWith, SELF, sampleHistory } from '../hub/support.ts';
import { NAMED, STORE, saying, startLiar } from './liar.ts';

const JSON_HEADERS = { ...NAMED, 'content-type': 'application/json' };
const VOLSET = 'a1'.repeat(16) as VolsetId;
const ASK = { self: SELF, vector: {}, knownRevision: 0 };
const transfer = (url: string): Transfer => ({ url, token: 'x.y', expiresAt: 0 });
const GOOD_PATH = `/v1/transfers/${'0'.repeat(32)}`;

describe('client: the network', () => {
  const waits: number[] = [];
  const patient = { retries: 3, random: () => 0.5, sleep: async (ms: number) => void waits.push(ms) };
  beforeEach(() => waits.splice(0));

  it('retries what is safe to repeat, with growing pauses, and says where it failed', async () => {
    const url = 'http://127.0.0.1:1';
    await using peer = peerOf(url, { fetchOptions: patient });
    await assert.rejects(peer.listVolsets(), rejectsWith('network', /http:\/\/127\.0\.0\.1:1: nothing listens/));
    assert.deepEqual(waits, [150, 300, 600]);
    assert.equal(peer.traffic.requests, 4);
  });

  it('gets through when the hub is busy for a while', async () => {
    let asked = 0;
    const busy = saying(503, JSON_HEADERS, '{"error":{"code":"busy","message":"later"}}');
    await using liar = await startLiar((request, response) =>
      (asked++ < 2 ? busy : saying(200, JSON_HEADERS, '{"volsets":[]}'))(request, response),
    );
    await using peer = peerOf(liar.url, { fetchOptions: patient });
    assert.deepEqual(await peer.listVolsets(), []);
    assert.equal(waits.length, 2);
  });

  const sender = { label: 'laptop', vector: {} };
  const { generations } = sampleHistory();
  /** Cuts the first connections in the middle of what they send; says what the last one brought. */
  const cutting = async (times: number) => {
    const bodies: string[] = [];
    const liar = await startLiar((request, response) => {
      let text = '';
      request.on('data', (piece) => (text += piece));
      if (bodies.length < times) return void request.once('data', () => bodies.push('cut') && request.socket.destroy());
      request.on('end', () => {
        bodies.push(text);
        saying(200, JSON_HEADERS, '{"vector":{}}')(request, response);
      });
    });
    return { liar, bodies };
  };

  it('repeats pushes and hand-overs, from their beginning', async () => {
    const records = generations[0].records as AnyRecord[];
    const again = { [Symbol.asyncIterator]: () => Readable.from(generations)[Symbol.asyncIterator]() };
    const rows: [string, (peer: Peer) => Promise<unknown>][] = [
      ['a list', (peer) => peer.sendGenerations(VOLSET, generations, sender)],
      ['what can be read again', (peer) => peer.sendGenerations(VOLSET, again, sender)],
      ['records', (peer) => peer.handOver(VOLSET, records)],
    ];
    for (const [what, send] of rows) {
      const { liar, bodies } = await cutting(2);
      await using peer = peerOf(liar.url, { fetchOptions: patient });
      await send(peer);
      assert.deepEqual([bodies.length, bodies[0]], [3, 'cut'], what);
      assert.match(bodies[2], /^\{"(push|writes)":.*\n(.*\n)+\{"trailer":.*\n$/, what);
      await liar[Symbol.asyncDispose]();
    }
  });

  it('repeats a push of what cannot be read again only as long as nothing of it was read', async () => {
    const { liar, bodies } = await cutting(1);
    const once = (function* () {
      yield* generations;
    })();
    await using peer = peerOf(liar.url, { fetchOptions: patient });
    await assert.rejects(peer.sendGenerations(VOLSET, once, sender), rejectsWith('network'));
    assert.deepEqual(bodies, ['cut']);
    await liar[Symbol.asyncDispose]();
    await using nobody = peerOf('http://127.0.0.1:1', { fetchOptions: patient });
    waits.splice(0);
    const unread = (function* () {
      yield* generations;
    })();
    await assert.rejects(nobody.sendGenerations(VOLSET, unread, sender), rejectsWith('network'));
    assert.equal(waits.length, 3);
  });

  it('tells of a fork with its stores', async () => {
    const data = { reason: 'fork', stores: [STORE] };
    const body = JSON.stringify({ error: { code: 'integrity', message: 'histories part', data } });
    await using liar = await startLiar(saying(422, JSON_HEADERS, body));
    await using peer = peerOf(liar.url, { fetchOptions: patient });
    const error = await peer.deltas(VOLSET, ASK).catch((thrown: unknown) => thrown);
    assert.deepEqual((error as PlaitError).data, data);
    assert.deepEqual(waits, []);
  });

  it('repeats neither uploads nor ref moves', async () => {
    await using liar = await startLiar((request) => request.socket.destroy());
    await using peer = peerOf(liar.url, { fetchOptions: patient });
    const one = async function* () {
      yield Buffer.from('x');
    };
    await assert.rejects(peer.upload(transfer(GOOD_PATH), one()), rejectsWith('network'));
    await assert.rejects(peer.moveRefs(VOLSET, []), rejectsWith('network'));
    assert.deepEqual(waits, []);
  });

  it('does not wait for ever for an answer or its rest', async () => {
    await using silent = await startLiar(() => {});
    await using peer = peerOf(silent.url, { fetchOptions: { headersMs: 100 } });
    await assert.rejects(peer.listVolsets(), rejectsWith('network', /in time/));
    await using stuck = await startLiar((_request, response) => void response.writeHead(200, JSON_HEADERS).write('{'));
    await using other = peerOf(stuck.url, { fetchOptions: { bodyMs: 100 } });
    await assert.rejects(other.listVolsets(), rejectsWith('network', /in time/));
  });

  it('stops at the signal, with its reason', async () => {
    const stop = new AbortController();
    await using silent = await startLiar(() => stop.abort(new PlaitError('deadline', 'time is up')));
    await using peer = peerOf(silent.url, { signal: stop.signal });
    await assert.rejects(peer.listVolsets(), rejectsWith('deadline', /time is up/));
    await assert.rejects(peer.listVolsets(), rejectsWith('deadline'));
    assert.equal(silent.requests.length, 1);
  });

  it('what ends the source of an upload is what the caller gets to see', async () => {
    await using liar = await startLiar(() => {});
    await using peer = peerOf(liar.url);
    const failing = async function* () {
      yield Buffer.from('x');
      throw new PlaitError('integrity', 'our pack is damaged');
    };
    await assert.rejects(peer.upload(transfer(GOOD_PATH), failing()), rejectsWith('integrity', /our pack/));
  });

  it('a token that is no token is named as such and never sent', async () => {
    assert.throws(() => peerOf('http://127.0.0.1:1', { token: 'a\nb' }), rejectsWith('bad-config'));
  });
});
