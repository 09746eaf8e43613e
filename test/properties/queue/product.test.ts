/** The drain of the product over a real queue on a file, while the line is cut and its process dies at any write. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openMemoryBlobs } from '../../../src/blob/memory-engine.ts';
import { PlaitError } from '../../../src/core/errors.ts';
import type { SnapshotId } from '../../../src/core/ids.ts';
import { intervalsOf } from '../../../src/core/intervals.ts';
import type { Peer } from '../../../src/core/peer.ts';
import type { MetaStore, Priority } from '../../../src/meta/contract.ts';
import { Random, seeded } from '../../support/seed.ts';
import { makeSnapshot, someTree } from '../../transfer/support/history.ts';
import { peerOf, serverOf } from '../../transfer/support/loopback-peer.ts';
import { drain, NOW } from '../../transfer/support/push.ts';
import { type TestStore, testStore, VOLSET } from '../../transfer/support/stores.ts';
import { Crash, CrashingStore } from './crashing-store.ts';

const REMOTES = ['x', 'y'];

/** The hub of the product, on a line that can be cut before a message is sent or before its answer arrives. */
class CutHub {
  readonly store = testStore();
  readonly #server = serverOf(this.store);
  readonly offered: SnapshotId[] = [];
  uploads = 0;
  /** Halves of messages until the cut. */
  left = Number.POSITIVE_INFINITY;

  has = (id: SnapshotId): boolean => this.store.meta.missingBlobs(VOLSET, [id]).length === 0;

  peer(): Peer {
    const { peer } = peerOf(this.#server);
    const over = async <T>(work: () => Promise<T>): Promise<T> => {
      this.#burn();
      const answer = await work();
      this.#burn();
      return answer;
    };
    return {
      ...peer,
      offer: (volset, offers, sender) => {
        this.offered.push(...offers.map(({ id }) => id));
        return over(() => peer.offer(volset, offers, sender));
      },
      have: (...args) => over(() => peer.have(...args)),
      upload: (...args) => {
        this.uploads++;
        return over(() => peer.upload(...args));
      },
    };
  }

  close = (): Promise<void> => this.#server.close();

  #burn(): void {
    if (this.left-- <= 0) throw new PlaitError('network', 'the line was cut');
  }
}

/** Accepted for both hubs in turns, then drained again and again until nothing waits. */
async function play(seed: number): Promise<void> {
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plait-drain-'));
  const random = new Random(seed);
  const process_ = new CrashingStore(join(dir, 'meta.db'));
  const { meta } = process_;
  try {
    meta.commit(VOLSET, [{ edit: 'create-volset', name: 'data', creator: 'test' }]);
    const store: TestStore = { blob: openMemoryBlobs(), meta };
    const accepted = await acceptSome(store, random);
    const hubs = new Map(REMOTES.map((remote) => [remote, new CutHub()]));
    let now = NOW;
    for (let run = 0; run < 60 && meta.queueCounts().some(({ waiting }) => waiting > 0); run++) {
      const remote = random.pick(REMOTES);
      const hub = hubs.get(remote) as CutHub;
      const healed = run > 25;
      hub.left = healed ? Number.POSITIVE_INFINITY : random.below(14);
      if (!healed && random.chance(0.4)) process_.fuse = random.below(12);
      now += 10_000_000;
      const sender = { self: meta.self.store, missing: [] };
      await drain(store, hub.peer(), { remote, sender, now: () => now }).catch((error: unknown) => {
        if (!(error instanceof Crash) && !(error instanceof PlaitError && error.code === 'network')) throw error;
      });
      process_.restart();
      for (const name of REMOTES) nothingIsLost(meta, name, accepted, hubs.get(name) as CutHub);
    }
    assert.deepEqual(meta.queueCounts(), [], 'Q1: something still waits, or died');
    for (const [remote, hub] of hubs) {
      await assertIdle(store, hub);
      const numbers = intervalsOf(Object.values(meta.blobNumbers(VOLSET, accepted.get(remote) ?? [])));
      const sealed = hub.store.meta.sealed({ volset: VOLSET, sender: meta.self.store, owner: 'tester' });
      assert.deepEqual(sealed, numbers, 'Q5: sealed is what was sent');
      await hub.close();
    }
    assert.deepEqual(meta.verify(), []);
  } finally {
    process_.close();
    rmSync(dir, { recursive: true });
  }
}

async function acceptSome(store: TestStore, random: Random): Promise<Map<string, SnapshotId[]>> {
  const accepted = new Map<string, SnapshotId[]>(REMOTES.map((remote) => [remote, []]));
  let parent: SnapshotId | undefined;
  for (let n = 0; n < 6; n++) {
    const tree = { ...someTree(10), last: `version ${n}`, [`own${n}`]: 'x'.repeat(random.below(5000)) };
    const { id } = await makeSnapshot(store, tree, parent === undefined ? [] : [parent], n + 1);
    parent = id;
    for (const remote of REMOTES) {
      if (random.chance(0.3)) continue;
      store.meta.enqueue(VOLSET, remote, [{ snapshot: id, priority: random.below(3) as Priority }], NOW);
      accepted.get(remote)?.push(id);
    }
  }
  return accepted;
}

/** Q3, and Q8: nothing that was not meant for it is there. */
function nothingIsLost(meta: MetaStore, remote: string, accepted: Map<string, SnapshotId[]>, hub: CutHub): void {
  const waiting = new Set(meta.queue({ remote, dead: false }).map(({ snapshot }) => snapshot));
  const lost = accepted.get(remote)?.filter((id) => !waiting.has(id) && !hub.has(id));
  assert.deepEqual(lost, [], `Q3: left the queue of ${remote} and is not there`);
  const meant = new Set(accepted.get(remote));
  assert.ok(
    hub.offered.every((id) => meant.has(id)),
    `Q8: ${remote} was offered what was not meant for it`,
  );
}

/** Q11 */
async function assertIdle(store: TestStore, hub: CutHub): Promise<void> {
  const before = [hub.offered.length, hub.uploads];
  await drain(store, hub.peer(), { remote: 'x' });
  assert.deepEqual([hub.offered.length, hub.uploads], before, 'Q11: an idle drain speaks');
}

describe('the transfer queue, drained by the product', () => {
  it('loses nothing, mixes nothing up and comes to an end', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(2 ** 31), play), seeded(12));
  }).timeout(120_000);
});
