/** What holds a blob against being dropped: each reason alone, and who may pass over it. */
import assert from 'node:assert/strict';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { MetaStore, Refusal } from '../../src/meta/contract.ts';
import { addSnapshot, branchId, grow, memoryStore, seed, snapshotOf, V } from './helpers.ts';

const HOUR = 3_600_000;
const OTHER = 'd0'.repeat(16) as VolsetId;

describe('dropping blobs', () => {
  let meta: ReturnType<typeof memoryStore>;
  let old: SnapshotId;
  let tip: SnapshotId;
  beforeEach(() => {
    meta = memoryStore();
    old = seed(meta);
    tip = grow(meta);
  });
  afterEach(() => meta[Symbol.dispose]());

  const refusalOf = (id: SnapshotId, force = false): Refusal | 'dropped' => {
    const { dropped, refused } = meta.dropBlobs(V, [id], { force });
    return dropped.length > 0 ? 'dropped' : refused[0].reason;
  };

  it('lets go of a blob that nothing holds: its record and the number stay, a look at the log tells', () => {
    assert.deepEqual(meta.dropBlobs(V, [old, old]), { dropped: [old], refused: [] });
    assert.equal(meta.findSnapshot(V, old)?.hasBlob, false);
    assert.deepEqual(meta.missingBlobs(V), [old]);
    assert.deepEqual([meta.blobHead(V), meta.blobNumbers(V, [old])], [2, {}]);
    assert.equal(refusalOf(old), 'absent');
    assert.deepEqual(meta.lackedBlobs(V), []);
    meta.setBlobs(V, [old]);
    assert.deepEqual(meta.blobNumbers(V, [old]), { [old]: 3 });
    assert.deepEqual(meta.verify(), []);
  });

  const HOLDS: [string, Refusal, boolean, () => void][] = [
    ['a transfer', 'in-use', false, () => meta.keepBlobs(V, 'transfer:1', [old], 1e12 + HOUR)],
    ['a promise', 'promised', true, () => meta.keepBlobs(V, 'promise:1', [old], 1e12 + HOUR)],
    ['the queue', 'queued', true, () => void meta.enqueue(V, 'hub', [{ snapshot: old, priority: 0 }], 1)],
  ];
  for (const [what, reason, passed, hold] of HOLDS)
    it(`is refused by ${what}${passed ? ' unless forced' : ', forced or not'}`, () => {
      meta.putRemote({ name: 'hub', url: 'http://x', enabled: true });
      hold();
      assert.equal(refusalOf(old), reason);
      assert.equal(refusalOf(old, true), passed ? 'dropped' : reason);
    });

  it('never takes the tip of an own branch', () => {
    assert.deepEqual([refusalOf(tip), refusalOf(tip, true)], ['tip', 'tip']);
  });

  it('of a deleted volset takes all but what is in use', () => {
    meta.keepBlobs(V, 'transfer:1', [old], 1e12 + HOUR);
    meta.keepBlobs(V, 'promise:1', [tip], 1e12 + HOUR);
    assert.deepEqual(meta.goneBlobs(V), []);
    meta.commit(V, [{ edit: 'delete', object: 'volset' }]);
    assert.deepEqual(meta.goneBlobs(V), [old, tip].sort());
    assert.deepEqual(meta.dropBlobs(V, [tip], { dryRun: true }).dropped, [tip]);
    assert.deepEqual([refusalOf(old), refusalOf(tip)], ['in-use', 'dropped']);
  });

  it('is not wanted back unasked; what never came is', () => {
    const bare = snapshotOf([tip]);
    meta.commit(V, [addSnapshot(bare, false)]);
    meta.dropBlobs(V, [old]);
    assert.deepEqual([meta.missingBlobs(V), meta.lackedBlobs(V)], [[old, bare.id], [bare.id]]);
    meta.setBlobs(V, [old]);
    assert.deepEqual([meta.missingBlobs(V), meta.lackedBlobs(V)], [[bare.id], [bare.id]]);
    assert.deepEqual([meta.lackedBlobs(OTHER), meta.verify()], [[], []]);
  });

  it('of an unknown volset finds nothing', () => {
    assert.deepEqual(meta.dropBlobs(OTHER, [old]), { dropped: [], refused: [{ snapshot: old, reason: 'absent' }] });
  });

  describe('what keeps them', () => {
    it('ends at its time, or by its name', () => {
      meta.keepBlobs(V, 'promise:1', [old], 1e12 + HOUR);
      meta.keepBlobs(V, 'transfer:1', [old], 1e12 + 2 * HOUR);
      meta.unkeepBlobs('transfer:1');
      assert.equal(refusalOf(old), 'promised');
      meta.clock.time += HOUR;
      assert.equal(refusalOf(old), 'dropped');
    });
    it('is replaced by the next of that name', () => {
      const more = snapshotOf([tip]);
      meta.commit(V, [addSnapshot(more)]);
      meta.keepBlobs(V, 'transfer:1', [old], 1e12 + HOUR);
      meta.keepBlobs(V, 'transfer:1', [more.id], 1e12 + HOUR);
      assert.deepEqual([refusalOf(more.id), refusalOf(old)], ['in-use', 'dropped']);
    });
    it('is added to where that is said, and ends no earlier for it', () => {
      const more = snapshotOf([tip]);
      meta.commit(V, [addSnapshot(more)]);
      meta.keepBlobs(V, 'promise:1', [old], 1e12 + 2 * HOUR, { add: true });
      meta.keepBlobs(V, 'promise:1', [old, more.id], 1e12 + HOUR, { add: true });
      assert.deepEqual([refusalOf(old), refusalOf(more.id)], ['promised', 'promised']);
      meta.clock.time += HOUR;
      assert.deepEqual([refusalOf(old), refusalOf(more.id)], ['promised', 'dropped']);
      assert.deepEqual(meta.verify(), []);
    });
    it('wants a name and a time', () => {
      assert.throws(() => meta.keepBlobs(V, '', [old], 1), { code: 'protocol' });
      assert.throws(() => meta.keepBlobs(V, 'x', [old], Number.NaN), { code: 'protocol' });
    });
  });

  it('holds the tip of a second branch as well, until it moves on', () => {
    const side = (store: MetaStore) =>
      store.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'side', creator: 'x' }]);
    side(meta);
    meta.commit(V, [{ edit: 'move-ref', branch: branchId(2), from: null, to: old }]);
    assert.equal(refusalOf(old), 'tip');
    meta.commit(V, [{ edit: 'move-ref', branch: branchId(2), from: old, to: tip }]);
    assert.equal(refusalOf(old), 'dropped');
  });
});
