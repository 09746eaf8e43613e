/** Back-pressure and patience: the slower side sets the pace, and little is on its way, whichever side that is. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { PlaitError } from '../../src/core/errors.ts';
import type { TransferService } from '../../src/hub/contract.ts';
import { startBadNetwork } from '../helpers/bad-network.ts';
import { peerOf, rejectsWith, startHub, type TestHub, VOLSET } from './support.ts';

const MIB = 1 << 20;
/** What kernels and libraries buffer on the way through two connections; far less than what is sent. */
const BUFFERS = 24 * MIB;
const ID = '5'.repeat(64) as never;

const granted = (test: TestHub, direction: 'up' | 'down') =>
  test.transfers.grant({ volset: VOLSET, direction, snapshots: [ID], owner: 'anonymous' });

/** Pieces without end; counts what is taken. */
function source() {
  const made = { bytes: 0, ended: undefined as unknown };
  const send: TransferService['send'] = async function* (_claims, signal) {
    try {
      while (!signal.aborted) {
        made.bytes += MIB;
        yield Buffer.alloc(MIB);
      }
    } finally {
      made.ended = signal.reason ?? 'returned';
    }
  };
  return { made, send };
}

/** Requests a download and reads nothing of it, or a byte now and then. */
function dialDown(url: string, { url: path, token }: { url: string; token: string }) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nPlait-Transfer: ${token}\r\n\r\n`);
  return socket.pause().on('error', () => {});
}

describe('hub: flow', () => {
  it('a service that takes nothing stops the sender; once it takes, everything comes', async () => {
    const go = Promise.withResolvers<void>();
    await using test = await startHub();
    let taken = 0;
    test.transfers.receive = async (claims, body) => {
      await go.promise;
      for await (const piece of body) taken += piece.length;
      return { snapshots: claims.snapshots, lacking: [] };
    };
    await using line = await startBadNetwork({ to: test.url, window: 65_536 });
    await using peer = peerOf(line.url, { fetchOptions: { bodyMs: 500 } });
    const part = Array.from({ length: 96 }, () => Buffer.alloc(MIB));
    await assert.rejects(peer.upload(granted(test, 'up'), part), rejectsWith('network', /in time/));
    assert.ok(line.stats.upTaken < BUFFERS, `${line.stats.upTaken} bytes in flight`);
    go.resolve();
    const before = taken;
    await using patient = peerOf(line.url);
    assert.deepEqual(await patient.upload(granted(test, 'up'), part), { snapshots: [ID], lacking: [] });
    assert.ok(taken - before >= 96 * MIB);
  });

  it('a reader that reads nothing, or a byte now and then, holds up the source and is cut in the end', async () => {
    for (const dripping of [false, true]) {
      await using test = await startHub({ limits: { idleMs: 1000 } });
      const { made, send } = source();
      test.transfers.send = send as typeof test.transfers.send;
      const socket = dialDown(test.url, granted(test, 'down'));
      const drip = dripping ? setInterval(() => socket.read(1), 50) : undefined;
      while (made.ended === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
      clearInterval(drip);
      assert.ok(made.ended instanceof PlaitError && made.ended.code === 'network', String(made.ended));
      assert.ok(made.bytes < BUFFERS, `${made.bytes} bytes in flight`);
      socket.destroy();
    }
  });

  it('a client that is held back by its own limit, or goes away, holds up the source', async () => {
    await using test = await startHub();
    const { made, send } = source();
    test.transfers.send = send as typeof test.transfers.send;
    await using peer = peerOf(test.url, { limits: { down: 1000 } });
    const pieces = (await peer.download(granted(test, 'down')))[Symbol.asyncIterator]();
    const first = pieces.next();
    let before = -1;
    while (before !== made.bytes) {
      before = made.bytes;
      for (let i = 0; i < 200; i++) await new Promise(setImmediate);
    }
    assert.ok(made.bytes < BUFFERS, `${made.bytes} bytes in flight`);
    await peer[Symbol.asyncDispose]();
    await assert.rejects(first.then(() => pieces.next()));
    while (made.ended === undefined) await new Promise(setImmediate);
  });
});
