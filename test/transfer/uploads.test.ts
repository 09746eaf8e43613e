/** A hub that takes uploads in parts: in any order of events, with restarts, by several clients. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND } from '../../src/core/hash.ts';
import type { InstallId, VolsetId } from '../../src/core/ids.ts';
import { storeId } from '../../src/core/ids.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, someTree } from './support/history.ts';
import { each, objectsOf, partOf, partsOf, StillHub } from './support/parts.ts';
import { copyMetadata, type Loose, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const SELF = storeId('d4'.repeat(16) as InstallId, 1);
const OTHER_SELF = storeId('e5'.repeat(16) as InstallId, 1);

describe('transfer: uploads in parts', () => {
  let sender: TestStore;
  let hub: StillHub;
  let made: MadeSnapshot;
  let objects: Loose[];

  beforeEach(async () => {
    sender = ownStore();
    hub = new StillHub(testStore());
    made = await makeSnapshot(sender, someTree(40));
    objects = objectsOf(sender, made);
  });

  /** With its metadata it must be whole; and nothing else is left over. */
  function assertArrived(): void {
    copyMetadata(sender, hub.store);
    assertComplete(hub.store, made);
    assert.deepEqual(hub.store.blob.unfinished(VOLSET, 'one'), []);
    assert.equal(hub.store.blob.quarantineBytes(), 0);
    assert.equal(hub.server.stats().openUploads, 0);
  }

  it('takes parts one after the other, and all at once', async () => {
    for (const together of [false, true]) {
      hub = new StillHub(testStore());
      const claims = await hub.agree([made]);
      const parts = await partsOf(objects, made, 5);
      const last = parts.pop() as Uint8Array[];
      if (together) await Promise.all(parts.map((part) => hub.send(claims, part)));
      else for (const part of parts) assert.deepEqual(await hub.send(claims, part), { snapshots: [], lacking: [] });
      assert.deepEqual(hub.store.meta.missingBlobs(VOLSET, [made.id]), [made.id], 'not visible before its marker');
      assert.deepEqual(await hub.send(claims, last), { snapshots: [made.id], lacking: [] });
      assertArrived();
    }
  });

  it('answers a repeated part as before, whichever it is', async () => {
    const claims = await hub.agree([made]);
    for (const part of await partsOf(objects, made, 3)) {
      const answer = await hub.send(claims, part);
      assert.deepEqual(await hub.send(claims, part), answer);
    }
    assertArrived();
    for (const part of await partsOf(objects, made, 3)) await hub.send(claims, part);
    assertArrived();
  });

  it('leaves a snapshot out of the answer whose marker comes too early', async () => {
    const claims = await hub.agree([made]);
    const [first, second, marker] = await partsOf(objects, made, 2);
    await hub.send(claims, first);
    assert.deepEqual(await hub.send(claims, marker), { snapshots: [], lacking: [] });
    assert.deepEqual(hub.store.meta.missingBlobs(VOLSET, [made.id]), [made.id]);
    await hub.send(claims, second);
    assert.deepEqual((await hub.send(claims, marker)).snapshots, [made.id]);
    assertArrived();
  });

  it('keeps what came whole of a part that was cut, wherever that is', async () => {
    const stream = Buffer.concat(await partOf(objects));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: stream.length - 1025 }), async (cut) => {
        hub = new StillHub(testStore());
        const claims = await hub.agree([made]);
        await assert.rejects(hub.send(claims, [stream.subarray(0, cut)]), refuses('protocol'));
        const held = await hub.held(claims, objects);
        assert.ok(held <= objects.length - 1);
        assert.ok(cut < stream.length * 0.9 || held > 0, `${held} objects held after ${cut} bytes`);
        await hub.send(claims, [stream]);
        assert.deepEqual((await hub.send(claims, await partOf([], [made]))).snapshots, [made.id]);
        assertArrived();
      }),
      { numRuns: 30 },
    );
  });

  it('suspends an upload that nobody uses, and goes on with it', async () => {
    const [first, ...rest] = await partsOf(objects, made, 2);
    const claims = await hub.agree([made]);
    await hub.send(claims, first);
    hub.pass(59_999);
    assert.equal(hub.server.stats().openUploads, 1);
    hub.pass(1);
    await new Promise(setImmediate);
    assert.deepEqual(hub.store.blob.unfinished(VOLSET, 'one'), [claims.uploadId]);
    assert.equal(hub.server.stats().openUploads, 0);
    assert.equal(hub.timers.size, 0);
    for (const part of rest) await hub.send(claims, part);
    assertArrived();
    assert.deepEqual(hub.failures, []);
  });

  it('goes on after a restart with the token alone, between any two parts', async () => {
    const claims = await hub.agree([made]);
    for (const part of await partsOf(objects, made, 4)) {
      await hub.restart();
      await hub.send(claims, part);
    }
    assertArrived();
  });

  it('keeps few receivers open, and loses nothing by it', async () => {
    hub = new StillHub(testStore(), { maxOpen: 2 });
    const all = await Promise.all([1, 2, 3, 4].map((n) => makeSnapshot(sender, someTree(10, `${n}`), [], n)));
    const going = [];
    for (const each of all)
      going.push({
        claims: await hub.agree([each], { owner: `${each.id}` }),
        parts: await partsOf(objectsOf(sender, each), each, 3),
      });
    for (let n = 0; n < 4; n++) {
      await Promise.all(
        going.map(async ({ claims, parts }) => {
          await hub.send(claims, parts[n]);
        }),
      );
      assert.ok(hub.server.stats().openUploads <= 2);
    }
    copyMetadata(sender, hub.store);
    for (const each of all) assertComplete(hub.store, each);
  });

  describe('taken up by another try', () => {
    it('of the same bearer: what lies there is not sent again', async () => {
      const claims = await hub.agree([made]);
      const [first] = await partsOf(objects, made, 2);
      await hub.send(claims, first);
      const again = await hub.agree([made]);
      assert.equal(again.uploadId, claims.uploadId);
      assert.ok((await hub.held(again, objects)) >= 20);
      await hub.restart();
      assert.equal((await hub.agree([made])).uploadId, claims.uploadId);
    });

    it('not of another bearer, nor for another volset', async () => {
      const claims = await hub.agree([made]);
      await hub.send(claims, await partOf(objects));
      const other = await hub.agree([made], { owner: 'two' });
      assert.notEqual(other.uploadId, claims.uploadId);
      assert.equal(await hub.held(other, objects), 0);
      const elsewhere = { ...claims, volset: 'e'.repeat(32) as VolsetId, uploadId: 'a'.repeat(32) };
      assert.equal(await hub.held(elsewhere, objects), 0);
      // A token of the wrong volset for that upload is never signed; the upload itself refuses it as well.
      await assert.rejects(hub.server.have({ ...elsewhere, uploadId: claims.uploadId }, 0, objects[0].id), PlaitError);
      await assert.rejects(hub.server.have({ ...claims, owner: 'two' }, 0, objects[0].id), refuses('forbidden'));
    });

    it('not while it is being received', async () => {
      const claims = await hub.agree([made]);
      const gate = Promise.withResolvers<void>();
      const [first] = await partsOf(objects, made, 1);
      const slow = async function* () {
        yield first[0];
        await gate.promise;
        yield* each(first.slice(1));
      };
      const receiving = hub.server.receive(claims, slow(), new AbortController().signal);
      assert.notEqual((await hub.agree([made])).uploadId, claims.uploadId);
      gate.resolve();
      await receiving;
    });

    it('not by another store that comes while its own may still be at it', async () => {
      const other = await makeSnapshot(sender, someTree(5, 'other'), [], 2);
      const claims = await hub.agree([made], { self: SELF });
      await hub.send(claims, await partOf(objects));
      assert.notEqual((await hub.agree([made], { self: OTHER_SELF })).uploadId, claims.uploadId);
      assert.notEqual((await hub.agree([other], { self: SELF })).uploadId, claims.uploadId);
      assert.equal((await hub.agree([made], { self: SELF })).uploadId, claims.uploadId);
      hub.pass(60_001);
      await new Promise(setImmediate);
      assert.equal((await hub.agree([other], { self: OTHER_SELF })).uploadId, claims.uploadId);
    });

    it('is not removed before what the next one offered is complete', async () => {
      const other = await makeSnapshot(sender, { ...someTree(40), more: 'more' }, [], 2);
      const claims = await hub.agree([made]);
      await hub.send(claims, await partOf(objects));
      const again = await hub.agree([made, other]);
      assert.equal(again.uploadId, claims.uploadId);
      await hub.send(claims, await partOf([], [made]));
      assert.equal(hub.server.stats().openUploads, 1);
      await hub.send(again, await partOf(objectsOf(sender, other), [other]));
      assertArrived();
    });
  });

  it('removes an upload that was refused, and others go on', async () => {
    const good = await hub.agree([made], { owner: 'two' });
    const parts = await partsOf(objects, made, 2);
    await hub.send(good, parts[0]);
    // Its totals are not those of its tree.
    const bodyOf = (await import('./support/history.ts')).bodyOf;
    const { encodeSnapshotBody } = await import('../../src/core/snapshot-body.ts');
    const { snapshotId } = await import('../../src/core/hash.ts');
    const body = bodyOf({ ...made.body, files: 7 });
    const bytes = encodeSnapshotBody(body);
    const wrong = { id: snapshotId(bytes), body, bytes };
    const claims = await hub.agree([wrong]);
    await hub.send(claims, await partOf(objects));
    await assert.rejects(hub.send(claims, await partOf([], [wrong])), refuses('integrity'));
    assert.deepEqual(hub.store.blob.unfinished(VOLSET, 'one'), []);
    assert.equal(hub.store.blob.quarantineBytes('one'), 0);
    for (const part of parts.slice(1)) await hub.send(good, part);
    assertArrived();
  });

  it('takes nothing but chunks, nodes and bodies, and no snapshot that was not offered', async () => {
    const claims = await hub.agree([made]);
    const stray = await makeSnapshot(sender, someTree(3, 'stray'), [], 2);
    await assert.rejects(hub.send(claims, await partOf(objectsOf(sender, stray), [stray])), refuses('protocol'));
    const damaged = objects.map((object, n) => (n === 3 ? { ...object, bytes: Buffer.from('other') } : object));
    await assert.rejects(hub.send(claims, await partOf(damaged)), refuses('integrity'));
    for (const part of await partsOf(objects, made, 2)) await hub.send(claims, part);
    assertArrived();
  });

  describe('numbers', () => {
    const key = { volset: VOLSET, sender: SELF, owner: 'one' };

    it('are sealed when the blob is complete, not before', async () => {
      const claims = await hub.agree([made], { self: SELF });
      for (const part of await partsOf(objects, made, 3)) {
        assert.deepEqual(hub.store.meta.sealed(key), []);
        await hub.send(claims, part);
      }
      assert.deepEqual(hub.store.meta.sealed(key), [[1, 1]]);
      assert.equal(hub.server.stats().sealed, 1);
    });

    it('are sealed when the offer is answered have, for the one who asked only', async () => {
      const claims = await hub.agree([made]);
      for (const part of await partsOf(objects, made, 1)) await hub.send(claims, part);
      assert.deepEqual(hub.store.meta.sealed(key), []);
      await hub.offer([made], { self: SELF });
      assert.deepEqual(hub.store.meta.sealed(key), [[1, 1]]);
      for (const other of [
        { ...key, owner: 'two' },
        { ...key, sender: OTHER_SELF },
      ])
        assert.deepEqual(hub.store.meta.sealed(other), []);
    });

    it('are those of the store that offered, whoever sends the part', async () => {
      const other = await makeSnapshot(sender, someTree(4, 'other'), [], 2);
      await hub.agree([made, other], { self: SELF });
      // The same token's other store numbers them the other way round, and sends.
      const theirs = await hub.agree([other, made], { self: OTHER_SELF });
      await hub.send(theirs, await partOf(objectsOf(sender, other), [other]));
      assert.deepEqual(hub.store.meta.sealed(key), []);
      assert.deepEqual(hub.store.meta.sealed({ ...key, sender: OTHER_SELF }), [[1, 1]]);
    });

    it('that are none are refused with the offer, which then changes nothing', async () => {
      const one = { owner: 'one', label: '', can: () => true };
      const offer = { id: made.id, body: made.body, bytes: 1, chunks: 1, baseCandidates: [] };
      for (const number of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
        const answer = hub.server.answerOffers(VOLSET, [{ ...offer, number }], one, { self: SELF, missing: [[3, 9]] });
        await assert.rejects(answer, refuses('protocol'));
      }
      for (const missing of [
        [[0, 1]],
        [
          [5, 6],
          [1, 2],
        ],
        [
          [1, 2],
          [3, 4],
        ],
        [[2, 1]],
        [[1, 2 ** 53]],
      ] as [number, number][][]) {
        const answer = hub.server.answerOffers(VOLSET, [{ ...offer, number: 1 }], one, { self: SELF, missing });
        await assert.rejects(answer, refuses('protocol'), JSON.stringify(missing));
      }
      assert.deepEqual(hub.store.meta.sealed(key), []);
      assert.equal(hub.server.agreed.find('any'), undefined);
      assert.equal(
        hub.server.agreed.promised(() => undefined),
        0,
      );
    });

    it('declared missing are sealed at once', async () => {
      await hub.server.answerOffers(
        VOLSET,
        [],
        { owner: 'one', label: '', can: () => true },
        { self: SELF, missing: [[3, 9]] },
      );
      assert.deepEqual(hub.store.meta.sealed(key), [[3, 9]]);
    });
  });

  it('is no open transfer any more once it is complete: a bearer may have any number of these', async () => {
    const claims = await hub.agree([made]);
    await hub.send(claims, await partOf(objects));
    assert.ok(hub.server.agreed.find(claims.uploadId));
    const last = await partOf([], [made]);
    assert.deepEqual((await hub.send(claims, last)).snapshots, [made.id]);
    assert.equal(hub.server.agreed.find(claims.uploadId), undefined);
    assert.deepEqual((await hub.send(claims, last)).snapshots, [made.id], 'its answer was lost');
  });

  it('tells what it does', async () => {
    const claims = await hub.agree([made]);
    const [first, ...rest] = await partsOf(objects, made, 2);
    await hub.send(claims, first);
    const { openUploads, quarantineBytes, parts } = hub.server.stats();
    assert.deepEqual([openUploads, parts], [1, 1]);
    assert.ok(quarantineBytes > objects.length / 2);
    for (const part of rest) await hub.send(claims, part);
    assert.equal(hub.server.stats().quarantineBytes, 0);
    assert.equal(objects.filter(({ kind }) => kind === KIND.chunk).length, 40);
  });
});
