import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { startBadNetwork } from '../helpers/bad-network.ts';
import { peerOf, rejectsWith, SENDER, sampleHistory, startHub, type TestHub, VOLSET } from './support.ts';

const offerOf = (history: ReturnType<typeof sampleHistory>) => ({
  id: history.ids[0],
  body: history.first,
  bytes: 1,
  chunks: 1,
  baseCandidates: [],
});

async function granted(test: TestHub) {
  const peer = peerOf(test.url);
  const history = sampleHistory();
  await peer.createVolset({ id: VOLSET, name: 'data' });
  await peer.sendGenerations(VOLSET, history.generations, SENDER);
  const [answer] = await peer.offer(VOLSET, [offerOf(history)]);
  if (answer.answer !== 'want') throw new Error(answer.answer);
  return { peer, answer, history };
}

/** Of this, a line that stalls lets a half through. */
const PART = [Buffer.alloc(100_000, 'one'), Buffer.alloc(100_000, 'two')];

/** A line to the hub on which an upload stops in its middle. */
const stalling = (test: TestHub) => startBadNetwork({ to: test.url, stall: { up: 100_000 } });

describe('hub: stopping', () => {
  it('closes idle connections, lets a running upload end, and takes no new request', async () => {
    const test = await startHub();
    const { peer, answer, history } = await granted(test);
    const idle = connect(test.hub.port, '127.0.0.1');
    const idleClosed = new Promise((resolve) => idle.on('close', resolve).resume());
    await using line = await stalling(test);
    await using sender = peerOf(line.url);
    const upload = sender.upload(answer, PART);
    while (test.transfers.received === 0) await new Promise(setImmediate);
    const closed = test.hub.close();
    assert.equal(test.hub.close(), closed, 'closing twice is closing once');
    await idleClosed;
    await assert.rejects(peerOf(test.url).listVolsets(), rejectsWith('network'));
    await line.set({ stall: undefined });
    assert.deepEqual(await upload, { snapshots: [history.ids[0]], lacking: [] });
    await closed;
    assert.deepEqual(test.transfers.stored.get(history.ids[0]), Buffer.concat(PART));
    await peer[Symbol.asyncDispose]();
  });

  it('cuts what does not end within its time, and says why to whoever works on it', async () => {
    const test = await startHub({ limits: { drainMs: 50 } });
    const { peer, answer } = await granted(test);
    await using line = await stalling(test);
    await using sender = peerOf(line.url);
    const upload = assert.rejects(sender.upload(answer, PART), (error: { code?: string }) =>
      ['network', 'busy'].includes(String(error.code)),
    );
    while (test.transfers.received === 0) await new Promise(setImmediate);
    await test.hub.close();
    await upload;
    assert.equal(test.transfers.stopped?.code, 'busy');
    assert.equal(test.transfers.stored.size, 0);
    await peer[Symbol.asyncDispose]();
  });

  it('a client that goes away ends its upload', async () => {
    await using test = await startHub();
    const { peer, answer } = await granted(test);
    await using line = await stalling(test);
    const stop = new AbortController();
    await using sender = peerOf(line.url, { signal: stop.signal });
    const upload = assert.rejects(sender.upload(answer, PART), rejectsWith('interrupted'));
    while (test.transfers.received === 0) await new Promise(setImmediate);
    stop.abort();
    await upload;
    line.cut();
    while (!test.transfers.stopped) await new Promise(setImmediate);
    assert.equal(test.transfers.stopped.code, 'network');
    assert.ok(test.log.some((line) => line.route === '/v1/transfers/:upload' && line.cut === true));
    await peer[Symbol.asyncDispose]();
  });
});
