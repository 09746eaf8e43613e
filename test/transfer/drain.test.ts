import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { manifest } from '../../src/blob/manifest/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { encodeExtents } from '../../src/core/extents.ts';
import { snapshotId } from '../../src/core/hash.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { PathKey } from '../../src/core/paths.ts';
import { encodeSnapshotBody } from '../../src/core/snapshot-body.ts';
import { PART_BYTES } from '../../src/wire/limits.ts';
import { bodyOf, type MadeSnapshot, makeSnapshot, someTree, type Tree } from './support/history.ts';
import { drain, NOW, push, queueUp, REMOTE } from './support/push.ts';
import { ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';
import { WatchedHub } from './support/watched-hub.ts';

const PARTS = { partBytes: 256 * 1024 };
const NOTHING = { sent: [], held: [], declined: [], failed: [], chunks: 0, bytes: 0 };
const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const cut = (): never => {
  throw new PlaitError('network', 'the line was cut');
};
const waiting = ({ meta }: TestStore, remote = REMOTE) => meta.queue({ remote, dead: false });
const dead = ({ meta }: TestStore) => meta.queue({ remote: REMOTE, dead: true });

/** Bytes that do not compress, the same for the same salt. */
function noise(bytes: number, salt: string): string {
  let text = '';
  for (let n = 0; text.length < bytes; n++) text += createHash('sha512').update(`${salt} ${n}`).digest('base64');
  return text.slice(0, bytes);
}

/** `mib` MiB in files of 64 KiB. */
function largeTree(mib: number, salt = ''): Tree {
  const tree: Tree = {};
  for (let n = 0; n < mib * 16; n++) tree[`${salt}file${String(n).padStart(6, '0')}`] = noise(87_000, `${salt} ${n}`);
  return tree;
}

/** A snapshot that is said to be complete, and is not: a chunk of it was never stored. */
async function damaged({ blob, meta }: TestStore, name: string): Promise<SnapshotId> {
  await using writer = blob.writer(VOLSET);
  const id = createHash('sha256').update(name).digest();
  const content = { extents: encodeExtents([{ length: 10, id }]) };
  const path = name as PathKey;
  const root = manifest.build(writer, [{ path, kind: 'file', mode: 0o644, mtime: 1n, size: 10, content }]);
  const body = bodyOf({ root, files: 1, bytes: 10, created: 7 });
  const snapshot = snapshotId(encodeSnapshotBody(body));
  await writer.finish(() => meta.commit(VOLSET, [{ edit: 'snapshot', id: snapshot, body, blob: true }]));
  return snapshot;
}

async function line(store: TestStore, length: number, from = someTree(20)): Promise<MadeSnapshot[]> {
  const made: MadeSnapshot[] = [];
  for (let n = 0; n < length; n++) {
    made.push(
      await makeSnapshot(
        store,
        { ...from, last: `version ${n}` },
        made.slice(-1).map(({ id }) => id),
        n + 1,
      ),
    );
  }
  return made;
}

describe('transfer: draining a queue', () => {
  it('sends a small snapshot with one offer and one part, and the second time nothing', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const { id } = await makeSnapshot(here, someTree(50));
    const first = await push(here, hub.peer(), [id]);
    assert.deepEqual(first.sent, [id]);
    assert.equal(first.chunks, 50);
    assert.deepEqual([hub.offers.length, hub.asked, hub.parts.length], [1, 0, 1]);
    assert.equal(first.bytes, hub.parts[0].bytes);
    assert.deepEqual(waiting(here), []);
    const second = await push(here, hub.peer(), [id]);
    assert.deepEqual(second, { ...NOTHING, held: [id] });
    assert.equal(hub.parts.length, 1);
    assert.deepEqual(waiting(here), []);
  });

  it('sends a large snapshot in parts, several at once, its marker after all of them', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const { id } = await makeSnapshot(here, largeTree(24));
    const { sent } = await push(here, hub.peer(), [id]);
    assert.deepEqual(sent, [id]);
    assert.ok(hub.parts.length >= 6, `${hub.parts.length} parts`);
    assert.ok(hub.most > 1 && hub.most <= 4, `${hub.most} at once`);
    for (const { bytes } of hub.parts) assert.ok(bytes < PART_BYTES + 2 ** 20 * 2, `a part of ${bytes}`);
    assert.deepEqual(
      hub.parts.map(({ entries }) => entries.includes(id)),
      hub.parts.map((_, n) => n === hub.parts.length - 1),
    );
    assert.equal(hub.again.size, 0);
  });

  it('sends no marker before all parts are acknowledged, in whichever order they are', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const { id } = await makeSnapshot(here, largeTree(5));
    const last = Promise.withResolvers<void>();
    let acknowledged = 0;
    // The first one is answered when all others but the marker's have been.
    hub.afterPart = async (n) => {
      if (n === 0) await last.promise;
      acknowledged++;
      if (n === 2) last.resolve();
    };
    let before = -1;
    hub.beforePart = (_, header) => {
      if (header.snapshots.length > 0) before = acknowledged;
    };
    await push(here, hub.peer(), [id], PARTS);
    assert.ok(hub.has(id));
    assert.equal(before, hub.parts.length - 1);
  });

  for (const when of ['beforePart', 'afterPart'] as const) {
    it(`goes on after a cut at any part (${when}), without what has arrived`, async () => {
      const here = ownStore();
      const { id } = await makeSnapshot(here, largeTree(5));
      const clean = new WatchedHub(testStore());
      await push(here, clean.peer(), [id], PARTS);
      assert.ok(clean.parts.length >= 4, `${clean.parts.length} parts`);
      for (let n = 0; n < clean.parts.length; n++) {
        const hub = new WatchedHub(testStore());
        queueUp(here, [id]);
        hub[when] = (part: number) => {
          if (part === n) cut();
        };
        await assert.rejects(drain(here, hub.peer(), PARTS), refuses('network'));
        const [item] = waiting(here);
        assert.deepEqual([item.attempts, item.notBefore, item.error?.code], [1, NOW + 750, 'network'], `part ${n}`);
        // Its time has not come, unless somebody insists.
        const told = hub.offers.length;
        assert.deepEqual(await drain(here, hub.peer(), PARTS), NOTHING);
        assert.equal(hub.offers.length, told);
        const { sent, held } = await drain(here, hub.peer(), { ...PARTS, insist: [id] });
        assert.deepEqual([...sent, ...held], [id]);
        assert.ok(hub.has(id));
        assert.deepEqual(waiting(here), []);
        assert.equal(hub.again.size, 0);
      }
    }).timeout(20_000);
  }

  it('offers hundreds of snapshots in one request', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const made = await line(here, 500);
    const ids = made.map(({ id }) => id);
    const { sent } = await push(here, hub.peer(), [...ids].reverse());
    assert.deepEqual(sent, ids);
    assert.equal(hub.offers.length, 1);
    assert.ok(hub.parts.length <= 4, `${hub.parts.length} parts`);
  }).timeout(60_000);

  it('leaves behind what is damaged here, and nothing else', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const good = await line(here, 6);
    const bad = [await damaged(here, 'one'), await damaged(here, 'two')];
    const ids = good.map(({ id }) => id);
    queueUp(here, [...ids.slice(0, 3), bad[0], ...ids.slice(3), bad[1]]);
    const { sent, failed } = await drain(here, hub.peer());
    assert.deepEqual(sent, ids);
    assert.deepEqual(
      failed.map(({ id, code }) => [id, code]),
      bad.map((id) => [id, 'blob-absent']),
    );
    assert.deepEqual(
      dead(here).map(({ snapshot }) => snapshot),
      bad,
    );
    assert.deepEqual(waiting(here), []);
  });

  for (const named of [true, false]) {
    it(`leaves behind what the hub refuses, ${named ? 'by its word' : 'found by trying each alone'}`, async () => {
      const here = ownStore();
      const hub = new WatchedHub(testStore());
      const ids = (await line(here, 5)).map(({ id }) => id);
      const bad = ids[2];
      hub.beforePart = (_, { snapshots }) => {
        if (!snapshots.some(({ id }) => id === bad)) return;
        throw new PlaitError('integrity', 'refused', named ? { data: { refused: bad } } : {});
      };
      const { sent, failed } = await push(here, hub.peer(), ids);
      assert.deepEqual(new Set(sent), new Set(ids.filter((id) => id !== bad)));
      assert.deepEqual(
        failed.map(({ id, code }) => [id, code]),
        [[bad, 'integrity']],
      );
      assert.deepEqual(
        dead(here).map(({ snapshot }) => snapshot),
        [bad],
      );
    });
  }

  it('puts off what does not fit there, and takes a word without a code, or a lasting one, as final', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const [full, unwanted, large, fits] = (await line(here, 4)).map(({ id }) => id);
    hub.answer = ({ id }) => {
      if (id === full) return { answer: 'declined', reason: 'no space', code: 'no-space' };
      if (id === large) return { answer: 'declined', reason: 'too large', code: 'quota', lasting: true };
      return id === unwanted ? { answer: 'declined', reason: 'not this one' } : undefined;
    };
    const { sent, declined } = await push(here, hub.peer(), [full, unwanted, large, fits]);
    assert.deepEqual(sent, [fits]);
    assert.deepEqual(declined, [
      { id: full, reason: 'no space', code: 'no-space' },
      { id: unwanted, reason: 'not this one' },
      { id: large, reason: 'too large', code: 'quota' },
    ]);
    assert.deepEqual(
      waiting(here).map(({ snapshot, attempts, notBefore }) => [snapshot, attempts, notBefore]),
      [[full, 1, NOW + 750]],
    );
    assert.deepEqual(
      dead(here).map(({ snapshot, error }) => [snapshot, error?.code]),
      [
        [unwanted, 'forbidden'],
        [large, 'quota'],
      ],
    );
  });

  it('puts off what fills the disk there while it comes, and sends the rest', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const large = await makeSnapshot(here, largeTree(4));
    const small = await makeSnapshot(here, { a: 'small' }, [], 2);
    hub.beforePart = (n) => {
      if (n === 1) throw new PlaitError('no-space', 'the disk of this hub is full');
    };
    const { sent, declined } = await push(here, hub.peer(), [large.id, small.id], PARTS);
    assert.deepEqual(sent, [small.id]);
    assert.deepEqual(
      declined.map(({ id, code }) => [id, code]),
      [[large.id, 'no-space']],
    );
    assert.deepEqual(
      waiting(here).map(({ snapshot }) => snapshot),
      [large.id],
    );
  });

  it('never touches what is queued for another remote', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const ids = (await line(here, 4)).map(({ id }) => id);
    queueUp(here, ids, 1, 'elsewhere');
    const theirs = waiting(here, 'elsewhere');
    assert.deepEqual((await drain(here, hub.peer())).sent, []);
    assert.equal(hub.offers.length, 0);
    await push(here, hub.peer(), ids.slice(0, 2));
    assert.deepEqual(waiting(here, 'elsewhere'), theirs);
  });

  it('sends what is wanted most first, and a tip before its history', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const ids = (await line(here, 6)).map(({ id }) => id);
    queueUp(here, ids.slice(0, 4), 0);
    queueUp(here, [ids[4]], 1);
    queueUp(here, [ids[5]], 2);
    const { sent } = await drain(here, hub.peer());
    assert.deepEqual(sent, [ids[5], ids[4], ...ids.slice(0, 4)]);
    assert.equal(hub.again.size, 0);
  });

  it('lets what becomes urgent meanwhile pass a long one', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const long = await makeSnapshot(here, largeTree(16));
    const urgent = await makeSnapshot(here, { a: 'urgent' }, [], 2);
    queueUp(here, [long.id], 0);
    hub.beforePart = (n) => {
      if (n === 1) queueUp(here, [urgent.id], 2);
    };
    const { sent } = await drain(here, hub.peer(), PARTS);
    assert.deepEqual(sent, [urgent.id, long.id]);
    const at = hub.parts.findIndex(({ entries }) => entries.includes(urgent.id));
    assert.ok(at <= 1 + 4 + 4, `it went as part ${at}`);
  });

  it('starves nobody: of a long queue each priority has its share of a page', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const ids = (await line(here, 610, {})).map(({ id }) => id);
    queueUp(here, ids.slice(0, 5), 0);
    queueUp(here, ids.slice(5), 2);
    await drain(here, hub.peer());
    const first = new Set(hub.offers[0].offers.map(({ id }) => id));
    assert.equal(first.size, 500);
    for (const id of ids.slice(0, 5)) assert.ok(first.has(id));
    assert.deepEqual(waiting(here), []);
  }).timeout(60_000);

  it('stops at once when told, with everything still queued as it was', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const { id } = await makeSnapshot(here, largeTree(5));
    queueUp(here, [id]);
    const before = waiting(here);
    const stop = new AbortController();
    const never = Promise.withResolvers<void>();
    hub.beforePart = async (n) => {
      if (n !== 1) return;
      stop.abort(new PlaitError('interrupted', 'stopped'));
      await never.promise;
    };
    await assert.rejects(drain(here, hub.peer(), { ...PARTS, signal: stop.signal }), refuses('interrupted'));
    assert.deepEqual(waiting(here), before);
    never.resolve();
  });

  it('puts off what it offered to a hub that is down', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const ids = (await line(here, 2)).map(({ id }) => id);
    queueUp(here, ids);
    hub.answer = cut;
    await assert.rejects(drain(here, hub.peer()), refuses('network'));
    assert.deepEqual(
      waiting(here).map(({ attempts }) => attempts),
      [1, 1],
    );
    hub.answer = () => undefined;
    assert.deepEqual((await drain(here, hub.peer(), { now: () => NOW + 750 })).sent, ids);
  });

  it('is done once for all when two do it at the same time', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const ids = (await line(here, 10, largeTree(2))).map(({ id }) => id);
    queueUp(here, ids);
    const both = await Promise.all([drain(here, hub.peer()), drain(here, hub.peer())]);
    for (const { failed, declined } of both) assert.deepEqual([failed, declined], [[], []]);
    for (const id of ids) assert.ok(hub.has(id));
    assert.deepEqual(waiting(here), []);
  });

  it('says once which numbers never come, with the offers or without any', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const { id } = await makeSnapshot(here, { a: 'a' });
    const sender = { self: here.meta.self.store, missing: [[5, 7]] as [number, number][] };
    await drain(here, hub.peer(), { sender });
    assert.deepEqual([...hub.offers], [{ offers: [], sender }]);
    queueUp(here, [id]);
    await drain(here, hub.peer(), { sender });
    assert.equal(hub.offers.length, 2);
    const number = here.meta.blobNumbers(VOLSET, [id])[id];
    assert.deepEqual(
      hub.offers.slice(1).flatMap(({ offers }) => offers.map((offer) => offer.number)),
      [number],
    );
    assert.deepEqual(hub.parts[0].header.snapshots, [{ id, base: null, number }]);
  });

  it('tells of bytes and snapshots when the hub has them', async () => {
    const here = ownStore();
    const hub = new WatchedHub(testStore());
    const { id } = await makeSnapshot(here, largeTree(4));
    const told = { bytes: 0, items: 0, totalBytes: 0 };
    queueUp(here, [id]);
    const { bytes } = await drain(here, hub.peer(), {
      onProgress: ({ bytes = 0, items = 0, totalBytes = told.totalBytes }) => {
        told.totalBytes = totalBytes;
        told.bytes += bytes;
        told.items += items;
      },
    });
    assert.deepEqual({ ...told, totalBytes: 0 }, { bytes, items: 1, totalBytes: 0 });
    assert.ok(told.totalBytes >= bytes && told.totalBytes < bytes * 1.5, `${told.totalBytes} of ${bytes}`);
  });
});
