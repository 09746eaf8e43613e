import assert from 'node:assert/strict';
import type { SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import type { Interval } from '../../src/core/intervals.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { Generation } from '../../src/core/records.ts';
import { MAX_INTERVALS } from '../../src/wire/limits.ts';
import { inProcess } from './in-process-peer.ts';
import {
  BRANCH,
  OTHER,
  peerOf,
  rejectsWith,
  SELF,
  SENDER,
  sampleHistory,
  startHub,
  type TestHub,
  VOLSET,
} from './support.ts';

const ASK = { self: SELF, vector: {}, knownRevision: 0 };

interface Carrier {
  connect(test: TestHub, options?: { self?: StoreId }): Peer;
  /** Whom numbers are sealed for. */
  owner: string;
  /** What a failure inside looks like, once an answer has begun. */
  broken: 'network' | 'unexpected';
}

/** What carries the messages makes no difference. */
const CARRIERS: Record<string, Carrier> = {
  'over HTTP': { connect: (test, options) => peerOf(test.url, options), owner: 'anonymous', broken: 'network' },
  'in process': { connect: inProcess, owner: 'local', broken: 'unexpected' },
};

for (const [how, { connect, owner, broken }] of Object.entries(CARRIERS))
  describe(`hub routes, ${how}`, () => {
    let test: TestHub;
    let peer: Peer;
    const history = sampleHistory();

    before(async () => {
      test = await startHub();
      peer = connect(test);
    });
    after(async () => {
      await peer[Symbol.asyncDispose]();
      await test.hub.close();
    });

    const readDeltas = async (from: Peer, volset: VolsetId = VOLSET) => {
      const answer = await from.deltas(volset, ASK);
      const generations: Generation[] = await Array.fromAsync(answer.generations);
      return { refs: answer.refs, generations, trailer: await answer.trailer() };
    };

    it('knows nothing at first, and says so', async () => {
      assert.deepEqual(await peer.listVolsets(), []);
      assert.equal(peer.identity, test.meta.self.store);
      await assert.rejects(peer.deltas(VOLSET, ASK), rejectsWith('not-found', /^remote: /));
      await assert.rejects(
        peer.request(VOLSET, [{ id: history.ids[0], baseCandidates: [] }]),
        rejectsWith('not-found'),
      );
    });

    it('announces a volset: its name belongs to the first id, and nothing is stored', async () => {
      await peer.createVolset({ id: VOLSET, name: 'data' });
      await peer.createVolset({ id: VOLSET, name: 'data' });
      await assert.rejects(peer.createVolset({ id: OTHER, name: 'data' }), rejectsWith('exists'));
      assert.equal(test.meta.volsets.size, 0);
      const { generations, trailer } = await readDeltas(peer);
      assert.deepEqual(
        { generations, trailer },
        { generations: [], trailer: { vector: {}, revision: 0, generations: 0, sealed: [] } },
      );
    });

    it('takes generations, again without effect, and gives them back unchanged', async () => {
      const vector = { [SELF]: { generation: 2, hash: history.generations[1].hash } };
      assert.deepEqual(await peer.sendGenerations(VOLSET, history.generations, SENDER), { vector });
      assert.deepEqual(await peer.sendGenerations(VOLSET, history.generations, SENDER), { vector });
      const applied = test.meta.calls.get('apply');
      const { generations, trailer } = await readDeltas(peer);
      assert.deepEqual(generations, history.generations);
      assert.deepEqual(trailer, { vector, revision: 0, generations: 2, sealed: [] });
      assert.equal(test.meta.calls.get('apply'), applied, 'a deltas request writes nothing');
    });

    it('tells a store which of its numbers are sealed for its bearer, and nobody else', async () => {
      const sealedFor = async (self: StoreId): Promise<unknown> => {
        const answer = await peer.deltas(VOLSET, { ...ASK, self });
        await Array.fromAsync(answer.generations);
        return (await answer.trailer()).sealed;
      };
      const many = Array.from({ length: MAX_INTERVALS + 5 }, (_, i): Interval => [2 * i + 1, 2 * i + 1]);
      test.meta.seals.set(`${VOLSET} ${SELF} ${owner}`, many);
      test.meta.seals.set(`${VOLSET} ${SELF} somebody`, [[1, 9]]);
      assert.deepEqual(await sealedFor(SELF), many.slice(0, MAX_INTERVALS));
      assert.deepEqual(await sealedFor(SELF.replace(/1$/, '2') as StoreId), []);
      test.meta.seals.clear();
      assert.deepEqual(await sealedFor(SELF), []);
    });

    it('still keeps the name for the id that now holds it', async () => {
      await assert.rejects(peer.createVolset({ id: OTHER, name: 'data' }), rejectsWith('exists'));
      await peer.createVolset({ id: VOLSET, name: 'data' });
    });

    it('moves no ref to data that is not here', async () => {
      const answer = await peer.moveRefs(VOLSET, [{ branch: BRANCH, from: null, to: history.ids[0] }]);
      assert.equal(answer.moved, false);
      assert.match(String(answer.reason), /data of snapshot .* is not here/);
    });

    it('takes a blob diff and then says that it has it', async () => {
      const offers = history.ids.map((id, i) => ({
        id,
        body: [history.first, history.second][i],
        bytes: 1,
        chunks: 1,
        baseCandidates: [] as SnapshotId[],
      }));
      const answers = await peer.offer(VOLSET, offers);
      const wanted = answers[0];
      assert.equal(wanted.answer, 'want');
      if (wanted.answer !== 'want') return;
      const ids = Buffer.concat([Buffer.alloc(32, 0), Buffer.alloc(32, 1)]);
      assert.deepEqual([...(await peer.have(VOLSET, wanted, 0, ids))], [1, 0]);
      assert.deepEqual([...(await peer.have(VOLSET, wanted, 1, ids))], [0, 1]);
      const part = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100_000, i));
      const sent = peer.traffic.sent;
      assert.deepEqual(await peer.upload(wanted, part), { snapshots: history.ids, lacking: [] });
      assert.equal(peer.traffic.sent - sent, 4_000_000);
      assert.deepEqual(
        (await peer.offer(VOLSET, offers)).map((a) => a.answer),
        ['have', 'have'],
      );
    });

    it('vouches for what it holds whole, for an hour, and for nothing else', async () => {
      const [one, two] = history.ids;
      const unknown = 'f'.repeat(64) as SnapshotId;
      const asked = Date.now();
      assert.deepEqual(await peer.holds(VOLSET, [two, unknown, one, two]), [two, one]);
      const [{ until, ...kept }] = test.meta.kept.splice(0);
      assert.deepEqual(kept, { id: VOLSET, name: `promise:${VOLSET}`, ids: [two, one], add: true });
      assert.ok(until >= asked + 3_600_000);
      test.meta.damaged = [one];
      assert.deepEqual(await peer.holds(VOLSET, [one, two]), [two]);
      test.meta.damaged = [];
      assert.deepEqual([await peer.holds(VOLSET, [unknown]), await peer.holds(VOLSET, [])], [[], []]);
      assert.deepEqual(
        test.meta.kept.splice(0).map(({ ids }) => ids),
        [[two]],
      );
      await assert.rejects(peer.holds(OTHER, [one]), rejectsWith('not-found'));
    });

    it('does not vouch for what another process drops before the promise stands, or of a deleted volume set', async () => {
      const [one, two] = history.ids;
      const volset = test.meta.volsets.get(VOLSET);
      const held = volset?.snapshots.get(one);
      assert.ok(volset && held);
      test.meta.onKeep = () => {
        held.hasBlob = false;
      };
      assert.deepEqual(await peer.holds(VOLSET, [one, two]), [two]);
      test.meta.onKeep = () => {};
      held.hasBlob = true;
      volset.dead = true;
      assert.deepEqual(await peer.holds(VOLSET, [one]), []);
      volset.dead = false;
      test.meta.kept.length = 0;
    });

    it('moves refs forward by compare-and-swap, all or none', async () => {
      const [one, two] = history.ids;
      const first = await peer.moveRefs(VOLSET, [{ branch: BRANCH, from: null, to: one }]);
      assert.deepEqual(first, { moved: true, refs: [{ branch: BRANCH, snapshot: one, revision: 1 }], revision: 1 });
      const lost = await peer.moveRefs(VOLSET, [{ branch: BRANCH, from: null, to: two }]);
      assert.equal(lost.moved, false);
      assert.equal((await peer.moveRefs(VOLSET, [{ branch: BRANCH, from: one, to: two }])).moved, true);
      const back = await peer.moveRefs(VOLSET, [{ branch: BRANCH, from: two, to: one }]);
      assert.equal(back.moved, false, 'not a fast-forward');
      const { refs } = await readDeltas(peer);
      assert.deepEqual(refs, [{ branch: BRANCH, snapshot: two, revision: 2 }]);
      assert.deepEqual(await peer.listVolsets(), [
        { id: VOLSET, name: 'data', branches: [{ id: BRANCH, name: 'main', tip: two }] },
      ]);
    });

    it('gives the blob diff back, with back-pressure', async () => {
      const unknown = 'f'.repeat(64) as SnapshotId;
      const [answer, absent] = await peer.request(VOLSET, [
        { id: history.ids[0], baseCandidates: [] },
        { id: unknown, baseCandidates: [] },
      ]);
      assert.deepEqual(absent, { id: unknown, answer: 'absent' });
      if (answer.answer !== 'available') return assert.fail(answer.answer);
      let bytes = 0;
      for await (const piece of await peer.download(answer)) bytes += piece.length;
      assert.equal(bytes, 4_000_000);
    });

    it('passes on what is held and which stream is wanted, and refuses what is neither', async () => {
      const [answer] = await peer.request(VOLSET, [{ id: history.ids[0], baseCandidates: [] }]);
      if (answer.answer !== 'available') return assert.fail(answer.answer);
      await peer.hold(answer, 1, Buffer.alloc(16, 5));
      assert.deepEqual(test.transfers.held, [{ kind: 1, prefixes: Buffer.alloc(16, 5) }]);
      await assert.rejects(peer.hold(answer, 1, Buffer.alloc(15)), rejectsWith('protocol'));
      await Array.fromAsync(await peer.download(answer, { index: 3, of: 4 }));
      assert.deepEqual(test.transfers.share, { index: 3, of: 4 });
      await Array.fromAsync(await peer.download(answer));
      assert.equal(test.transfers.share, undefined);
      for (const share of [
        { index: 4, of: 4 },
        { index: 0, of: 17 },
        { index: 0, of: 0 },
      ])
        await assert.rejects(peer.download(answer, share), rejectsWith('protocol'));
    });

    it('reports a download that breaks in the middle as cut', async () => {
      test.transfers.breakDownload = true;
      const [answer] = await peer.request(VOLSET, [{ id: history.ids[0], baseCandidates: [] }]);
      if (answer.answer !== 'available') return assert.fail(answer.answer);
      const drain = async () => {
        for await (const _ of await peer.download(answer));
      };
      await assert.rejects(drain(), rejectsWith(broken));
      test.transfers.breakDownload = false;
    });

    it('tells why an upload is refused while it is still being sent', async () => {
      test.transfers.refuseUpload = true;
      test.transfers.stored.clear();
      const offer = { id: history.ids[0], body: history.first, bytes: 1, chunks: 1, baseCandidates: [] };
      const [answer] = await peer.offer(VOLSET, [offer]);
      if (answer.answer !== 'want') return assert.fail(answer.answer);
      const long = Array.from({ length: 1000 }, () => Buffer.alloc(65_536));
      await assert.rejects(peer.upload(answer, long), rejectsWith('integrity', /remote: a block is damaged/));
      test.transfers.refuseUpload = false;
    });

    it('refuses a store that talks to itself', async () => {
      const echo = connect(test, { self: test.meta.self.store });
      await assert.rejects(
        echo.deltas(VOLSET, { ...ASK, self: test.meta.self.store }),
        rejectsWith('identity', /the very store that asks/),
      );
      await assert.rejects(echo.sendGenerations(VOLSET, history.generations, SENDER), rejectsWith('identity'));
      await echo[Symbol.asyncDispose]();
    });

    it('takes a push whole or not at all', async () => {
      const other = sampleHistory(OTHER, 'more');
      await peer.createVolset({ id: OTHER, name: 'more' });
      const broken = [other.generations[0], { ...other.generations[1], hash: 'a'.repeat(64) as never }];
      await assert.rejects(peer.sendGenerations(OTHER, broken, SENDER), rejectsWith('integrity'));
      assert.equal(test.meta.volsets.has(OTHER), false);
    });
  });

