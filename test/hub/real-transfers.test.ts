import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { manifest } from '../../src/blob/manifest/index.ts';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { InstallId, SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import { installOf, storeId } from '../../src/core/ids.ts';
import type { AnyRecord } from '../../src/core/records.ts';
import { nextStamp, ZERO_STAMP } from '../../src/core/stamp.ts';
import { noise } from '../blob/noise.ts';
import { someTree, type Tree } from '../transfer/support/history.ts';
import { Client, RealHub } from './real-hub.ts';
import { rejectsWith, SENDER } from './support.ts';

/** Too much to stay in the buffers between client and hub. */
const bigTree = (files: number): Tree =>
  Object.fromEntries(Array.from({ length: files }, (_, n) => [`file${n}`, noise(n, 150_000).toString('base64')]));

async function assertWhole({ blob, thread }: RealHub, volset: VolsetId, id: SnapshotId): Promise<void> {
  const view = await thread.meta.findSnapshot(volset, id);
  assert.ok(view?.hasBlob, 'the snapshot is complete at the hub');
  const reader = blob.reader(volset);
  manifest.check(reader, view.body.root);
  for (const { kind, id: object } of manifest.reachable(reader, view.body.root))
    assert.equal(reader.has(kind, object)[0], 1);
  for await (const damage of blob.verifyPacks({ readData: true })) assert.fail(damage.what);
}

async function assertNothing({ blob, thread }: RealHub, volset: VolsetId, id: SnapshotId): Promise<void> {
  assert.deepEqual(await thread.meta.missingBlobs(volset, [id]), [id]);
  assert.ok(blob.isEmpty(volset));
  assert.deepEqual(blob.packs(volset), []);
}

/** Waits for something that the hub does without telling anybody. */
async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise(setImmediate);
}

