/**
 * A real client and a real hub with a bad network in between: whatever it does to bytes and answers, nothing wrong
 * becomes visible, the failure is one that the documentation knows, and the same again completes.
 */
import assert from 'node:assert/strict';
import { manifest } from '../../src/blob/manifest/index.ts';
import { ERRORS, PlaitError } from '../../src/core/errors.ts';
import type { VolsetId } from '../../src/core/ids.ts';
import type { Peer } from '../../src/core/peer.ts';
import type { LogLine } from '../../src/hub/contract.ts';
import { openPeer } from '../../src/remote/index.ts';
import { downloadSnapshots } from '../../src/transfer/client.ts';
import { noise } from '../blob/noise.ts';
import { type BadNetwork, type NetworkFaults, startBadNetwork, type Way } from '../helpers/bad-network.ts';
import { Client, RealHub } from '../hub/real-hub.ts';
import { assertComplete, type MadeSnapshot, type Tree } from '../transfer/support/history.ts';
import { push as pushBlobs } from '../transfer/support/push.ts';
import { copyMetadata, type TestStore, testStore } from '../transfer/support/stores.ts';

/** What corrupted requests and answers may end with; anything else would be our own fault, or taken for success. */
const ALLOWED = [
  'network',
  'busy',
  'deadline',
  'protocol',
  'format',
  'integrity',
  'identity',
  'not-found',
  'forbidden',
];
const ALSO = ['unauthorized', 'incomplete', 'exists', 'quota', 'bad-config', 'blob-absent', 'no-space', 'rollback'];

const NOTHING: NetworkFaults = { cut: undefined, corrupt: undefined, answers: undefined };

const treeOf = (files: number, seed: number): Tree =>
  Object.fromEntries(
    Array.from({ length: files }, (_, n) => [`file${n}`, noise(seed * 1000 + n, 40_000).toString('base64')]),
  );

interface Case {
  client: Client;
  made: MadeSnapshot;
}

