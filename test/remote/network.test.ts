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

  it('repeats a part of an upload, as it was or what is left of it, but no ref moves', async () => {
    const bodies: string[] = [];
    await using liar = await startLiar((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        bodies.push(`${request.headers['content-length']} ${Buffer.concat(pieces)}`);
        if (bodies.length < 3) request.socket.destroy();
        else saying(200, JSON_HEADERS, '{"snapshots":[],"lacking":[]}')(request, response);
      });
    });
    await using peer = peerOf(liar.url, { fetchOptions: patient });
    const part = [Buffer.from('one'), Buffer.from('two')];
    assert.deepEqual(await peer.upload(transfer(GOOD_PATH), part), { snapshots: [], lacking: [] });
    assert.deepEqual(bodies, ['6 onetwo', '6 onetwo', '6 onetwo']);
    assert.equal(waits.length, 2);
    bodies.splice(0);
    const rests = ['wo', 'o'].map((rest) => [Buffer.from(rest)]);
    await peer.upload(transfer(GOOD_PATH), part, async () => rests.shift() as Buffer[]);
    assert.deepEqual(bodies, ['6 onetwo', '2 wo', '1 o']);
    assert.equal(waits.splice(2).length, 2);
    await using cutter = await startLiar((request) => request.socket.destroy());
    await using other = peerOf(cutter.url, { fetchOptions: patient });
    await assert.rejects(other.moveRefs(VOLSET, []), rejectsWith('network'));
    assert.deepEqual([waits.length, cutter.requests.length], [2, 1]);
  });

  it('asks again when an answer was cut', async () => {
    let asked = 0;
    await using liar = await startLiar((request, response) => {
      if (asked++ > 0) return saying(200, JSON_HEADERS, '{"volsets":[]}')(request, response);
      response.writeHead(200, { ...JSON_HEADERS, 'content-length': '14' }).write('{"vol');
      setImmediate(() => request.socket.destroy());
    });
    await using peer = peerOf(liar.url, { fetchOptions: patient });
    assert.deepEqual(await peer.listVolsets(), []);
    assert.equal(asked, 2);
  });

  it('waits as long as a hub asks for, within bounds, and not all for the same time', async () => {
    const busy = '{"error":{"code":"busy","message":"later"}}';
    for (const [asked, waited] of [
      ['2', 2250],
      ['86400', 33_750],
      ['0', 150],
      ['soon', 150],
      ['-5', 150],
    ] as const) {
      waits.splice(0);
      await using liar = await startLiar(saying(503, { ...JSON_HEADERS, 'retry-after': asked }, busy));
      await using peer = peerOf(liar.url, { fetchOptions: { ...patient, retries: 1 } });
      await assert.rejects(peer.listVolsets(), rejectsWith('busy'));
      assert.deepEqual(waits, [waited], asked);
    }
  });

  it('takes a proxy at its word, too', async () => {
    await using liar = await startLiar(saying(503, { 'retry-after': '3' }));
    await using peer = peerOf(liar.url, { fetchOptions: { ...patient, retries: 1 } });
    await assert.rejects(peer.listVolsets(), rejectsWith('network', /HTTP 503/));
    assert.deepEqual(waits, [3375]);
  });

  it('who numbers its blobs is said on the first page of offers, and without any offer as well', async () => {
    const asked: { offers: { id: string }[]; sender?: unknown }[] = [];
    await using liar = await startLiar((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const message = JSON.parse(Buffer.concat(pieces).toString());
        asked.push(message);
        const answers = message.offers.map(({ id }: { id: string }) => ({ id, answer: 'have' }));
        saying(200, JSON_HEADERS, JSON.stringify({ answers }))(request, response);
      });
    });
    await using peer = peerOf(liar.url);
    const { first, ids } = sampleHistory();
    const offer = { id: ids[0], body: first, bytes: 1, chunks: 1, baseCandidates: [] };
    const numbers = { self: SELF, missing: [] };
    const answers = await peer.offer(VOLSET, Array(1001).fill(offer), numbers);
    assert.equal(answers.length, 1001);
    assert.deepEqual(
      asked.map(({ offers, sender }) => [offers.length, sender]),
      [
        [1000, numbers],
        [1, undefined],
      ],
    );
    assert.deepEqual(await peer.offer(VOLSET, [], numbers), []);
    assert.deepEqual(asked[2], { offers: [], sender: numbers });
    assert.deepEqual(await peer.offer(VOLSET, []), []);
    assert.equal(asked.length, 3);
  });

  it('says what it holds, and asks for a share', async () => {
    await using liar = await startLiar(saying(200, JSON_HEADERS, '{}'));
    await using peer = peerOf(liar.url);
    await peer.hold(transfer(GOOD_PATH), 1, new Uint8Array(24));
    await assert.rejects(peer.hold(transfer(GOOD_PATH), 0, new Uint8Array(8 * 16_385)), rejectsWith('unexpected'));
    await assert.rejects(peer.download(transfer(GOOD_PATH), { index: 2, of: 4 }), rejectsWith('protocol'));
    assert.deepEqual(
      liar.requests.map(({ method, url, headers }) => `${method} ${url} ${headers['plait-transfer']}`),
      [`POST ${GOOD_PATH}/held?kind=1 x.y`, `GET ${GOOD_PATH}?share=2&of=4 x.y`],
    );
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

  it('what ends the source of a push is what the caller gets to see', async () => {
    await using liar = await startLiar(() => {});
    await using peer = peerOf(liar.url);
    const failing = (async function* () {
      yield generations[0];
      throw new PlaitError('integrity', 'our log is damaged');
    })();
    await assert.rejects(peer.sendGenerations(VOLSET, failing, sender), rejectsWith('integrity', /our log/));
  });

  it('a token that is no token is named as such and never sent', async () => {
    assert.throws(() => peerOf('http://127.0.0.1:1', { token: 'a\nb' }), rejectsWith('bad-config'));
  });
});