describe('hub: real transfers', () => {
  it('a first push of many files takes five requests and asks for nothing', async () => {
    await using real = await RealHub.start();
    await using client = new Client(real.hub.url, 'data').begin();
    const { id } = await client.snapshot(someTree(500));
    assert.equal(await client.push(id), true);
    // Create, offer, upload, records, refs.
    assert.equal(client.peer.traffic.requests, 5);
    await assertWhole(real, client.volset, id);
    assert.deepEqual(real.quarantine(), []);
    const next = await client.snapshot({ ...someTree(500, 'again'), more: 'more' }, [id]);
    const before = client.peer.traffic.requests;
    await client.upload([next.id]);
    assert.ok(client.peer.traffic.requests - before > 2, 'a hub that holds something is asked');
  });

  it('a push goes on when the hub restarts after the volset was announced', async () => {
    const real = await RealHub.start();
    try {
      const port = real.hub.port;
      await using client = new Client(real.hub.url, 'data').begin();
      const { id } = await client.snapshot(someTree(20));
      await client.peer.createVolset({ id: client.volset, name: 'data' });
      await real.stop();
      await real.open({ port });
      await client.upload([id]);
      await real.stop();
      await real.open({ port });
      await client.sendRecords();
      assert.equal(
        (await client.peer.moveRefs(client.volset, [{ branch: client.branch, from: null, to: id }])).moved,
        true,
      );
      await assertWhole(real, client.volset, id);
      const listed = await client.peer.listVolsets();
      assert.deepEqual(
        listed.map((v) => [v.id, v.name]),
        [[client.volset, 'data']],
      );
    } finally {
      await real[Symbol.asyncDispose]();
    }
  });

  it('a name belongs to the first volset that brought it, whatever was announced', async () => {
    await using real = await RealHub.start();
    await using first = new Client(real.hub.url, 'data').begin();
    await using second = new Client(real.hub.url, 'data').begin();
    await first.push((await first.snapshot(someTree(1))).id);
    await assert.rejects(second.peer.createVolset({ id: second.volset, name: 'data' }), rejectsWith('exists'));
    await second.peer.createVolset({ id: second.volset, name: 'other' });
    await assert.rejects(second.sendRecords(), rejectsWith('exists', /data/));
    assert.equal(await real.thread.meta.findVolset(second.volset), undefined, 'none of its records was taken');
    second.store.meta.commit(second.volset, [{ edit: 'set', register: 'volset:name', value: 'other' }]);
    await second.sendRecords();
    // Once here, its records must flow; the name is then told apart.
    second.store.meta.commit(second.volset, [{ edit: 'set', register: 'volset:name', value: 'data' }]);
    await second.sendRecords();
    const names = (await first.peer.listVolsets()).map(({ id, name }) => [id, name]);
    assert.deepEqual(names, [
      [first.volset, 'data'],
      [second.volset, `data.${second.volset.slice(0, 4)}`],
    ]);
  });

  it('takes one snapshot from two clients at once', async () => {
    await using real = await RealHub.start();
    await using one = new Client(real.hub.url, 'data').begin();
    await using two = new Client(real.hub.url, 'data', one.volset).begin();
    const tree = bigTree(12);
    const [made, same] = [await one.snapshot(tree), await two.snapshot(tree)];
    assert.equal(made.id, same.id);
    await one.peer.createVolset({ id: one.volset, name: 'data' });
    const results = await Promise.all([one.upload([made.id]), two.upload([made.id])]);
    for (const { sent, held } of results) assert.deepEqual([...sent, ...held], [made.id]);
    await one.sendRecords();
    await assertWhole(real, one.volset, made.id);
    assert.deepEqual(real.quarantine(), []);
  });

  it('forgets the upload of a client that goes away, and takes it from the next', async () => {
    await using real = await RealHub.start();
    const stop = new AbortController();
    await using leaver = new Client(real.hub.url, 'data', undefined, stop.signal).begin();
    const tree = bigTree(60);
    const { id } = await leaver.snapshot(tree);
    await leaver.peer.createVolset({ id: leaver.volset, name: 'data' });
    const upload = assert.rejects(leaver.upload([id]));
    await until(() => real.quarantine().length > 0);
    stop.abort();
    await upload;
    await until(() => real.quarantine().length === 0);
    await assertNothing(real, leaver.volset, id);

    await using next = new Client(real.hub.url, 'data', leaver.volset).begin();
    const again = await next.snapshot(tree);
    await next.push(again.id);
    await assertWhole(real, next.volset, again.id);
  });

  it('leaves nothing of an upload that it was stopped in', async () => {
    const real = await RealHub.start({ limits: { drainMs: 20 } });
    try {
      await using client = new Client(real.hub.url, 'data').begin();
      const { id } = await client.snapshot(bigTree(60));
      const [answer] = await client.peer.offer(client.volset, [
        { id, body: bodyOfSnapshot(client, id), bytes: 1, chunks: 1, baseCandidates: [] },
      ]);
      assert.ok(answer.answer === 'want');
      const begun = Promise.withResolvers<void>();
      const stuck = async function* () {
        yield Buffer.alloc(10);
        begun.resolve();
        await new Promise(() => {});
      };
      const upload = assert.rejects(client.peer.upload(answer, stuck()));
      await begun.promise;
      await until(() => real.quarantine().length > 0);
      await real.stop();
      await upload;
      assert.deepEqual(real.quarantine(), []);
      await real.open();
      await assertNothing(real, client.volset, id);
    } finally {
      await real[Symbol.asyncDispose]();
    }
  });

  it('ends an upload with no-space when the disk is full, wherever that happens', async () => {
    await using real = await RealHub.start();
    const tree = bigTree(20);
    for (const writes of [0, 2, 5]) {
      await using client = new Client(real.hub.url, `data${writes}`).begin();
      const { id } = await client.snapshot(tree);
      const full = fullDisk(writes);
      try {
        await assert.rejects(client.push(id), rejectsWith('no-space'));
      } finally {
        full.end();
      }
      assert.ok(full.refused > 0);
      await until(() => real.quarantine().length === 0);
      await assertNothing(real, client.volset, id);
      assert.equal(await client.push(id), true, 'with room it works');
      await assertWhole(real, client.volset, id);
    }
  });

  it('refuses what its author dated more than a day ahead, and takes it from others', async () => {
    await using real = await RealHub.start();
    const author = storeId('f1'.repeat(16) as InstallId, 1);
    const relay = storeId('f2'.repeat(16) as InstallId, 1);
    const volset = 'c7'.repeat(16) as VolsetId;
    const push = async (hours: number, self: StoreId, id = volset) => {
      await using client = new Client(real.hub.url, 'x', id);
      const peer = Object.assign(client.peer);
      await peer.createVolset({ id, name: `ahead ${installOf(self)} ${hours}` });
      const stamp = nextStamp(ZERO_STAMP, Date.now() + hours * 3_600_000, []);
      const record: AnyRecord = {
        type: 'write',
        register: 'volset:name',
        value: `ahead ${installOf(self)} ${hours}`,
        parents: [],
        stamp,
        author,
      };
      await using speaker = await import('../../src/remote/index.ts').then(({ openPeer }) =>
        openPeer({ url: real.hub.url, self, fetchOptions: { retries: 0 } }),
      );
      return await speaker.sendGenerations(id, [makeGeneration(id, author, 1, NO_GENERATION, [record])], SENDER);
    };
    await assert.rejects(push(25, author), rejectsWith('protocol', /25 hours ahead/));
    assert.equal(await real.thread.meta.findVolset(volset), undefined);
    await push(23, author);
    await push(25, relay, 'c8'.repeat(16) as VolsetId);
  });
});

function bodyOfSnapshot({ store, volset }: Client, id: SnapshotId) {
  const view = store.meta.findSnapshot(volset, id);
  assert.ok(view);
  return view.body;
}

/** From the n-th write of data on, the kernel's answer for a full disk. Standard output and errors stay. */
function fullDisk(writes: number): { refused: number; end(): void } {
  const { writeSync } = fs;
  const state = {
    refused: 0,
    end: () => {
      fs.writeSync = writeSync;
      syncBuiltinESMExports();
    },
  };
  let left = writes;
  fs.writeSync = ((fd: number, ...rest: [Uint8Array]) => {
    if (fd <= 2 || left-- > 0) return writeSync(fd, ...rest);
    state.refused++;
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  }) as typeof fs.writeSync;
  syncBuiltinESMExports();
  return state;
}
