/** Lines and hubs that stand still: the client ends, in bounded time, with 13, and a stop ends it at once. */
import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import type { Peer, Transfer } from '../../src/core/peer.ts';
import { openPeer, type PeerOptions } from '../../src/remote/index.ts';
import { type BadNetwork, startBadNetwork } from '../helpers/bad-network.ts';
import { type Liar, NAMED, STORE, saying, startLiar } from './liar.ts';

const VOLSET = 'a1'.repeat(16) as VolsetId;
const TRANSFER: Transfer = { url: `/v1/transfers/${'0'.repeat(32)}`, token: 'x.y', expiresAt: 0 };
const PART = [Buffer.alloc(32 << 20)];
const TAR = { ...NAMED, 'content-type': 'application/x-tar' };

const network = (thrown: unknown): true => {
  assert.ok(thrown instanceof PlaitError, String(thrown));
  assert.deepEqual([thrown.code, thrown.exit], ['network', 13], thrown.message);
  return true;
};

async function drained(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

/** A download of so many bytes; anything else is read and never answered. */
const sending = (bytes: number) =>
  startLiar((request, response) => {
    if (request.method === 'GET') saying(200, TAR, Buffer.alloc(bytes))(request, response);
  });

const asks: [string, (peer: Peer) => Promise<unknown>][] = [
  ['a question', (peer) => peer.deltas(VOLSET, { self: STORE as never, vector: {}, knownRevision: 0 })],
  ['an upload', (peer) => peer.upload(TRANSFER, PART)],
  ['a download', async (peer) => drained(await peer.download(TRANSFER))],
];

describe('client: lines that stand still', () => {
  let liar: Liar;
  let line: BadNetwork;
  const open = (fetchOptions: PeerOptions['fetchOptions'], signal?: AbortSignal): Peer =>
    openPeer({ url: line.url, signal, fetchOptions: { sleep: async () => {}, ...fetchOptions } });
  const short = { headersMs: 150, workMs: 150, bodyMs: 150 };
  beforeEach(async () => {
    liar = await sending(32 << 20);
    line = await startBadNetwork({ to: liar.url });
  });
  afterEach(async () => {
    await line.close();
    await liar[Symbol.asyncDispose]();
  });

  for (const [what, ask] of asks) {
    for (const stall of [{ up: 0 }, { up: 100_000, down: 100_000 }, { down: 0 }] as const) {
      it(`${what} ends when nothing moves behind ${JSON.stringify(stall)}; tried once more, not often`, async () => {
        await line.set({ stall });
        await using peer = open({ retries: 5, ...short });
        await assert.rejects(ask(peer), network);
        assert.ok(peer.traffic.requests <= 2, `${peer.traffic.requests} requests`);
      });
    }

    it(`${what} stops at once where nothing moves`, async () => {
      await line.set({ stall: { up: 50_000, down: 50_000 } });
      const stop = new AbortController();
      await using peer = open({}, stop.signal);
      const asked = ask(peer);
      while (line.stats.upTaken === 0) await new Promise(setImmediate);
      stop.abort(new PlaitError('interrupted', 'interrupted by SIGINT'));
      await assert.rejects(asked, (error: PlaitError) => error.code === 'interrupted');
    });
  }

  it('a stop ends a pause between attempts', async () => {
    await line.set({ refuse: true });
    const stop = new AbortController();
    await using peer = openPeer({
      url: line.url,
      signal: stop.signal,
      fetchOptions: { retries: 99, random: () => 0.99 },
    });
    const asked = peer.listVolsets();
    while (peer.traffic.requests < 2) await new Promise(setImmediate);
    stop.abort(new PlaitError('interrupted', 'interrupted by SIGTERM'));
    await assert.rejects(asked, (error: PlaitError) => error.code === 'interrupted');
    assert.ok(peer.traffic.requests <= 3);
  });

  it('a peer that reads nothing ends an upload, however long the answer may take', async () => {
    await line.set({ stall: { up: 0 }, window: 65_536 });
    await using peer = open({ retries: 0, bodyMs: 150 });
    await assert.rejects(peer.upload(TRANSFER, PART), network);
    assert.ok(line.stats.upTaken < PART[0].length / 2, `${line.stats.upTaken} bytes in flight`);
  });

  it('a body that only drips is as good as one that stands still', async () => {
    await using dripping = await startLiar((_request, response) => {
      response.writeHead(200, TAR);
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    await using peer = openPeer({ url: dripping.url, fetchOptions: { bodyMs: 200, retries: 0 } });
    await assert.rejects(drained(await peer.download(TRANSFER)), network);
  });

  it('a slow line is not taken for one that stands still', async () => {
    await using slow = await sending(5 << 20);
    await using narrow = await startBadNetwork({ to: slow.url, bandwidth: { down: 8_000_000 }, delay: 20 });
    await using peer = openPeer({ url: narrow.url, fetchOptions: { retries: 0, bodyMs: 3000 } });
    assert.equal(await drained(await peer.download(TRANSFER)), 5 << 20);
  });
});
