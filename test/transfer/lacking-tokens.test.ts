/** Transfers that the hub does not know any more, in the middle of them: agreed to anew, but not for ever. */
import assert from 'node:assert/strict';
import { manifest } from '../../src/blob/manifest/index.ts';
import { type ErrorCode, PlaitError } from '../../src/core/errors.ts';
import type { Peer } from '../../src/core/peer.ts';
import { downloadSnapshots } from '../../src/transfer/download.ts';
import { noise } from '../blob/noise.ts';
import { assertComplete, type MadeSnapshot, makeSnapshot, type Tree } from './support/history.ts';
import { peerOf, serverOf } from './support/loopback-peer.ts';
import { NOW, push, REMOTE } from './support/push.ts';
import { copyMetadata, ownStore, type TestStore, testStore, VOLSET } from './support/stores.ts';
import { WatchedHub } from './support/watched-hub.ts';

const IDENTITY = `${'ab'.repeat(16)}.1` as Peer['identity'];
const PARTS = { partBytes: 256 * 1024 };
const CODES: ErrorCode[] = ['forbidden', 'not-found'];
const refuses = (code: string) => (error: unknown) => error instanceof PlaitError && error.code === code;
const stale = (code: ErrorCode): never => {
  throw new PlaitError(code, 'this transfer token has expired');
};
const tree = (files: number): Tree =>
  Object.fromEntries(Array.from({ length: files }, (_, n) => [`f${n}`, noise(n, 60_000).toString('latin1')]));

describe('transfer: tokens that expire on the way', () => {
  let here: TestStore;
  let made: MadeSnapshot;
  beforeEach(async () => {
    here = ownStore();
    made = await makeSnapshot(here, tree(30));
  });
  const queued = () => here.meta.queue({ remote: REMOTE }).map(({ dead, error }) => [dead, error?.code]);

  for (const code of CODES) {
    it(`an upload gets another one at any part but the first: ${code}`, async () => {
      const clean = new WatchedHub(testStore());
      await push(here, clean.peer(), [made.id], PARTS);
      const parts = clean.parts.length;
      assert.ok(parts >= 4, `${parts} parts`);
      for (let n = 1; n < parts; n++) {
        const hub = new WatchedHub(testStore());
        hub.beforePart = (part) => {
          if (part === n) stale(code);
        };
        assert.deepEqual((await push(here, hub.peer(), [made.id], { ...PARTS, parallel: 1 })).sent, [made.id]);
        assert.deepEqual([hub.offers.length, queued()], [2, []]);
        assert.equal(hub.again.size, 0, 'nothing goes twice');
        assertComplete(hub.store, made);
      }
    });

    it(`an upload that is refused at its first part, or again and again, ends: ${code}`, async () => {
      const small = await makeSnapshot(here, tree(4), [], 2);
      for (const from of [0, 1]) {
        const hub = new WatchedHub(testStore());
        // As many parts as one try gets through.
        let taken = 0;
        const peer: Peer = {
          ...hub.peer(),
          offer: (...args) => {
            taken = 0;
            return hub.peer().offer(...args);
          },
          // What it was told that it holds it has forgotten as well.
          have: async (_volset, _transfer, _kind, ids) => new Uint8Array(ids.byteLength / 32),
          upload: async (_transfer, pieces) => {
            if (taken++ >= from || pieces.length === 0) stale(code);
            return { snapshots: [], lacking: [] };
          },
        };
        await assert.rejects(push(here, peer, [small.id], { partBytes: 64 * 1024, parallel: 1 }), refuses(code));
        assert.equal(hub.offers.length, from === 0 ? 1 : 101);
        assert.deepEqual(queued(), [[false, code]]);
        assert.equal(here.meta.queue({ remote: REMOTE })[0].notBefore, NOW + 750 * (from === 0 ? 1 : 2));
      }
    });

    it(`an upload gets another one where the hub is asked what it holds: ${code}`, async () => {
      const many = (salt: number): Tree =>
        Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`f${n}`, noise(salt + n, 1000).toString('hex')]));
      const hub = new WatchedHub(testStore());
      await push(here, hub.peer(), [made.id]);
      const next = [await makeSnapshot(here, many(0), [], 2), await makeSnapshot(here, many(1000), [], 3)];
      const ids = next.map(({ id }) => id);
      let parts = 0;
      let refused = 0;
      const peer = hub.peer();
      const forgetful: Peer = {
        ...peer,
        upload: (...args) => {
          parts++;
          return peer.upload(...args);
        },
        have: (...args) => {
          if (parts > 0 && refused++ === 0) stale(code);
          return peer.have(...args);
        },
      };
      const { sent } = await push(here, forgetful, ids, { partBytes: 32 * 1024, parallel: 1 });
      assert.deepEqual([sent, queued()], [ids, []]);
      assert.ok(refused > 1, 'it was refused, and asked again');
      for (const each of next) assertComplete(hub.store, each);
    });

    it(`a download gets another one as long as it gets on: ${code}`, async () => {
      const { peer } = peerOf(serverOf(here));
      const clone = testStore();
      copyMetadata(here, clone);
      const pull = (from: Peer) =>
        downloadSnapshots({
          ...clone,
          peer: { ...from, identity: IDENTITY },
          manifest,
          volset: VOLSET,
          snapshots: [made.id],
          wait: async () => {},
        });
      let tries = 0;
      const refusing: Peer = {
        ...peer,
        download: () => {
          tries++;
          return stale(code);
        },
      };
      await assert.rejects(pull(refusing), refuses(code));
      assert.equal(tries, 1, 'whoever is refused from the start is told so');
      let left = 3;
      const interrupted: Peer = {
        ...peer,
        download: async (...args) =>
          left-- > 0 ? cutAfter(await peer.download(...args), 300_000, code) : peer.download(...args),
      };
      assert.deepEqual((await pull(interrupted)).received, [made.id]);
      assert.equal(left, -1);
      assertComplete(clone, made);
    });
  }
});

/** So many bytes, then the refusal. */
async function* cutAfter(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
  code: ErrorCode,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of pieces) {
    yield piece;
    left -= piece.byteLength;
    if (left <= 0) stale(code);
  }
}