describe('client and hub: a bad network in between', function () {
  this.timeout(240_000);
  const log: LogLine[] = [];
  let real: RealHub;
  let line: BadNetwork;
  let cases = 0;
  beforeEach(async () => {
    log.length = 0;
    real = await RealHub.start({ log: (entry) => log.push(entry) });
    line = await startBadNetwork({ to: real.hub.url });
  });
  afterEach(async () => {
    await line.close();
    for await (const damage of real.blob.verifyPacks({ readData: true })) assert.fail(damage.what);
    assert.deepEqual(
      log.filter(({ event }) => event === 'failure'),
      [],
    );
    await real[Symbol.asyncDispose]();
  });

  const open = (store: TestStore, url = line.url, retries = 0): Peer =>
    openPeer({
      url,
      self: store.meta.self.store,
      fetchOptions: { retries, sleep: async () => {}, headersMs: 5000, workMs: 5000, bodyMs: 5000 },
    });

  async function begin(files: number): Promise<Case> {
    const client = new Client(real.hub.url, `data${++cases}`).begin();
    const made = await client.snapshot(treeOf(files, cases));
    return { client, made };
  }

  /** All that a first push does, or what is left of it. */
  async function push({ client, made }: Case, peer: Peer): Promise<void> {
    const { store, volset, branch, name } = client;
    const { meta } = store;
    await peer.createVolset({ id: volset, name });
    await pushBlobs(store, peer, [made.id], { volset });
    meta.cut(volset);
    const sender = { label: meta.self.label, vector: meta.vector(volset) };
    const { cursor } = meta.planDeltas(volset, {}, 0);
    await peer.sendGenerations(volset, meta.readDeltas(volset, cursor).generations, sender);
    await peer.moveRefs(volset, [{ branch, from: null, to: made.id }]);
  }

  async function pull({ client, made }: Case, into: TestStore, peer: Peer): Promise<void> {
    await downloadSnapshots({ ...into, manifest, peer, volset: client.volset, snapshots: [made.id], retries: 0 });
  }

  /** What the hub shows is either nothing or the truth. */
  async function assertHonest({ client, made }: Case, whole: boolean): Promise<void> {
    const { volset, branch, name } = client;
    const missing = await real.thread.meta.missingBlobs(volset, [made.id]);
    if (missing.length === 0) {
      const reader = real.blob.reader(volset);
      manifest.check(reader, made.body.root);
      for (const { kind, id } of manifest.reachable(reader, made.body.root)) assert.equal(reader.has(kind, id)[0], 1);
    }
    await using peer = open(client.store, real.hub.url);
    const shown = (await peer.listVolsets()).find(({ id }) => id === volset);
    if (shown && shown.branches.length > 0) {
      assert.deepEqual([shown.name, shown.branches.map(({ id, name }) => [id, name])], [name, [[branch, 'main']]]);
      assert.ok([made.id, null].includes(shown.branches[0].tip));
    }
    if (whole) assert.deepEqual([missing, shown?.branches[0]?.tip], [[], made.id]);
  }

  /** Never success, and never an error of ours, where the code says otherwise. */
  function assertFailure(thrown: unknown, what: string): void {
    assert.ok(thrown instanceof PlaitError, `${what}: ${(thrown as Error)?.stack}`);
    assert.ok([...ALLOWED, ...ALSO].includes(thrown.code), `${what}: ${thrown.code}: ${thrown.message}`);
    assert.ok(ERRORS[thrown.code].exit > 1);
  }

  /** Under the faults, which count from here, then without them. */
  async function tried(faults: NetworkFaults, what: string, run: (url: string) => Promise<void>): Promise<boolean> {
    await line.set({ ...NOTHING, ...faults });
    let failed = false;
    try {
      await run(line.url);
    } catch (thrown) {
      failed = true;
      assertFailure(thrown, what);
    }
    await line.set(NOTHING);
    return failed;
  }

  async function pushThrough(made: Case, faults: NetworkFaults, what: string, retries = 0): Promise<boolean> {
    const failed = await tried(faults, what, async () => {
      await using peer = open(made.client.store, line.url, retries);
      await push(made, peer);
    });
    await assertHonest(made, false);
    await using again = open(made.client.store);
    try {
      await push(made, again);
    } catch (error) {
      // The byte that was changed announced the name for another id: the hub keeps it for that one for an hour.
      if (!failed || faults.corrupt?.up === undefined || (error as PlaitError).code !== 'exists') throw error;
      await assertHonest(made, false);
      return true;
    }
    await assertHonest(made, true);
    return failed;
  }

  async function pullThrough(made: Case, faults: NetworkFaults, what: string): Promise<boolean> {
    const into = testStore();
    copyMetadata(made.client.store, into, made.client.volset);
    const failed = await tried(faults, what, async () => {
      await using peer = open(into);
      await pull(made, into, peer);
    });
    if (!failed) assertComplete(into, made.made);
    await using again = open(into);
    await pull(made, into, again);
    assertComplete(into, made.made);
    into.meta[Symbol.dispose]();
    return failed;
  }

  /** Places in a stream of so many bytes: dense where heads and small messages are, then everywhere. */
  const places = (total: number): number[] => [
    ...Array.from({ length: 5 }, (_, n) => 40 + n * 157),
    ...Array.from({ length: 6 }, (_, n) => Math.floor(((n + 0.5) * total) / 6)),
    ...Array.from({ length: 3 }, (_, n) => total - 30 - n * 151),
  ];

  /** Bytes of a push or pull without faults. */
  async function sizes(run: () => Promise<unknown>): Promise<Record<Way, number>> {
    const { up, down } = line.stats;
    await run();
    return { up: line.stats.up - up, down: line.stats.down - down };
  }

  for (const way of ['up', 'down'] as const) {
    it(`a push with a changed byte ${way}: nothing wrong is stored or shown`, async () => {
      const model = await begin(6);
      const total = await sizes(() => pushThrough(model, {}, 'clean'));
      let failed = 0;
      for (const at of places(total[way])) {
        const faults = { corrupt: { [way]: [line.stats[way] + at] } };
        if (await pushThrough(await begin(6), faults, `${way} ${at} of ${total[way]}`)) failed++;
      }
      // A byte of a header that nobody reads changes nothing.
      assert.ok(failed >= 5, `${failed} noticed`);
    });

    it(`a pull with a changed byte ${way}: nothing wrong is stored`, async () => {
      const model = await begin(6);
      await pushThrough(model, {}, 'clean');
      const total = await sizes(() => pullThrough(model, {}, 'clean'));
      let failed = 0;
      for (const at of places(total[way])) {
        const faults = { corrupt: { [way]: [line.stats[way] + at] } };
        if (await pullThrough(model, faults, `${way} ${at} of ${total[way]}`)) failed++;
      }
      assert.ok(failed >= 3, `${failed} noticed`);
    });

    it(`cut at any place ${way}, a push and a pull go on`, async () => {
      const model = await begin(6);
      const total = await sizes(() => pushThrough(model, {}, 'clean'));
      for (const at of places(total[way]))
        await pushThrough(await begin(6), { cut: { [way]: [line.stats[way] + at] } }, `cut ${way} ${at}`);
      for (const at of places(total[way] / 2))
        await pullThrough(model, { cut: { [way]: [line.stats[way] + at] } }, `cut ${way} ${at}`);
    });
  }

  for (const kind of ['duplicate', 'repeat', 'swap'] as const) {
    it(`an answer in the wrong place (${kind}) is believed by nobody`, async () => {
      // One question at a time: a swapped answer waits for another connection until the client gives up.
      for (let nth = 1; nth <= (kind === 'swap' ? 2 : 6); nth++) {
        const faults = { answers: { [kind]: [line.stats.answers + nth] } };
        await pushThrough(await begin(3), faults, `${kind} ${nth}`, 1);
      }
      const model = await begin(3);
      await pushThrough(model, {}, 'clean');
      for (let nth = 1; nth <= (kind === 'swap' ? 1 : 3); nth++)
        await pullThrough(model, { answers: { [kind]: [line.stats.answers + nth] } }, `${kind} ${nth}`);
    });
  }

  it('answers of two questions at once that change places are noticed', async () => {
    const [one, other] = [await begin(1), await begin(1)];
    for (const each of [one, other]) await pushThrough(each, {}, 'clean');
    await line.set({ answers: { swap: [line.stats.answers + 1] } });
    await using peer = open(one.client.store);
    const ask = ({ client, made }: Case) =>
      peer.request(client.volset as VolsetId, [{ id: made.id, baseCandidates: [] }]);
    for (const result of await Promise.allSettled([ask(one), ask(other)])) {
      assert.equal(result.status, 'rejected');
      assertFailure(result.reason, 'swapped');
    }
    await line.set(NOTHING);
  });

  it('repeats parts by itself where a line is cut again and again', async () => {
    const made = await begin(200);
    const start = line.stats.up;
    const points = Array.from({ length: 10 }, (_, n) => start + (n + 1) * 1_000_000);
    await line.set({ cut: { up: points } });
    await using peer = open(made.client.store, line.url, 10);
    await push(made, peer);
    await assertHonest(made, true);
    await line.set(NOTHING);
  });
});
