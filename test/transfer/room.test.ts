/** What a hub refuses for want of room: snapshot by snapshot, with a code, leaving nothing behind. */
import assert from 'node:assert/strict';
import type { BlobStore } from '../../src/blob/contract.ts';
import { PlaitError } from '../../src/core/errors.ts';
import type { OfferAnswer } from '../../src/core/peer.ts';
import type { ServerLimits } from '../../src/transfer/server.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, someTree } from './support/history.ts';
import { objectsOf, partOf, partsOf, StillHub } from './support/parts.ts';
import { copyMetadata, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const short = (answers: OfferAnswer[]): string[] =>
  answers.map((answer) => (answer.answer === 'declined' ? `${answer.code}` : answer.answer));
const RESERVE = 16 * 1024 * 1024;

/** A store whose file system has so much left for offers; `full` makes the next blocks fail. */
function onDisk(room: number): { store: TestStore; disk: { room: number; full: boolean } } {
  const { blob, meta } = testStore();
  const disk = { room, full: false };
  const small: BlobStore = new Proxy(blob, {
    get(target, name) {
      if (name === 'freeBytes') return async () => RESERVE + disk.room;
      const value = Reflect.get(target, name, target);
      if (name !== 'receiver') return typeof value === 'function' ? value.bind(target) : value;
      return async (...args: Parameters<BlobStore['receiver']>) => {
        const receiver = await target.receiver(...args);
        const addBlock = receiver.addBlock.bind(receiver);
        receiver.addBlock = async (bytes) => {
          if (disk.full) throw new PlaitError('no-space', 'the disk is full');
          await addBlock(bytes);
        };
        return receiver;
      };
    },
  });
  return { store: { blob: small, meta }, disk };
}

describe('transfer: room', () => {
  let sender: TestStore;
  let made: MadeSnapshot[];

  beforeEach(async () => {
    sender = ownStore();
    made = [];
    for (let n = 0; n < 3; n++) made.push(await makeSnapshot(sender, someTree(20, `${n}`), [], n));
  });

  const limited = (limits: Partial<ServerLimits>): StillHub => new StillHub(testStore(), { limits });

  it('declines by snapshot, and takes the others of the same request', async () => {
    const sizes = made.map(({ body }) => body.bytes);
    const largest = Math.max(...sizes);
    assert.deepEqual(short(await limited({ snapshotBytes: largest - 1 }).offer(made)).includes('quota'), true);
    for (const [limits, bytes, expected] of [
      [{ volsetBytes: 2500 }, 1000, ['want', 'want', 'quota']],
      [{ volsetBytes: 999 }, 1000, ['quota', 'quota', 'quota']],
      [{ quarantineBytes: 1000 }, 1000, ['want', 'quota', 'quota']],
      [{ volsetBytes: 5000, quarantineBytes: 2000 }, 1000, ['want', 'want', 'quota']],
    ] as const) {
      assert.deepEqual(short(await limited(limits).offer(made, { bytes })), expected);
    }
    const { store } = onDisk(2500);
    assert.deepEqual(short(await new StillHub(store).offer(made)), ['want', 'want', 'no-space']);
  });

  it('keeps what it promised to one client from the others, until that one stays away', async () => {
    const { store } = onDisk(2500);
    const hub = new StillHub(store);
    assert.deepEqual(short(await hub.offer(made.slice(0, 2))), ['want', 'want']);
    assert.deepEqual(short(await hub.offer(made.slice(2), { owner: 'two' })), ['no-space']);
    hub.pass(60_001);
    assert.deepEqual(short(await hub.offer(made.slice(2), { owner: 'two' })), ['want']);
  });

  it('gives the room back when an upload ends, and as its bytes come', async () => {
    const { store, disk } = onDisk(2500);
    const hub = new StillHub(store);
    const claims = await hub.agree(made.slice(0, 1), { bytes: 2000 });
    assert.deepEqual(short(await hub.offer(made.slice(2), { owner: 'two' })), ['no-space']);
    await hub.send(claims, await partOf(objectsOf(sender, made[0])));
    // What lies there has been taken off the disk's own number.
    disk.room = 1500;
    assert.deepEqual(short(await hub.offer(made.slice(2), { owner: 'two' })), ['want']);
    await hub.send(claims, await partOf([], made.slice(0, 1)));
    assert.equal(store.blob.quarantineBytes(), 0);
  });

  it('counts what lies in quarantine already for a client that comes again', async () => {
    const objects = objectsOf(sender, made[0]);
    const bytes = objects.reduce((sum, object) => sum + object.bytes.length, 0);
    const hub = limited({ quarantineBytes: bytes + 100, volsetBytes: bytes + 100 });
    const claims = await hub.agree(made.slice(0, 1), { bytes });
    await hub.send(claims, await partOf(objects.slice(0, -5)));
    await hub.restart();
    const again = await hub.agree(made.slice(0, 1), { bytes });
    assert.equal(again.uploadId, claims.uploadId);
    assert.deepEqual((await hub.send(again, await partOf(objects.slice(-5), made.slice(0, 1)))).snapshots, [
      made[0].id,
    ]);
  });

  it('ends an upload that takes more than it announced, and leaves nothing of it', async () => {
    const objects = objectsOf(sender, made[0]);
    const others = await partsOf(objectsOf(sender, made[1]), made[1], 2);
    for (const limits of [{ uploadBytes: 1500 }, { volsetBytes: 1500 }, { quarantineBytes: 1500 }]) {
      const hub = limited(limits);
      const claims = await hub.agree(made.slice(0, 1), { bytes: 10 });
      const parts = await partsOf(objects, made[0], 3);
      await assert.rejects(async () => {
        for (const part of parts) await hub.send(claims, part);
      }, refuses('quota'));
      assert.equal(hub.store.blob.quarantineBytes('one'), 0);
      assert.deepEqual(hub.store.blob.unfinished(VOLSET, 'one'), []);
      assert.deepEqual(hub.store.meta.missingBlobs(VOLSET, [made[0].id]), [made[0].id]);
      assert.ok(hub.store.blob.isEmpty(VOLSET));
    }
    assert.ok(others.length > 0);
  });

  it('ends the upload that finds the disk full, and no other', async () => {
    const { store, disk } = onDisk(1e9);
    const hub = new StillHub(store);
    const full = await hub.agree(made.slice(0, 1));
    const other = await hub.agree(made.slice(1, 2), { owner: 'two' });
    const [first, ...rest] = await partsOf(objectsOf(sender, made[0]), made[0], 2);
    const theirs = await partsOf(objectsOf(sender, made[1]), made[1], 2);
    await hub.send(full, first);
    await hub.send(other, theirs[0]);
    disk.full = true;
    const failed = await Promise.allSettled(rest.map((part) => hub.send(full, part)));
    for (const each of failed) assert.ok(each.status === 'rejected' && refuses('no-space')(each.reason));
    disk.full = false;
    assert.equal(store.blob.quarantineBytes('one'), 0);
    // One that was on its way for longer leaves nothing either.
    await assert.rejects(hub.send(full, first), refuses('no-space'));
    assert.equal(store.blob.quarantineBytes('one'), 0);
    for (const part of theirs.slice(1)) await hub.send(other, part);
    copyMetadata(sender, store);
    assertComplete(store, made[1]);
    assert.equal(store.blob.quarantineBytes(), 0);
    assert.deepEqual(short(await hub.offer(made)), ['want', 'have', 'want']);
  });
});
