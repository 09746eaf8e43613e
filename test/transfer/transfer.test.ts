import assert from 'node:assert/strict';
import fc from 'fast-check';
import { manifest } from '../../src/blob/manifest/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND, unhex } from '../../src/core/hash.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Peer, Transfer } from '../../src/core/peer.ts';
import { downloadSnapshots } from '../../src/transfer/client.ts';
import { oldestFirst } from '../../src/transfer/negotiation.ts';
import type { TransferClaims } from '../../src/wire/transfer-service.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, someTree, type Tree } from './support/history.ts';
import { peerOf, serverOf } from './support/loopback-peer.ts';
import { push } from './support/push.ts';
import { copyMetadata, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const pull = (to: TestStore, peer: Peer, snapshots: SnapshotId[]) =>
  downloadSnapshots({ ...to, peer, manifest, volset: VOLSET, snapshots });

describe('transfer: upload and download', () => {
  it('uploads to an empty hub, and a second time nothing', async () => {
    const [here, there] = [ownStore(), testStore()];
    const made = await makeSnapshot(here, someTree(500));
    const { peer, counted } = peerOf(serverOf(there));
    const first = await push(here, peer, [made.id]);
    assert.deepEqual(first.sent, [made.id]);
    assert.equal(first.chunks, 500);
    assert.ok(first.bytes > 10_000);
    assert.deepEqual({ ...counted, sent: 0 }, { offers: 1, requests: 0, have: 0, uploads: 1, sent: 0, received: 0 });
    const before = { ...counted };
    const second = await push(here, peer, [made.id]);
    assert.deepEqual({ ...second, held: [] }, { sent: [], held: [], declined: [], failed: [], chunks: 0, bytes: 0 });
    assert.deepEqual(second.held, [made.id]);
    assert.deepEqual({ ...counted, offers: 1 }, before);
    copyMetadata(here, there);
    assertComplete(there, made);
  });

  it('sends only what the base lacks', async () => {
    const [here, there] = [ownStore(), testStore()];
    const { peer, counted } = peerOf(serverOf(there));
    const tree = someTree(2000);
    const first = await makeSnapshot(here, tree);
    await push(here, peer, [first.id]);
    const full = counted.sent;
    const second = await makeSnapshot(here, { ...tree, file000007: 'changed' }, [first.id], 2);
    const { chunks } = await push(here, peer, [second.id]);
    assert.equal(chunks, 1);
    assert.ok(counted.sent - full < full / 4, `${counted.sent - full} bytes after ${full}`);
    copyMetadata(here, there);
    assertComplete(there, second);
  });

  it('uses a base whose record the hub does not have yet', async () => {
    const [here, there] = [ownStore(), testStore()];
    const { peer } = peerOf(serverOf(there));
    const first = await makeSnapshot(here, someTree(300));
    await push(here, peer, [first.id]);
    assert.equal(there.meta.findSnapshot(VOLSET, first.id), undefined);
    const second = await makeSnapshot(here, { ...someTree(300), more: 'more' }, [first.id], 2);
    assert.equal((await push(here, peer, [second.id])).chunks, 1);
  });

  it('sends hundreds of snapshots after one offer', async () => {
    const [here, there] = [ownStore(), testStore()];
    const { peer, counted } = peerOf(serverOf(there));
    const made: MadeSnapshot[] = [];
    for (let n = 0; n < 150; n++) {
      made.push(
        await makeSnapshot(
          here,
          { ...someTree(20), [`new${n}`]: `${n}` },
          made.slice(-1).map(({ id }) => id),
          n,
        ),
      );
    }
    const ids = made.map(({ id }) => id);
    const { sent } = await push(here, peer, ids.toReversed());
    assert.deepEqual(sent, ids);
    assert.equal(counted.offers, 1);
    assert.equal(counted.have, 0);
    copyMetadata(here, there);
    for (const snapshot of made) assertComplete(there, snapshot);
    const clone = testStore();
    copyMetadata(here, clone);
    const down = await pull(clone, peer, ids);
    assert.deepEqual(down.received, ids);
    for (const snapshot of made) assertComplete(clone, snapshot);
    assert.equal(counted.requests, 1);
  });

  it('does not send again what came by another way', async () => {
    const [here, there] = [ownStore(), ownStore()];
    const { peer, counted } = peerOf(serverOf(there));
    // The same files, but none of the history.
    await makeSnapshot(there, someTree(400));
    const other = await makeSnapshot(here, { ...someTree(400), extra: 'only here' }, [], 5);
    const { chunks, bytes } = await push(here, peer, [other.id]);
    assert.equal(chunks, 1);
    assert.ok(bytes < 20_000);
    assert.ok(counted.have > 0);
    copyMetadata(here, there);
    assertComplete(there, other);
  });

  it('takes the same snapshot from two clients at once', async () => {
    const [one, two, there] = [ownStore(), testStore(), testStore()];
    const made = await makeSnapshot(one, someTree(1000));
    const server = serverOf(there);
    copyMetadata(one, two);
    await push(one, peerOf(serverOf(two)).peer, [made.id]);
    const results = await Promise.all([
      push(one, peerOf(server).peer, [made.id]),
      push(two, peerOf(server).peer, [made.id]),
    ]);
    for (const { sent } of results) assert.deepEqual(sent, [made.id]);
    copyMetadata(one, there);
    assertComplete(there, made);
  });

  it('downloads, and tells what is not to be had', async () => {
    const [here, there] = [testStore(), ownStore()];
    const made = await makeSnapshot(there, someTree(700));
    const bare = await makeSnapshot(there, someTree(3), [made.id], 2);
    copyMetadata(there, here);
    const middle = testStore();
    copyMetadata(there, middle);
    await pull(middle, peerOf(serverOf(there)).peer, [made.id]);
    const result = await pull(here, peerOf(serverOf(middle)).peer, [bare.id, made.id]);
    assert.deepEqual(result.received, [made.id]);
    assert.deepEqual(result.absent, [bare.id]);
    assert.equal(result.chunks, 700);
    assertComplete(here, made);
    assert.deepEqual((await pull(here, peerOf(serverOf(middle)).peer, [made.id])).held, [made.id]);
  });

  it('declines what is too large and says so', async () => {
    const [here, there] = [ownStore(), testStore()];
    const made = await makeSnapshot(here, someTree(100));
    const { declined, sent } = await push(here, peerOf(serverOf(there, { snapshotBytes: 10 })).peer, [made.id]);
    assert.deepEqual(sent, []);
    assert.equal(declined[0].id, made.id);
    const cut = await push(here, peerOf(serverOf(there, { uploadBytes: 1000 })).peer, [made.id]);
    assert.deepEqual([cut.sent, cut.declined.map(({ code }) => code)], [[], ['quota']]);
    assert.deepEqual(there.meta.missingBlobs(VOLSET, [made.id]), [made.id]);
  });

  it('declines what does not fit its disk, and takes what does', async () => {
    const [here, there] = [ownStore(), testStore()];
    const [first, second] = [await makeSnapshot(here, someTree(100)), await makeSnapshot(here, someTree(10), [], 2)];
    const room = (bytes: number): TestStore => {
      const blob = Object.create(there.blob, { freeBytes: { value: async () => bytes } });
      for (const name of ['isEmpty', 'reader', 'receiver', 'writer', 'unfinished', 'quarantineBytes'] as const)
        blob[name] = (there.blob[name] as (...args: unknown[]) => unknown).bind(there.blob);
      return { blob, meta: there.meta };
    };
    const reserve = 16 * 1024 * 1024;
    const none = await push(here, peerOf(serverOf(room(reserve + 100))).peer, [first.id]);
    assert.deepEqual([none.sent, none.declined[0].code], [[], 'no-space']);
    assert.match(none.declined[0].reason, /no space/);
    const one = await push(here, peerOf(serverOf(room(reserve + 35_000))).peer, [first.id, second.id]);
    assert.deepEqual([one.sent, one.declined.map(({ id }) => id)], [[first.id], [second.id]]);
  });

  it('does not offer what is not here', async () => {
    const [here, there] = [testStore(), ownStore()];
    const made = await makeSnapshot(there, someTree(3));
    copyMetadata(there, here);
    const { peer, counted } = peerOf(serverOf(testStore()));
    const { failed } = await push(here, peer, [made.id]);
    assert.deepEqual([failed.map(({ id, code }) => [id, code]), counted.offers], [[[made.id, 'blob-absent']], 0]);
  });

  it('pins bases while a transfer is open and forgets it at its end', async () => {
    const [here, there] = [ownStore(), testStore()];
    const server = serverOf(there);
    const { peer } = peerOf(server);
    const first = await makeSnapshot(here, someTree(10));
    await push(here, peer, [first.id]);
    const second = await makeSnapshot(here, someTree(11), [first.id], 2);
    await peer.offer(VOLSET, [{ ...second, bytes: 0, chunks: 0, baseCandidates: [first.id] }]);
    const drop = (id: SnapshotId) => there.meta.dropBlobs(VOLSET, [id], { force: true });
    assert.deepEqual(drop(first.id).refused, [{ snapshot: first.id, reason: 'in-use' }]);
    await push(here, peer, [second.id]);
    assert.deepEqual(drop(first.id).dropped, []);
  });

  it('pins what it sends, and says what was dropped right before', async () => {
    const [here, there] = [ownStore(), testStore()];
    const server = serverOf(there);
    const { peer } = peerOf(server);
    const made = await makeSnapshot(here, someTree(10));
    await push(here, peer, [made.id]);
    copyMetadata(here, there);
    const drop = () => there.meta.dropBlobs(VOLSET, [made.id], { force: true });
    const [answer] = await peer.request(VOLSET, [{ id: made.id, baseCandidates: [] }]);
    assert.equal(answer.answer, 'available');
    assert.deepEqual(drop().refused, [{ snapshot: made.id, reason: 'in-use' }]);
    if (answer.answer === 'available') await Array.fromAsync(await peer.download(answer));
    const { keepBlobs } = there.meta;
    Object.assign(there.meta, {
      keepBlobs: (...args: Parameters<typeof keepBlobs>) => {
        drop();
        keepBlobs(...args);
      },
    });
    assert.deepEqual(await peer.request(VOLSET, [{ id: made.id, baseCandidates: [] }]), [
      { id: made.id, answer: 'absent' },
    ]);
    const next = await makeSnapshot(here, someTree(11), [made.id], 2);
    const [want] = await peer.offer(VOLSET, [{ ...next, bytes: 0, chunks: 0, baseCandidates: [made.id] }]);
    assert.equal(want.answer === 'want' && want.base, null);
  });

  it('answers have for this volset only, and for lists of a sensible size', async () => {
    const there = ownStore();
    const made = await makeSnapshot(there, someTree(5));
    const server = serverOf(there);
    const ids = Buffer.from(made.body.root, 'hex');
    const claims = (volset: VolsetId): TransferClaims => {
      const fields = {
        direction: 'up',
        uploadId: '1'.repeat(32),
        snapshots: [],
        base: null,
        owner: 'x',
        expiresAt: 1,
      } as const;
      return { ...fields, snapshots: [], volset };
    };
    assert.deepEqual([...(await server.have(claims(VOLSET), 1, ids))], [1]);
    assert.deepEqual([...(await server.have(claims(VOLSET), 0, ids))], [0]);
    assert.deepEqual([...(await server.have(claims('e'.repeat(32) as VolsetId), 1, ids))], [0]);
    for (const size of [31, 33, 4097 * 32]) {
      await assert.rejects(server.have(claims(VOLSET), 1, new Uint8Array(size)), refuses('protocol'));
    }
  });

  it('refuses an offer whose body has another id or volset', async () => {
    const [here, there] = [ownStore(), testStore()];
    const made = await makeSnapshot(here, someTree(5));
    const { peer } = peerOf(serverOf(there));
    const offer = { ...made, bytes: 0, chunks: 0, baseCandidates: [] };
    await assert.rejects(
      peer.offer(VOLSET, [{ ...offer, body: { ...made.body, creator: 'other' } }]),
      refuses('integrity'),
    );
    await assert.rejects(peer.offer('e'.repeat(32) as VolsetId, [offer]), refuses('protocol'));
  });

  it('notices a hub that sends less than it announced', async () => {
    const [here, there] = [testStore(), ownStore()];
    const [one, two] = [await makeSnapshot(there, someTree(3)), await makeSnapshot(there, someTree(4), [], 2)];
    copyMetadata(there, here);
    const { peer } = peerOf(serverOf(there));
    const stingy: Peer = { ...peer, download: async () => peer.download(await onlyOne(peer, one.id)) };
    await assert.rejects(pull(here, stingy, [one.id, two.id]), refuses('protocol'));
    assertComplete(here, one);
  });

  it('orders parents before children whatever the clocks said', async () => {
    const here = ownStore();
    const a = await makeSnapshot(here, someTree(1), [], 900);
    const b = await makeSnapshot(here, someTree(2), [a.id], 500);
    const c = await makeSnapshot(here, someTree(3), [b.id, a.id], 100);
    assert.deepEqual(oldestFirst(here.meta, VOLSET, [c.id, a.id, b.id, a.id]), [a.id, b.id, c.id]);
    assert.throws(() => oldestFirst(here.meta, VOLSET, ['0'.repeat(64) as SnapshotId]), refuses('not-found'));
  });

  it('refuses a base that it did not offer', async () => {
    const [here, there] = [ownStore(), testStore()];
    const made = await makeSnapshot(here, someTree(3));
    const { peer } = peerOf(serverOf(there));
    const lying: Peer = {
      ...peer,
      offer: async (volset, offers) =>
        (await peer.offer(volset, offers)).map((answer) => ({ ...answer, base: 'f'.repeat(64) as SnapshotId })),
    };
    await assert.rejects(push(here, lying, [made.id]), refuses('protocol'));
  });

  it('ends complete on the other side, whatever was there before', async () => {
    const files = fc.dictionary(fc.constantFrom(...'abcdefghij'), fc.constantFrom('', 'x', 'y', 'zz'.repeat(300)), {
      maxKeys: 8,
    });
    const step = fc.record({
      tree: files,
      parents: fc.array(fc.nat(20), { maxLength: 2 }),
      pushed: fc.nat(20),
      early: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), fc.boolean(), async (steps, withRecords) => {
        const [here, there] = [ownStore(), testStore()];
        const { peer, counted } = peerOf(serverOf(there));
        const made: MadeSnapshot[] = [];
        for (const { tree, parents, pushed, early } of steps) {
          const known = [...new Set(parents.filter((n) => n < made.length).map((n) => made[n].id))];
          made.push(await makeSnapshot(here, tree as Tree, known, made.length));
          if (withRecords) copyMetadata(here, there);
          if (early) await push(here, peer, [made[pushed % made.length].id]);
        }
        const ids = made.map(({ id }) => id);
        await push(here, peer, ids);
        copyMetadata(here, there);
        for (const snapshot of made) assertComplete(there, snapshot);
        const sent = counted.sent;
        assert.equal((await push(here, peer, ids)).bytes, 0);
        assert.equal(counted.sent, sent);
        const clone = testStore();
        copyMetadata(here, clone);
        await pull(clone, peer, ids);
        for (const snapshot of made) assertComplete(clone, snapshot);
      }),
      { numRuns: 40 },
    );
  });

  it('stores a body that its sender did not hold as an object', async () => {
    const [here, there] = [ownStore(), testStore()];
    const made = await makeSnapshot(here, someTree(5));
    const reader = here.blob.reader(VOLSET);
    const has: typeof reader.has = (kind, ids) =>
      kind === KIND.snapshot ? new Uint8Array(ids.length / 32) : reader.has(kind, ids);
    const without = Object.create(reader, { has: { value: has } }) as typeof reader;
    const blob = Object.create(here.blob, { reader: { value: () => Object.assign(without, bound(reader)) } });
    await push({ blob, meta: here.meta }, peerOf(serverOf(there)).peer, [made.id]);
    assert.equal(there.blob.reader(VOLSET).has(KIND.snapshot, unhex(made.id))[0], 1);
  });
});

async function onlyOne(peer: Peer, id: SnapshotId): Promise<Transfer> {
  const [answer] = await peer.request(VOLSET, [{ id, baseCandidates: [] }]);
  assert.ok(answer.answer === 'available');
  return answer;
}

/** Private fields need the object itself behind each method. */
function bound<T extends object>(object: T): Partial<T> {
  const names = ['readNode', 'readObject', 'blocks', 'lengths', 'storedBytes'] as (keyof T)[];
  return Object.fromEntries(
    names.map((name) => [name, (object[name] as (...args: unknown[]) => unknown).bind(object)]),
  ) as Partial<T>;
}