describe('hub routes: what only HTTP has', () => {
  let test: TestHub;
  before(async () => {
    test = await startHub();
  });
  after(() => test.hub.close());

  it('counts requests and errors, and answers health and its own description', async () => {
    await using peer = peerOf(test.url);
    await assert.rejects(peer.deltas(VOLSET, ASK), rejectsWith('not-found'));
    const metrics = await (await fetch(`${test.url}/metrics`)).text();
    assert.match(
      metrics,
      /^plait_requests_total\{method="POST",route="\/v1\/volsets\/:volset\/deltas",status="404"\} \d+$/m,
    );
    assert.match(metrics, /^plait_errors_total\{code="not-found"\} 1$/m);
    assert.match(metrics, /^plait_uploads_in_progress 0$/m);
    assert.deepEqual(await (await fetch(`${test.url}/healthz`)).json(), {
      ok: true,
      checks: { serving: true, 'meta-read': true, 'meta-write': true, audit: true },
    });
    const api = (await (await fetch(`${test.url}/v1/openapi.json`)).json()) as { paths: Record<string, object> };
    assert.deepEqual(Object.keys(api.paths['/v1/transfers/{upload}']), ['put', 'post', 'get']);
    assert.ok(api.paths['/v1/volsets/{volset}/deltas']);
    const { post } = api.paths['/v1/volsets/{volset}/writes'] as { post: { requestBody: { content: object } } };
    const [body] = Object.values(post.requestBody.content) as { 'x-lines': object }[];
    assert.deepEqual(Object.keys(body['x-lines']), ['first', 'record', 'trailer']);
  });

  it('names the store in every answer, errors included', async () => {
    for (const path of ['/healthz', '/v1/volsets', '/nothing', '/v1/volsets/x', '/v1/volsets/%zz']) {
      const answer = await fetch(test.url + path);
      assert.equal(answer.headers.get('plait-store'), test.meta.self.store, path);
      assert.equal(answer.headers.get('plait-protocol'), '1', path);
      await answer.arrayBuffer();
    }
  });
});
