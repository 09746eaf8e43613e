/** Tombstones of single snapshots: hidden everywhere, ids stay for ancestry, and what nobody saw keeps them. */
import assert from 'node:assert/strict';
import { PlaitError } from '../../src/core/errors.ts';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { SnapshotId, StoreId } from '../../src/core/ids.ts';
import type { Tombstone } from '../../src/core/records.ts';
import type { Edit, MetaStore } from '../../src/meta/index.ts';
import {
  addSnapshot,
  branchId,
  fetchFrom,
  generationsFor,
  grow,
  memoryStore,
  seed,
  set,
  snapshotOf,
  syncWith,
  V,
} from './helpers.ts';

const MAIN = branchId(1);
const keyOf = (id: SnapshotId): string => `snapshot:${id}`;
const forget = (id: SnapshotId): Edit => ({ edit: 'delete', object: keyOf(id) });
const shows = (store: MetaStore, id: SnapshotId): boolean => store.findSnapshot(V, id) !== undefined;

/** The branch follows, as after a pull that brings the data. */
function follow(store: MetaStore, to: SnapshotId, branch = MAIN): void {
  store.setBlobs(V, [to]);
  store.commit(V, [{ edit: 'move-ref', branch, from: store.findBranch(V, branch)?.tip ?? null, to }]);
}

