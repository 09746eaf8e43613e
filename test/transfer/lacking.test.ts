/** Deltas that the receiver cannot use, for its own damage or for what the peer sends: it ends, plainly and with the right bytes. */
import assert from 'node:assert/strict';
import type { BasePiece, BlobStore } from '../../src/blob/contract.ts';
import { manifest } from '../../src/blob/manifest/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import { KIND } from '../../src/core/hash.ts';
import type { PartAnswer, Peer, Want } from '../../src/core/peer.ts';
import { readBlobDiff, writeBlobDiff } from '../../src/transfer/blob-diff.ts';
import { type DiffEntry, type DiffHeader, TRANSFER_LIMITS } from '../../src/transfer/diff-format.ts';
import { type Downloaded, downloadSnapshots } from '../../src/transfer/download.ts';
import { MAX_LACKING } from '../../src/wire/limits.ts';
import { noise } from '../blob/noise.ts';
import { DiskStore, flipBlocks, forget } from './support/damage.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, type Tree } from './support/history.ts';
import { peerOf, serverOf } from './support/loopback-peer.ts';
import { push, REMOTE } from './support/push.ts';
import { copyMetadata, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const IDENTITY = `${'ab'.repeat(16)}.1` as Peer['identity'];
const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;

/** `files` files, of which the first `changed` differ a little in the second; names and bytes make several nodes. */
async function twoVersions(store: TestStore, files: number, changed: number, bytes = 400) {
  const tree = (of: (n: number) => string): Tree => {
    const names = Array.from({ length: files }, (_, n) => `a file of some name ${String(n).padStart(6, '0')}`);
    return Object.fromEntries(names.map((name, n) => [name, of(n) + noise(n, bytes).toString('hex')]));
  };
  const first = await makeSnapshot(
    store,
    tree(() => ''),
  );
  const now = tree((n) => (n < changed ? '!' : ''));
  return [first, await makeSnapshot(store, now, [first.id], 2)] as const;
}

/** The same line of transfers, whatever is in it. */
function changed(peer: Peer, change: (entry: DiffEntry) => boolean | DiffEntry): Peer {
  const meddle = (pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => rewritten(pieces, change);
  return {
    ...peer,
    upload: async (transfer, part) => peer.upload(transfer, await Array.fromAsync(meddle(each(part)))),
    download: async (transfer, share) => meddle(await peer.download(transfer, share)),
  };
}

async function* rewritten(
  pieces: AsyncIterable<Uint8Array>,
  change: (entry: DiffEntry) => boolean | DiffEntry,
): AsyncGenerator<Uint8Array> {
  const header = Promise.withResolvers<DiffHeader>();
  const events = readBlobDiff(pieces, TRANSFER_LIMITS);
  const first = await events.next();
  if (first.value?.entry === 'header') header.resolve(first.value.header);
  async function* entries(): AsyncGenerator<DiffEntry> {
    const { snapshots } = await header.promise;
    for await (const event of events) {
      if (event.entry !== 'block' && event.entry !== 'snapshot' && event.entry !== 'delta') continue;
      // For whom a delta is only the header tells.
      const entry = (event.entry === 'delta' ? { kind: 0, for: snapshots[0].id, ...event } : event) as DiffEntry;
      const kept = change(entry);
      if (kept !== false) yield kept === true ? entry : kept;
    }
  }
  yield* writeBlobDiff(await header.promise, entries());
}

async function* each(pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Uint8Array.from(piece);
}

/** Deltas are made against other bytes than they say. */
function lying(blob: BlobStore): BlobStore {
  const reader = (...args: Parameters<BlobStore['reader']>) => {
    const honest = blob.reader(...args);
    const encodeDelta: typeof honest.encodeDelta = (targets, base) => honest.encodeDelta(targets, turned(base));
    return new Proxy(honest, {
      get: (target, name) => {
        const value = name === 'encodeDelta' ? encodeDelta : Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return new Proxy(blob, {
    get: (target, name) => {
      const value = name === 'reader' ? reader : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
/** As long as before. */
const turned = (base: BasePiece[]): BasePiece[] => [...base].reverse();

/** Damage of what the receiver held, and whether another copy helps it. */
const DAMAGE: [what: string, how: (dir: string) => void, helps: boolean][] = [
  ['its chunks are not there', forget(0), true],
  ['its chunks are damaged', flipBlocks(0), true],
  ['its nodes are not there', forget(1), true],
  ['its nodes are damaged', flipBlocks(1), false],
];

describe('transfer: deltas that are of no use', () => {
  let here: TestStore;
  let first: MadeSnapshot;
  let second: MadeSnapshot;
  beforeEach(() => {
    here = ownStore();
  });

  const pull = (store: TestStore, peer: Peer, { id }: MadeSnapshot): Promise<Downloaded> =>
    downloadSnapshots({
      ...store,
      peer: { ...peer, identity: peer.identity ?? IDENTITY },
      manifest,
      volset: VOLSET,
      snapshots: [id],
      wait: async () => {},
    });
  const queued = () => here.meta.queue({ remote: REMOTE }).map(({ dead, error }) => [dead, error?.code]);
  const absent = ({ meta }: TestStore): boolean => meta.missingBlobs(VOLSET, [second.id]).length === 1;

  for (const [what, how, helps] of DAMAGE) {
    describe(`the base is damaged where they arrive: ${what}`, () => {
      it('at a hub', async () => {
        [first, second] = await twoVersions(here, 600, 40);
        await using disk = await DiskStore.open();
        await push(here, peerOf(serverOf(disk.store)).peer, [first.id]);
        await disk.damage(how);
        const { peer, counted } = peerOf(serverOf(disk.store));
        if (helps) {
          assert.deepEqual((await push(here, peer, [second.id])).sent, [second.id]);
          assert.deepEqual(queued(), []);
          manifest.check(disk.store.blob.reader(VOLSET), second.body.root);
          assert.equal(absent(disk.store), false);
        } else {
          // Not for ever: the hub may be mended.
          await assert.rejects(push(here, peer, [second.id]), refuses('incomplete'));
          assert.deepEqual(queued(), [[false, 'incomplete']]);
          assert.ok(absent(disk.store));
        }
        assert.ok(counted.uploads <= 6, `${counted.uploads} parts`);
      });

      it('in a clone', async () => {
        [first, second] = await twoVersions(here, 600, 40);
        await using disk = await DiskStore.open();
        copyMetadata(here, disk.store);
        const { peer, counted } = peerOf(serverOf(here));
        await pull(disk.store, peer, first);
        await disk.damage(how);
        if (helps) {
          assert.deepEqual((await pull(disk.store, peer, second)).received, [second.id]);
          manifest.check(disk.store.blob.reader(VOLSET), second.body.root);
        } else {
          const said = (error: unknown): boolean => /Pack .* is damaged/.test(String((error as Error).message));
          await assert.rejects(pull(disk.store, peer, second), said);
          assert.ok(absent(disk.store));
        }
        assert.ok(counted.requests <= 6, `${counted.requests} requests`);
      });
    });
  }

  describe('from a peer that makes them against other bytes', () => {
    it('to a hub', async () => {
      [first, second] = await twoVersions(here, 120, 60);
      const hub = testStore();
      const server = serverOf(hub);
      await push(here, peerOf(server).peer, [first.id]);
      const liar = { ...here, blob: lying(here.blob) };
      assert.deepEqual((await push(liar, peerOf(server).peer, [second.id])).sent, [second.id]);
      assert.ok(server.stats().lacking >= 60, `${server.stats().lacking} lacking`);
      assertComplete(hub, second);
    });

    it('to a clone', async () => {
      [first, second] = await twoVersions(here, 120, 60);
      const clone = testStore();
      copyMetadata(here, clone);
      const { peer } = peerOf(serverOf({ ...here, blob: lying(here.blob) }));
      const asked: Want[] = [];
      const noted: Peer = {
        ...peer,
        request: (volset, wants) => {
          asked.push(...wants);
          return peer.request(volset, wants);
        },
      };
      await pull(clone, noted, first);
      assert.deepEqual((await pull(clone, noted, second)).received, [second.id]);
      assert.deepEqual(
        asked.map(({ plain = false }) => plain),
        [false, false, true],
      );
      assertComplete(clone, second);
    });

    it('and puts something behind their end', async () => {
      [first, second] = await twoVersions(here, 120, 60);
      const hub = testStore();
      const server = serverOf(hub);
      await push(here, peerOf(server).peer, [first.id]);
      const broken = changed(peerOf(server).peer, (entry) => {
        return entry.entry !== 'delta' || { ...entry, bytes: Buffer.concat([entry.bytes, Buffer.from('more')]) };
      });
      const { failed } = await push(here, broken, [second.id]);
      assert.deepEqual(
        failed.map(({ code }) => code),
        ['protocol'],
      );
      // It may be this line that is at fault: it is tried again.
      assert.deepEqual(queued(), [[false, 'protocol']]);
      assert.ok(absent(hub));
      assert.deepEqual((await push(here, peerOf(server).peer, [second.id])).sent, [second.id]);
      assertComplete(hub, second);
    });
  });

  describe('without the nodes that they are named by', () => {
    const withoutNodes = (entry: DiffEntry): boolean => {
      const node = (entry.entry === 'delta' && entry.bytes[1] === KIND.node) || isNodeBlock(entry);
      return !node;
    };
    const isNodeBlock = (entry: DiffEntry): boolean => entry.entry === 'block' && entry.bytes[5] === KIND.node;

    it('to a hub: once that happens, all goes plainly; always, and it is not kept', async () => {
      [first, second] = await twoVersions(here, 120, 60);
      const hub = testStore();
      const server = serverOf(hub);
      await push(here, peerOf(server).peer, [first.id]);
      const always = changed(peerOf(server).peer, withoutNodes);
      await assert.rejects(push(here, always, [second.id]), refuses('incomplete'));
      assert.deepEqual(queued(), [[false, 'incomplete']]);
      assert.ok(absent(hub));
      let parts = 0;
      const { peer } = peerOf(server);
      const once: Peer = {
        ...peer,
        upload: (...args) => (parts++ === 0 ? changed(peer, withoutNodes) : peer).upload(...args),
      };
      assert.deepEqual((await push(here, once, [second.id])).sent, [second.id]);
      assertComplete(hub, second);
    });

    it('to a clone', async () => {
      [first, second] = await twoVersions(here, 120, 60);
      const clone = testStore();
      copyMetadata(here, clone);
      const { peer } = peerOf(serverOf(here));
      await pull(clone, peer, first);
      await assert.rejects(pull(clone, changed(peer, withoutNodes), second), refuses('integrity'));
      assert.ok(absent(clone));
      let tries = 0;
      const once: Peer = {
        ...peer,
        download: (...args) => (tries++ === 0 ? changed(peer, withoutNodes) : peer).download(...args),
      };
      assert.deepEqual((await pull(clone, once, second)).received, [second.id]);
      assertComplete(clone, second);
    });
  });

  it('more of them than an answer may name', async () => {
    const count = MAX_LACKING + 100;
    [first, second] = await twoVersions(here, count, count, 40);
    const hub = testStore();
    const server = serverOf(hub);
    const { peer } = peerOf(server);
    await push(here, peer, [first.id]);
    const answers: PartAnswer[] = [];
    const noted: Peer = {
      ...peer,
      upload: async (...args) => {
        const answer = await peer.upload(...args);
        answers.push(answer);
        return answer;
      },
    };
    const liar = { ...here, blob: lying(here.blob) };
    assert.deepEqual((await push(liar, noted, [second.id])).sent, [second.id]);
    assert.ok(server.stats().lacking > MAX_LACKING, `${server.stats().lacking} lacking`);
    assert.equal(Math.max(...answers.map(({ lacking }) => lacking.length)), MAX_LACKING);
    assert.deepEqual(queued(), []);
    assertComplete(hub, second);
  }).timeout(120_000);
});
