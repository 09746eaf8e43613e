/** Downloads that are cut, continued, sent in several streams, and lied to. */
import assert from 'node:assert/strict';
import { manifest } from '../../src/blob/manifest/index.ts';
import { PlaitError } from '../../src/core/errors.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { Peer, Share, Transfer } from '../../src/core/peer.ts';
import { type Downloaded, type DownloadOptions, downloadSnapshots } from '../../src/transfer/download.ts';
import { readTar, type TarEntry, writeTar } from '../../src/transfer/tar.ts';
import { noise } from '../blob/noise.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, type Tree } from './support/history.ts';
import { peerOf, serverOf } from './support/loopback-peer.ts';
import { copyMetadata, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';

const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const cutOff = (): PlaitError => new PlaitError('network', 'cut');

/** Files that do not compress, so that a stream has many blocks. */
const tree = (files: number, salt = 0): Tree =>
  Object.fromEntries(
    Array.from({ length: files }, (_, n) => [`f${n}`, noise(salt * 1000 + n, 60_000).toString('latin1')]),
  );

type Change = (entries: AsyncIterable<TarEntry>, share: Share | undefined) => AsyncIterable<TarEntry>;

/** The entries of what is sent may be changed on the way. */
const meddled = (peer: Peer, change: Change): Peer => ({
  ...peer,
  identity: IDENTITY,
  download: async (transfer: Transfer, share?: Share) =>
    writeTar(
      change(
        readTar(await peer.download(transfer, share), () => 1e9),
        share,
      ),
    ),
});
const IDENTITY = `${'ab'.repeat(16)}.1` as Peer['identity'];

async function* cutAfter(entries: AsyncIterable<TarEntry>, count: number): AsyncGenerator<TarEntry> {
  let n = 0;
  for await (const entry of entries) {
    if (n++ === count) throw cutOff();
    yield entry;
  }
}

describe('transfer: downloads', () => {
  let there: TestStore;
  let here: TestStore;
  let made: MadeSnapshot[];
  let peer: Peer;
  let counted: ReturnType<typeof peerOf>['counted'];
  let waits: number[];

  beforeEach(async () => {
    there = ownStore();
    here = testStore();
    const first = await makeSnapshot(there, tree(16));
    const second = await makeSnapshot(there, { ...tree(16), ...tree(3, 1) }, [first.id], 2);
    made = [first, second];
    copyMetadata(there, here);
    ({ peer, counted } = peerOf(serverOf(there)));
    peer = { ...peer, identity: IDENTITY };
    waits = [];
  });

  const pull = (from: Peer, options: Partial<DownloadOptions> = {}): Promise<Downloaded> =>
    downloadSnapshots({
      ...here,
      peer: from,
      manifest,
      volset: VOLSET,
      snapshots: made.map(({ id }) => id),
      wait: async (ms) => {
        waits.push(ms);
      },
      ...options,
    });

  /** All here, and nothing left over. */
  function assertArrived(): void {
    for (const each of made) assertComplete(here, each);
    assert.equal(here.blob.quarantineBytes(), 0);
    assert.deepEqual(here.blob.unfinished(VOLSET, ''), []);
  }
  const missing = (): SnapshotId[] =>
    here.meta.missingBlobs(
      VOLSET,
      made.map(({ id }) => id),
    );

  it('remembers from whom the data came', async () => {
    await pull(peer);
    const numbered = here.meta.numberedBlobs(VOLSET, 1, 10, 10);
    assert.deepEqual(
      numbered.map(({ snapshot, from }) => [snapshot, from]),
      made.map(({ id }) => [id, 'ab'.repeat(16)]),
    );
  });

  it('goes on in the same run, cut at any entry, without sending again what came whole', async () => {
    await pull(peer);
    const whole = counted.received;
    for (let count = 0; count < 100; count++) {
      here = testStore();
      copyMetadata(there, here);
      let cut = false;
      const bad = meddled(peer, (entries) => {
        if (cut) return entries;
        cut = true;
        return cutAfter(entries, count);
      });
      const before = counted.received;
      const { received } = await pull(bad);
      assert.deepEqual(
        received,
        made.map(({ id }) => id),
      );
      assertArrived();
      // One block may be on its way when the cut comes, and goes again.
      assert.ok(counted.received - before < whole + 1_300_000, `${counted.received - before} after ${count}, ${whole}`);
      if (counted.received - before === whole) break;
    }
  });

  it('goes on in another run, and then sends little', async () => {
    await pull(peer);
    const whole = counted.received;
    here = testStore();
    copyMetadata(there, here);
    let entries = 0;
    await assert.rejects(
      pull(
        meddled(peer, async function* (all) {
          for await (const entry of all) {
            if (entry.name.startsWith('snapshots/')) throw new PlaitError('interrupted', 'stopped');
            entries++;
            yield entry;
          }
        }),
      ),
      refuses('interrupted'),
    );
    assert.ok(entries > 1);
    assert.deepEqual(
      missing(),
      made.map(({ id }) => id),
    );
    assert.equal(here.blob.unfinished(VOLSET, '').length, 1);
    const before = counted.received;
    await pull(peer);
    assertArrived();
    assert.ok(counted.received - before < whole / 3, `${counted.received - before} of ${whole}`);
  });

  it('gives up after failures that bring nothing, with growing waits', async () => {
    const bad = meddled(peer, (entries) => cutAfter(entries, 1));
    await assert.rejects(pull(bad, { retries: 3, random: () => 0 }), refuses('network'));
    assert.deepEqual(waits, [250, 500, 1000]);
    assert.deepEqual(missing().length, 2);
  });

  it('takes several streams at once, and one of them again', async () => {
    const shares: (Share | undefined)[] = [];
    let cut = false;
    const counting = meddled({ ...peer, request: announcing(peer, 100 * 1024 ** 2) }, (entries, share) => {
      shares.push(share);
      if (share?.index !== 2 || cut) return entries;
      cut = true;
      return cutAfter(entries, 1);
    });
    const { received } = await pull(counting, { parallel: 3 });
    assert.deepEqual(
      received,
      made.map(({ id }) => id),
    );
    assert.deepEqual(shares.map((share) => share && [share.index, share.of].join('/')).sort(), [
      '0/3',
      '0/3',
      '1/3',
      '1/3',
      '2/3',
      '2/3',
    ]);
    assertArrived();
  });

  it('asks again without telling what it holds when something was left out that is not here', async () => {
    let told = 0;
    const forgetful: Peer = {
      ...peer,
      hold: async (transfer, kind) => {
        told++;
        // The peer believes that we hold all that there is.
        for (const { body } of made)
          for (const ref of manifest.reachable(there.blob.reader(VOLSET), body.root))
            if (ref.kind === kind) await peer.hold(transfer, kind, ref.id.subarray(0, 8));
      },
    };
    let cut = false;
    const from = meddled(forgetful, (entries) => {
      if (cut) return entries;
      cut = true;
      return cutAfter(entries, 3);
    });
    await pull(from);
    assert.ok(told > 0);
    assertArrived();
  });

  describe('from a hub that lies', () => {
    const lies: [string, Change, string][] = [
      [
        'other bytes',
        async function* (entries) {
          for await (const { name, bytes } of entries) {
            if (name === 'blocks/000001') bytes[bytes.length - 9] ^= 1;
            yield { name, bytes };
          }
        },
        'integrity',
      ],
      [
        'a block less',
        async function* (entries) {
          for await (const entry of entries) if (entry.name !== 'blocks/000000') yield entry;
        },
        'protocol',
      ],
      [
        'no markers',
        async function* (entries) {
          for await (const entry of entries) if (!entry.name.startsWith('snapshots/')) yield entry;
        },
        'protocol',
      ],
    ];
    for (const [what, change, code] of lies) {
      it(`shows nothing: ${what}`, async () => {
        await assert.rejects(pull(meddled(peer, change)), refuses(code));
        assert.deepEqual(
          missing(),
          made.map(({ id }) => id),
        );
        assert.ok(here.blob.isEmpty(VOLSET));
        await pull(peer);
        assertArrived();
      });
    }

    it('in a download that is continued', async () => {
      for (const [, change, code] of lies) {
        here = testStore();
        copyMetadata(there, here);
        let tries = 0;
        const bad = meddled(peer, (entries, share) => (tries++ === 0 ? cutAfter(entries, 2) : change(entries, share)));
        await assert.rejects(
          pull(bad),
          (error) => refuses(code)(error) || refuses('integrity')(error) || refuses('protocol')(error),
        );
        assert.deepEqual(
          missing(),
          made.map(({ id }) => id),
        );
        assert.ok(here.blob.isEmpty(VOLSET));
      }
    });

    it('with markers in a stream that has none, or a stream that brings nothing', async () => {
      const large: Peer = { ...peer, request: announcing(peer, 100 * 1024 ** 2) };
      const early: Peer = {
        ...large,
        identity: IDENTITY,
        download: (transfer, share) => peer.download(transfer, share && { index: 0, of: share.of }),
      };
      await assert.rejects(pull(early, { parallel: 2 }), refuses('protocol'));
      const empty = meddled(large, async function* (entries, share) {
        for await (const entry of entries) {
          if (share?.index === 1 && entry.name.startsWith('blocks/')) throw new PlaitError('protocol', 'nothing comes');
          yield entry;
        }
      });
      await assert.rejects(pull(empty, { parallel: 2 }), refuses('protocol'));
      assert.deepEqual(
        missing(),
        made.map(({ id }) => id),
      );
      assert.ok(here.blob.isEmpty(VOLSET));
    });

    it('that always leaves out what nobody holds', async () => {
      const bad: Peer = {
        ...peer,
        download: async (transfer, share) => {
          for (const { body } of made)
            for (const ref of manifest.reachable(there.blob.reader(VOLSET), body.root))
              if (ref.kind === 0) await peer.hold(transfer, 0, ref.id.subarray(0, 8));
          return peer.download(transfer, share);
        },
      };
      await assert.rejects(pull(bad), refuses('integrity'));
      assert.deepEqual(
        missing(),
        made.map(({ id }) => id),
      );
    });
  });
});

/** The same answers with other sizes. */
const announcing =
  (peer: Peer, bytes: number): Peer['request'] =>
  async (volset, wants) =>
    (await peer.request(volset, wants)).map((answer) =>
      answer.answer === 'available' ? { ...answer, bytes } : answer,
    );