describe('metadata: forgotten snapshots', () => {
  let stores: MetaStore[];
  let [a, b, c] = [] as unknown as MetaStore[];
  let first: SnapshotId;
  let tip: SnapshotId;
  beforeEach(() => {
    stores = [memoryStore(), memoryStore(), memoryStore()];
    [a, b, c] = stores;
    first = seed(a);
    for (const store of [b, c]) {
      fetchFrom(store, a);
      follow(store, first);
    }
    tip = grow(a);
  });
  afterEach(() => {
    for (const store of stores) {
      assert.deepEqual(store.verify(), []);
      store[Symbol.dispose]();
    }
  });
  /** Until nothing moves any more. */
  function settle(): void {
    for (let i = 0; i < 3; i++)
      for (const store of stores) for (const peer of stores) if (store !== peer) syncWith(store, peer);
  }

  it('is hidden from every view but ancestry, here and wherever the record comes', () => {
    a.commit(V, [set(`${keyOf(first)}:name`, 'v1')]);
    for (const id of [first, tip]) a.enqueue(V, 'origin', [{ snapshot: id, priority: 0 }], 1);
    a.commit(V, [forget(first)]);
    assert.deepEqual(syncWith(b, a).deleted, [keyOf(first)]);
    for (const store of [a, b]) {
      assert.equal(store.findSnapshot(V, first), undefined);
      assert.deepEqual(store.snapshotsByName(V, 'v1'), []);
      assert.deepEqual(store.snapshotPage(V, null, 10), [tip]);
      assert.equal(store.findVolset(V)?.snapshots, 1);
      assert.deepEqual([store.forgotten(V), store.forgotten(V, [tip, first])], [[first], [first]]);
      assert.deepEqual(store.parentsOf(V, [tip])[tip], [first]);
      assert.ok(store.lineage(V, [first])[first]);
      assert.deepEqual(store.missingBlobs(V, [first]), [first], 'nobody may be told that it is here');
      assert.ok(!store.missingBlobs(V).includes(first), 'nobody wants it');
      assert.deepEqual(store.snapshotsByPrefix(V, first.slice(0, 12), 5), [first], 'whoever names it hears why');
      assert.throws(() => store.commit(V, [set(`${keyOf(first)}:name`, 'again')]), { code: 'not-found' });
      assert.throws(() => store.commit(V, [forget(first)]), { code: 'not-found' });
    }
    assert.deepEqual(
      a.queue({}).map(({ snapshot }) => snapshot),
      [tip],
    );
  });

  it('the data goes when somebody asks for that, and its number is not given again', () => {
    a.commit(V, [forget(first)]);
    assert.equal(a.numberedBlobs(V, 1, 9, 9).length, 2, 'until then whoever reads it can go on');
    a.keepBlobs(V, 'transfer:1', [first], Number.MAX_SAFE_INTEGER);
    assert.deepEqual(a.dropBlobs(V, [first]).refused, [{ snapshot: first, reason: 'in-use' }]);
    a.unkeepBlobs('transfer:1');
    assert.deepEqual(a.dropBlobs(V, [first]), { dropped: [first], refused: [] });
    assert.deepEqual(
      a.numberedBlobs(V, 1, 9, 9).map(({ number }) => number),
      [2],
    );
    assert.equal(a.blobHead(V), 2);
  });

  it('what its own branch points at is refused; nothing is written', () => {
    const before = a.cut(V);
    assert.throws(() => a.commit(V, [forget(first), forget(tip)]), { code: 'guard' });
    assert.deepEqual([a.cut(V), shows(a, first)], [before, true]);
  });

  it('an edit that nobody who forgot it saw keeps it, and both tell one conflict', () => {
    fetchFrom(b, a);
    a.commit(V, [forget(first)]);
    b.commit(V, [set(`${keyOf(first)}:description`, 'needed')]);
    assert.deepEqual(syncWith(a, b).revived, [keyOf(first)]);
    settle();
    for (const store of stores) {
      assert.equal(store.findSnapshot(V, first)?.description, 'needed');
      const [conflict, ...more] = store.listConflicts(V);
      assert.deepEqual([conflict.kind, conflict.object, more], ['delete', keyOf(first), []]);
      assert.equal(conflict[conflict.resolution as 'current' | 'target'], first, 'one without a name shows its id');
    }
    assert.equal(a.findSnapshot(V, first)?.hasBlob, true, 'its data was not gone yet');
    const [{ id: conflict, resolution }] = a.listConflicts(V);
    const other = resolution === 'current' ? 'target' : 'current';
    follow(b, tip);
    follow(c, tip);
    a.commit(V, [{ edit: 'resolve', conflict, choice: { choice: other } }]);
    settle();
    for (const store of stores) assert.deepEqual([shows(store, first), store.listConflicts(V)], [false, []]);
  });

  it('kept by the word of a conflict it keeps the name that it has, or has not', () => {
    fetchFrom(b, a);
    a.commit(V, [forget(first)]);
    b.commit(V, [set(`${keyOf(first)}:description`, 'needed')]);
    settle();
    const [{ id: conflict, resolution }] = a.listConflicts(V);
    a.commit(V, [{ edit: 'resolve', conflict, choice: { choice: resolution as 'current' } }]);
    settle();
    for (const store of stores)
      assert.deepEqual([store.findSnapshot(V, first)?.name, store.listConflicts(V)], [null, []]);
  });

  describe('and a branch that points at it', () => {
    it('that is behind moves on: it keeps nothing', () => {
      a.commit(V, [forget(first)]);
      assert.equal(b.findBranch(V, MAIN)?.tip, first);
      const { deleted, written, conflicts } = syncWith(b, a);
      assert.deepEqual([deleted, written, conflicts], [[keyOf(first)], 0, []]);
      assert.deepEqual(b.dropBlobs(V, [first]).refused, [{ snapshot: first, reason: 'tip' }], 'until it moves on');
      follow(b, tip);
      assert.deepEqual(b.dropBlobs(V, [first]).dropped, [first]);
    });
    const sides: [string, () => [MetaStore, MetaStore]][] = [
      ['there', () => [a, b]],
      ['here', () => [b, a]],
    ];
    for (const [where, order] of sides) {
      it(`${where}, of which the other knew nothing: it stays, data and all, and both tell one conflict`, () => {
        fetchFrom(b, a);
        const release = branchId(2);
        b.commit(V, [
          { edit: 'create-branch', branch: release, name: 'release', creator: 'c' },
          { edit: 'move-ref', branch: release, from: null, to: first },
        ]);
        a.commit(V, [forget(first)]);
        const [store, peer] = order();
        syncWith(store, peer);
        settle();
        const told = stores.map((each) => each.listConflicts(V).map(({ id, kind }) => [id, kind]));
        assert.deepEqual([told[0].length, told[0][0]?.[1]], [1, 'delete']);
        assert.deepEqual([told[1], told[2]], [told[0], told[0]]);
        for (const each of stores) assert.deepEqual([shows(each, first), each.forgotten(V)], [true, []]);
        assert.equal(b.findSnapshot(V, first)?.hasBlob, true);
        assert.equal(b.findSnapshot(V, first)?.name, null);
      });
    }
    it('with a name: it keeps the name', () => {
      a.commit(V, [set(`${keyOf(first)}:name`, 'v1')]);
      fetchFrom(b, a);
      const release = branchId(2);
      b.commit(V, [
        { edit: 'create-branch', branch: release, name: 'release', creator: 'c' },
        { edit: 'move-ref', branch: release, from: null, to: first },
      ]);
      a.commit(V, [forget(first)]);
      settle();
      for (const store of stores) assert.deepEqual(store.snapshotsByName(V, 'v1'), [first]);
    });
    it('cannot be moved to it', () => {
      const [one, two] = [grow(a), grow(a)];
      a.commit(V, [forget(one)]);
      const branch = branchId(2);
      assert.throws(
        () =>
          a.commit(V, [
            { edit: 'create-branch', branch, name: 'x', creator: 'c' },
            { edit: 'move-ref', branch, from: null, to: one },
          ]),
        (error) => error instanceof PlaitError && error.code === 'not-found' && /forgotten/.test(error.message),
      );
      assert.equal(a.findBranch(V, MAIN)?.tip, two);
    });
  });

  it('a round that would make too many forgotten is refused whole; new ones that come with it do not count', () => {
    const line = Array.from({ length: 20 }, () => grow(a));
    syncWith(b, a);
    follow(b, line[19]);
    for (const id of line.slice(0, 12)) a.commit(V, [forget(id)]);
    a.cut(V);
    const round = { ...a.planDeltas(V, b.vector(V), 0), generations: generationsFor(a, b.vector(V)) };
    const { generations, refs, revision, vector } = round;
    const take = (store: MetaStore, maxDelete: number) =>
      store.apply(V, { peer: a.self.store, generations, refs, revision, vector, policy: 'target', maxDelete });
    assert.throws(
      () => take(b, 0.5),
      (error) =>
        error instanceof PlaitError &&
        error.code === 'guard' &&
        error.data?.deleted === 12 &&
        error.data?.total === 22 &&
        error.data?.what === 'snapshots',
    );
    assert.ok(shows(b, line[0]));
    assert.equal(take(b, 0.6).deleted.length, 12);
    // c has two of them, and hears of all others and of their end at once.
    const all = { ...a.planDeltas(V, c.vector(V), 0), generations: generationsFor(a, c.vector(V)) };
    assert.deepEqual(c.apply(V, { peer: a.self.store, ...all, policy: 'target', maxDelete: 0.5 } as never).deleted, []);
    assert.equal(c.findVolset(V)?.snapshots, 10);
  });

  it('a tombstone of what has not come yet holds when it comes', () => {
    const lone = snapshotOf([first]);
    const peer = `${'5'.repeat(32)}.1` as StoreId;
    const object = keyOf(lone.id);
    const record: Tombstone = { type: 'tombstone', object, sees: [], stamp: '00e8d4a510000000', author: peer };
    a.apply(V, { peer, generations: [makeGeneration(V, peer, 1, NO_GENERATION, [record])] });
    assert.deepEqual([a.verify(), a.forgotten(V), a.findVolset(V)?.snapshots], [[], [], 2]);
    a.commit(V, [addSnapshot(lone)]);
    assert.deepEqual([shows(a, lone.id), a.forgotten(V), a.missingBlobs(V)], [false, [lone.id], []]);
  });

  it('data that comes from whoever has not heard of it stays hidden', () => {
    const next = grow(a);
    fetchFrom(b, a);
    a.commit(V, [forget(tip)]);
    syncWith(b, a);
    b.setBlobs(V, [tip, next]);
    assert.deepEqual([shows(b, tip), b.verify()], [false, []]);
  });

  it('compaction changes nothing about it', () => {
    a.commit(V, [set(`${keyOf(first)}:name`, 'one')]);
    a.commit(V, [set(`${keyOf(first)}:name`, 'two')]);
    settle();
    for (const store of [b, c]) follow(store, tip);
    a.commit(V, [forget(first)]);
    settle();
    a.compact(V, { retireAfterMs: Number.MAX_SAFE_INTEGER });
    const d = memoryStore();
    stores.push(d);
    fetchFrom(d, a);
    for (const store of [a, d]) assert.deepEqual([shows(store, first), store.forgotten(V)], [false, [first]]);
  });
});
