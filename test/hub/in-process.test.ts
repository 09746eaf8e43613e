import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import { type InstallId, storeId } from '../../src/core/ids.ts';
import type { Transfer } from '../../src/core/peer.ts';
import { connectInProcess, type InProcessOptions } from '../../src/hub/in-process.ts';
import { JSON_TYPE, NDJSON_TYPE } from '../../src/wire/headers.ts';
import { inProcess, PLACE } from './in-process-peer.ts';
import { asyncMeta } from './memory-meta.ts';
import { OTHER, rejectsWith, SELF, SENDER, sampleHistory, startHub, type TestHub, VOLSET } from './support.ts';

const ASK = { self: SELF, vector: {}, knownRevision: 0 };

describe('hub in process', () => {
  let test: TestHub;
  const history = sampleHistory();
  beforeEach(async () => {
    test = await startHub();
  });
  afterEach(() => test.hub.close());

  const connect = (options: Partial<InProcessOptions> = {}) =>
    connectInProcess({
      origin: PLACE,
      label: 'me',
      meta: asyncMeta(test.meta),
      transfer: test.transfers,
      transferTokens: test.transfers.tokens,
      cutEveryMs: 0,
      ...options,
    });
  const list = { method: 'GET', path: '/v1/volsets', answer: JSON_TYPE, retry: true } as const;

  const offered = async (peer: ReturnType<typeof inProcess>): Promise<Transfer> => {
    await peer.sendGenerations(VOLSET, history.generations, SENDER);
    const offer = { id: history.ids[0], body: history.first, bytes: 1, chunks: 1, baseCandidates: [] };
    const [answer] = await peer.offer(VOLSET, [offer]);
    if (answer.answer !== 'want') return assert.fail(answer.answer);
    return answer;
  };

  it('only what is a route is answered, with the type that it has', async () => {
    const connection = connect();
    for (const wanted of [
      { ...list, path: '/v1/nothing' },
      { ...list, path: '/v1/volsets/' },
      { ...list, path: '/v1/volsets/../volsets', method: 'PUT' as const },
      { ...list, answer: NDJSON_TYPE },
    ])
      await assert.rejects(connection.request(wanted), rejectsWith('not-found'));
    const [bytes] = await Array.fromAsync(await connection.request(list));
    assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()), { volsets: [] });
    await connection.close();
  });

  it('bodies are bounded and checked as those that come over a line', async () => {
    const connection = connect({ limits: { jsonBytes: 100, recordBytes: 100 } });
    const post = { ...list, method: 'POST', type: JSON_TYPE } as const;
    const refused: [string, object, RegExp][] = [
      ['protocol', { body: Buffer.alloc(101) }, /too large/],
      ['protocol', { body: Buffer.from('{') }, /not JSON/],
      ['protocol', { body: Buffer.from('{"id":1}') }, /request/],
      ['protocol', { body: Buffer.from('{}'), type: NDJSON_TYPE }, /must be application\/json/],
    ];
    for (const [code, more, message] of refused)
      await assert.rejects(connection.request({ ...post, ...more }), rejectsWith(code, message));
    await connection.close();
    await using peer = inProcess(test, { limits: { recordBytes: 100 } });
    await assert.rejects(peer.sendGenerations(VOLSET, history.generations, SENDER), rejectsWith('quota', /100 bytes/));
  });

  it('nothing is shared: what was sent, and what came, may be written over', async () => {
    await using peer = inProcess(test);
    const transfer = await offered(peer);
    const part = Buffer.alloc(1000, 1);
    await peer.upload(transfer, [part]);
    part.fill(2);
    const kept = test.transfers.stored.get(history.ids[0]) as Buffer;
    assert.ok(kept.every((byte) => byte === 1));
    const [answer] = await peer.request(VOLSET, [{ id: history.ids[0], baseCandidates: [] }]);
    if (answer.answer !== 'available') return assert.fail(answer.answer);
    for await (const piece of await peer.download(answer)) piece.fill(3);
    assert.ok(kept.every((byte) => byte === 1));
  });

  it('counts requests and the bytes of bodies, and lets them pass as its limits say', async () => {
    const passed = { up: 0, down: 0 };
    const traffic = { requests: 0, sent: 0, received: 0 };
    await using peer = inProcess(test, {
      traffic,
      pace: {
        up: async (bytes) => {
          passed.up += bytes;
        },
        down: async (bytes) => {
          passed.down += bytes;
        },
      },
    });
    const transfer = await offered(peer);
    const before = { ...traffic };
    await peer.upload(transfer, [Buffer.alloc(1000), Buffer.alloc(500)]);
    assert.deepEqual([traffic.requests - before.requests, traffic.sent - before.sent], [1, 1500]);
    assert.deepEqual(passed, { up: traffic.sent, down: traffic.received });
    assert.equal(peer.traffic, traffic);
  });

  it('whoever brings a volset owns it', async () => {
    await using peer = inProcess(test, { label: 'me@here' });
    await peer.sendGenerations(VOLSET, history.generations, SENDER);
    assert.equal(test.meta.findVolset(VOLSET)?.owner, 'me@here');
  });

  it('another store than the one remembered is not asked', async () => {
    const other = storeId('0'.repeat(32) as InstallId, 1);
    await using peer = inProcess(test, { expectIdentity: other });
    await assert.rejects(peer.createVolset({ id: VOLSET, name: 'data' }), rejectsWith('identity', /another store/));
    await using fresh = inProcess(test);
    assert.deepEqual(await fresh.listVolsets(), []);
    assert.equal(fresh.identity, test.meta.self.store);
  });

  it('records that other commands left open are cut before the first answer', async () => {
    const order: string[] = [];
    const meta = asyncMeta(test.meta);
    const watched = new Proxy(meta, {
      get: (target, name) => {
        if (name === 'listVolsets') return async () => [{ id: VOLSET }];
        if (name === 'cut') return async () => void order.push('cut');
        if (name === 'knowsVolset') return async () => order.push('asked') === 0;
        return Reflect.get(target, name);
      },
    });
    await using peer = inProcess(test, { meta: watched, cutEveryMs: 60_000 });
    await assert.rejects(peer.deltas(VOLSET, ASK), rejectsWith('not-found'));
    assert.deepEqual(order, ['cut', 'asked']);
  });

  it('a failure is told as what it is', async () => {
    await using peer = inProcess(test);
    await offered(peer);
    const source = async function* () {
      yield history.generations[0];
      throw new PlaitError('integrity', 'a record here is damaged');
    };
    await assert.rejects(peer.sendGenerations(VOLSET, source(), SENDER), rejectsWith('integrity', /^a record here/));
    const broken = inProcess(test, {
      meta: new Proxy(asyncMeta(test.meta), {
        get: (target, name) =>
          name === 'knowsVolset'
            ? async () => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
            : Reflect.get(target, name),
      }),
    });
    await assert.rejects(broken.deltas(VOLSET, ASK), rejectsWith('no-space', /\/mnt\/store failed: no room/));
    await broken[Symbol.asyncDispose]();
    const gone = new PlaitError('network', 'the disk is gone');
    await using lost = inProcess(test, { lost: () => gone });
    await assert.rejects(lost.deltas(OTHER, ASK), rejectsWith('network', /the disk is gone/));
  });

  it('a signal ends what runs, for its own reason', async () => {
    const stop = new AbortController();
    await using peer = inProcess(test, { signal: stop.signal });
    const transfer = await offered(peer);
    const begun = Promise.withResolvers<void>();
    const endless = {
      [Symbol.iterator]: function* () {
        for (;;) {
          begun.resolve();
          yield Buffer.alloc(10);
        }
      },
    } as unknown as Uint8Array[];
    const upload = peer.upload(transfer, endless);
    await begun.promise;
    stop.abort(new PlaitError('interrupted', 'enough'));
    await assert.rejects(upload, rejectsWith('interrupted', /enough/));
    await assert.rejects(peer.listVolsets(), rejectsWith('interrupted'));
  });

  it('an answer that falls silent, or whose reader gives up, ends although its source does not', async () => {
    const connection = connect({ meta: stuck(), transfer: test.transfers });
    const left = new AbortController();
    const deltas = { ...list, method: 'POST', path: `/v1/volsets/${VOLSET}/deltas`, answer: NDJSON_TYPE } as const;
    const body = { body: Buffer.from(JSON.stringify(ASK)), type: JSON_TYPE };
    const silent = await connection.request({ ...deltas, ...body, silentMs: 20 });
    await assert.rejects(Array.fromAsync(silent), rejectsWith('network', /nothing for 0.02 s/));
    const given = connection.request({ ...deltas, ...body, path: '/v1/volsets', signal: left.signal });
    left.abort();
    await assert.rejects(given, rejectsWith('network', /given up/));
    await connection.close();
  });

  it('a feed looks at each piece whether its store is still there', async () => {
    let isGone = false;
    const lost = () => (isGone ? new PlaitError('network', 'the disk is gone') : undefined);
    const connection = connect({ lost });
    const wanted = { ...list, path: '/v1/changes', answer: NDJSON_TYPE, silentMs: 60_000 } as const;
    const feed = await connection.request(wanted);
    assert.equal((await feed.next()).done, false);
    await feed.return(undefined);
    const later = await connection.request(wanted);
    isGone = true;
    await assert.rejects(later.next(), rejectsWith('network', /disk is gone/));
    await assert.rejects(connection.request(list), rejectsWith('network', /disk is gone/));
    await connection.close();
  });

  /** Its log has no end, and says nothing. */
  const stuck = () =>
    new Proxy(asyncMeta(test.meta), {
      get: (target, name) => {
        if (name === 'knowsVolset') return async () => true;
        if (name === 'planDeltas')
          return async () => ({ refs: [], vector: {}, revision: 1, generations: 1, cursor: '' });
        if (name === 'readDeltas') return () => new Promise(() => {});
        return Reflect.get(target, name);
      },
    });

  it('closing ends answers that nobody read to their end, and what is asked later', async () => {
    const peer = inProcess(test);
    const transfer = await offered(peer);
    await peer.upload(transfer, [Buffer.alloc(300_000)]);
    const [answer] = await peer.request(VOLSET, [{ id: history.ids[0], baseCandidates: [] }]);
    if (answer.answer !== 'available') return assert.fail(answer.answer);
    const pieces = (await peer.download(answer))[Symbol.asyncIterator]();
    assert.equal((await pieces.next()).done, false);
    await peer[Symbol.asyncDispose]();
    // Not as if that were all.
    await assert.rejects(pieces.next(), rejectsWith('network', /was closed/));
    await assert.rejects(peer.listVolsets(), rejectsWith('network', /was closed/));
  });
});
