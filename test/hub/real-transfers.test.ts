import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { request } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { manifest } from '../../src/blob/manifest/index.ts';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import { KIND } from '../../src/core/hash.ts';
import type { InstallId, SnapshotId, StoreId, VolsetId } from '../../src/core/ids.ts';
import { installOf, storeId } from '../../src/core/ids.ts';
import type { Share, Transfer } from '../../src/core/peer.ts';
import type { AnyRecord } from '../../src/core/records.ts';
import { nextStamp, ZERO_STAMP } from '../../src/core/stamp.ts';
import { newToken } from '../../src/hub/index.ts';
import { noise } from '../blob/noise.ts';
import { type MadeSnapshot, someTree, type Tree } from '../transfer/support/history.ts';
import { objectsOf, partOf } from '../transfer/support/parts.ts';
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

  /** Its parts, made by hand: blocks in `count` of them, then the marker. */
  async function handMade(client: Client, made: MadeSnapshot, count: number): Promise<Uint8Array[][]> {
    const objects = objectsOf(client.store, made);
    const size = Math.ceil(objects.length / count);
    const parts: Uint8Array[][] = [];
    for (let at = 0; at < objects.length; at += size)
      parts.push(await partOf(objects.slice(at, at + size), [], client.volset));
    return [...parts, await partOf([], [made], client.volset)];
  }

  /** The transfer that the hub agrees to. */
  async function agree({ peer, volset }: Client, { id, body }: MadeSnapshot): Promise<Transfer> {
    const [answer] = await peer.offer(volset, [{ id, body, bytes: 1, chunks: 1, baseCandidates: [] }]);
    assert.ok(answer.answer === 'want');
    return answer;
  }

  it('goes on with an upload when it restarts between offer and parts, between parts, and before the last answer', async () => {
    const real = await RealHub.start();
    try {
      const { port } = real.hub;
      const restart = async () => {
        await real.stop();
        await real.open({ port });
      };
      await using client = new Client(real.hub.url, 'data').begin();
      const made = await client.snapshot(bigTree(12));
      await client.peer.createVolset({ id: client.volset, name: 'data' });
      const transfer = await agree(client, made);
      const parts = await handMade(client, made, 3);
      for (const part of parts) {
        await restart();
        await client.peer.upload(transfer, part);
      }
      assert.deepEqual(real.quarantine(), []);
      // The answer to the last one was lost: asked again, it is the same.
      await restart();
      assert.deepEqual(await client.peer.upload(transfer, parts.at(-1) as Uint8Array[]), {
        snapshots: [made.id],
        lacking: [],
      });
      await client.sendRecords();
      await assertWhole(real, client.volset, made.id);
      assert.deepEqual(real.quarantine(), []);
    } finally {
      await real[Symbol.asyncDispose]();
    }
  });

  it('takes parts at once, and some of them twice', async () => {
    await using real = await RealHub.start();
    await using client = new Client(real.hub.url, 'data').begin();
    const made = await client.snapshot(bigTree(30));
    await client.peer.createVolset({ id: client.volset, name: 'data' });
    const transfer = await agree(client, made);
    const parts = await handMade(client, made, 6);
    const marker = parts.pop() as Uint8Array[];
    await Promise.all([...parts, ...parts.slice(2)].map((part) => client.peer.upload(transfer, part)));
    const answers = await Promise.all([client.peer.upload(transfer, marker), client.peer.upload(transfer, marker)]);
    for (const answer of answers) assert.deepEqual(answer, { snapshots: [made.id], lacking: [] });
    await client.sendRecords();
    await assertWhole(real, client.volset, made.id);
    assert.deepEqual(real.quarantine(), []);
  });

  it('keeps the upload of a client that goes away, for another try of the same bearer alone', async () => {
    await using real = await RealHub.start();
    await using leaver = new Client(real.hub.url, 'data').begin();
    const tree = bigTree(24);
    const made = await leaver.snapshot(tree);
    await leaver.peer.createVolset({ id: leaver.volset, name: 'data' });
    const transfer = await agree(leaver, made);
    const [first] = await handMade(leaver, made, 2);
    await leaver.peer.upload(transfer, first);
    const held = async (client: Client, by: Transfer): Promise<number> => {
      const chunks = objectsOf(leaver.store, made).filter(({ kind }) => kind === KIND.chunk);
      const answer = await client.peer.have(client.volset, by, 0, Buffer.concat(chunks.map((chunk) => chunk.id)));
      return answer.reduce((sum, each) => sum + each, 0);
    };
    assert.ok((await held(leaver, transfer)) > 0);

    await using stranger = new Client(real.hub.url, 'other').begin();
    const same = await stranger.snapshot(tree);
    await stranger.peer.createVolset({ id: stranger.volset, name: 'other' });
    assert.equal(await held(stranger, await agree(stranger, same)), 0, 'another volset sees nothing of it');

    await using next = new Client(real.hub.url, 'data', leaver.volset).begin();
    const again = await next.snapshot(tree);
    assert.equal(again.id, made.id);
    assert.equal((await agree(next, again)).url, transfer.url);
    await next.push(again.id);
    await assertWhole(real, next.volset, again.id);
    assert.deepEqual(real.quarantine(), []);
  });

  it('lets nobody else see or send what a bearer has in quarantine', async () => {
    await using real = await RealHub.start();
    const tokens = ['one', 'two'].map((label) =>
      newToken({ volset: '*', can: ['write', 'read'], label, expires: null }, randomBytes, Date.now()),
    );
    for (const { row } of tokens) await real.thread.meta.putToken(row);
    await using one = new Client(real.hub.url, 'data', undefined, undefined, tokens[0].text).begin();
    await using two = new Client(real.hub.url, 'data', one.volset, undefined, tokens[1].text).begin();
    const tree = bigTree(6);
    const [made, same] = [await one.snapshot(tree), await two.snapshot(tree)];
    await one.peer.createVolset({ id: one.volset, name: 'data' });
    const transfer = await agree(one, made);
    const parts = await handMade(one, made, 1);
    await one.peer.upload(transfer, parts[0]);
    await assert.rejects(two.peer.upload(transfer, parts[1]), rejectsWith('forbidden'));
    const own = await agree(two, same);
    assert.notEqual(own.url, transfer.url);
    const root = Buffer.from(made.body.root, 'hex');
    assert.deepEqual([...(await one.peer.have(one.volset, transfer, 1, root))], [1]);
    assert.deepEqual([...(await two.peer.have(two.volset, own, 1, root))], [0]);
    // Both come through, each with its own.
    for (const part of await handMade(two, same, 2)) await two.peer.upload(own, part);
    assert.deepEqual((await one.peer.upload(transfer, parts[1])).snapshots, [made.id]);
    await one.sendRecords();
    await assertWhole(real, one.volset, made.id);
    assert.deepEqual(real.quarantine(), []);
  });

  it('keeps what came of an upload that it was stopped in, and nothing is visible', async () => {
    const real = await RealHub.start({ limits: { drainMs: 20 } });
    try {
      const { port } = real.hub;
      await using client = new Client(real.hub.url, 'data').begin();
      const made = await client.snapshot(bigTree(24));
      await client.peer.createVolset({ id: client.volset, name: 'data' });
      const transfer = await agree(client, made);
      const parts = await handMade(client, made, 2);
      await client.peer.upload(transfer, parts[0]);
      const stuck = assert.rejects(stuckUpload(real.hub.url, transfer));
      await until(() => real.hub !== undefined);
      await real.stop();
      await stuck;
      await real.open({ port });
      await assertNothing(real, client.volset, made.id);
      assert.equal(real.quarantine().filter((name) => !name.endsWith('.lock')).length, 1);
      for (const part of parts.slice(1)) await client.peer.upload(transfer, part);
      await client.sendRecords();
      await assertWhole(real, client.volset, made.id);
    } finally {
      await real[Symbol.asyncDispose]();
    }
  });

  it('ends an upload with no-space when the disk is full, wherever that happens', async () => {
    await using real = await RealHub.start();
    const tree = bigTree(20);
    for (const writes of [0, 2, 5]) {
      await using client = new Client(real.hub.url, `data${writes}`).begin();
      const made = await client.snapshot(tree);
      await client.peer.createVolset({ id: client.volset, name: client.name });
      const transfer = await agree(client, made);
      const parts = await handMade(client, made, 2);
      const full = fullDisk(writes);
      try {
        await assert.rejects(async () => {
          for (const part of parts) await client.peer.upload(transfer, part);
        }, rejectsWith('no-space'));
      } finally {
        full.end();
      }
      assert.ok(full.refused > 0);
      assert.equal(real.blob.quarantineBytes(), 0, `after ${writes} writes`);
      await assertNothing(real, client.volset, made.id);
      assert.equal(await client.push(made.id), true, 'with room it works');
      await assertWhole(real, client.volset, made.id);
    }
  });

  it('sends in several streams what adds up to one, without what its receiver holds', async () => {
    await using real = await RealHub.start();
    await using client = new Client(real.hub.url, 'data').begin();
    const made = await client.snapshot(bigTree(30));
    await client.push(made.id);
    const ask = async () => {
      const [answer] = await client.peer.request(client.volset, [{ id: made.id, baseCandidates: [] }]);
      assert.ok(answer.answer === 'available');
      return answer;
    };
    const bytesOf = async (transfer: Transfer, share?: Share): Promise<number> => {
      const pieces = await Array.fromAsync(await client.peer.download(transfer, share));
      return pieces.reduce((sum, piece) => sum + piece.length, 0);
    };
    const whole = await bytesOf(await ask());
    const split = await ask();
    const shares = await Promise.all([0, 1, 2].map((index) => bytesOf(split, { index, of: 3 })));
    const sum = shares.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - whole) < whole / 20, `${shares} for ${whole}`);
    const held = await ask();
    const chunks = objectsOf(client.store, made).filter(({ kind }) => kind === KIND.chunk);
    await client.peer.hold(held, 0, Buffer.concat(chunks.map(({ id }) => id.subarray(0, 8))));
    assert.ok((await bytesOf(held)) < whole / 10);
    assert.ok((await bytesOf(held)) > whole / 2, 'forgotten at the end');
    await assert.rejects(client.peer.hold(held, 0, new Uint8Array(7)), rejectsWith('protocol'));
    await assert.rejects(bytesOf(held, { index: 3, of: 3 }), rejectsWith('protocol'));
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

/** The beginning of a part, and then nothing more. Ends when the hub ends it. */
function stuckUpload(url: string, { url: path, token }: Transfer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-tar', 'content-length': '100000', 'plait-transfer': token };
    const sending = request(new URL(path, url), { method: 'PUT', headers });
    sending.on('error', reject);
    sending.on('response', (answer) => (answer.statusCode === 200 ? resolve() : reject(new Error('refused'))));
    sending.write(Buffer.alloc(512));
  });
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
