import assert from 'node:assert/strict';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { Edit, MetaStore } from '../../src/meta/index.ts';
import { branchId, fetchFrom, generationsFor, grow, memoryStore, seed, set, syncWith, V } from './helpers.ts';

const MAIN = branchId(1);
const main = `branch:${MAIN}`;
const remove = (object: string): Edit => ({ edit: 'delete', object });
const names = (store: MetaStore): string[] => store.listBranches(V).map(({ name }) => name);

describe('metadata: deletion', () => {
  let stores: ReturnType<typeof memoryStore>[];
  let [a, b, c] = [] as unknown as typeof stores;
  let tip: SnapshotId;
  beforeEach(() => {
    stores = [memoryStore(), memoryStore(), memoryStore()];
    [a, b, c] = stores;
    tip = seed(a);
    for (const store of [b, c]) fetchFrom(store, a);
  });
  afterEach(() => {
    for (const store of stores) {
      assert.deepEqual(store.verify(), []);
      store[Symbol.dispose]();
    }
  });

  /** As a pull does that brings the data. */
  function checkOut(store: MetaStore, to = tip): void {
    store.setBlobs(V, [to]);
    store.commit(V, [{ edit: 'move-ref', branch: MAIN, from: store.findBranch(V, MAIN)?.tip ?? null, to }]);
  }
  /** Until nothing moves any more. */
  function settle(): void {
    for (let i = 0; i < 3; i++)
      for (const store of stores) for (const peer of stores) if (store !== peer) syncWith(store, peer);
  }

  it('a conflict over a field of what was deleted is not open any more, and comes back with it', () => {
    a.commit(V, [set(`${main}:name`, 'ours')]);
    b.commit(V, [set(`${main}:name`, 'theirs')]);
    settle();
    const open = (store: MetaStore) => store.listConflicts(V).map(({ kind }) => kind);
    assert.deepEqual(stores.map(open), [['branch'], ['branch'], ['branch']]);
    const [{ id }] = a.listConflicts(V);
    a.commit(V, [remove(main)]);
    fetchFrom(b, a);
    assert.deepEqual([open(a), open(b)], [[], []]);
    assert.deepEqual(
      b.listConflicts(V, { all: true }).map((row) => [row.id, row.resolved]),
      [[id, false]],
      'nobody has settled it',
    );
    c.commit(V, [set(`${main}:name`, 'kept')]);
    settle();
    for (const store of stores) {
      const field = store.listConflicts(V).find((row) => row.kind === 'branch');
      assert.deepEqual([field?.id, field?.resolution], [id, 'value']);
    }
  });

  describe('here, and an edit there', () => {
    const sides: [string, () => [MetaStore, MetaStore]][] = [
      ['the deleter pulls', () => [a, b]],
      ['the editor pulls', () => [b, a]],
    ];
    for (const [what, order] of sides) {
      it(`${what}: the branch stays everywhere, and both tell one conflict`, () => {
        a.commit(V, [remove(main)]);
        b.commit(V, [set(`${main}:description`, 'needed'), set(`${main}:name`, 'kept')]);
        b.commit(V, [set(`${main}:description`, 'needed again')]);
        const [store, peer] = order();
        const applied = syncWith(store, peer);
        assert.deepEqual([applied.revived, applied.deleted, applied.written], [store === a ? [main] : [], [], 0]);
        settle();
        const told = stores.map((each) => each.listConflicts(V).map(({ id, kind }) => [id, kind]));
        assert.deepEqual([told[0].length, told[0][0][1]], [1, 'delete']);
        assert.deepEqual([told[1], told[2]], [told[0], told[0]]);
        assert.deepEqual(stores.map(names), [['kept'], ['kept'], ['kept']]);
        const [[atA], [atB]] = [a.listConflicts(V), b.listConflicts(V)];
        assert.deepEqual([atA.initial, atA.current, atA.target, atA.resolution], ['main', null, 'kept', 'target']);
        assert.deepEqual([atB.initial, atB.current, atB.target, atB.resolution], ['main', 'kept', null, 'current']);
      });
    }
    it('a newcomer names the conflict alike, though the branch was edited again since', () => {
      a.commit(V, [remove(main)]);
      b.commit(V, [set(`${main}:name`, 'kept')]);
      const [{ id }] = syncWith(b, a).conflicts;
      b.commit(V, [set(`${main}:name`, 'later')]);
      const d = memoryStore();
      stores.push(d);
      assert.deepEqual(
        fetchFrom(d, b, { policy: 'target' }).conflicts.map((conflict) => conflict.id),
        [id],
      );
    });
    const choices: [string, Edit & { edit: 'resolve' }, string[]][] = (
      [
        ['deleted after all', { choice: 'current' }, []],
        ['kept', { choice: 'target' }, ['kept']],
        ['kept under a third name', { choice: 'value', value: 'third' }, ['third']],
      ] as const
    ).map(([what, choice, left]) => [what, { edit: 'resolve', conflict: '' as never, choice }, [...left]]);
    for (const [what, edit, left] of choices) {
      it(`settled: ${what}`, () => {
        a.commit(V, [remove(main)]);
        b.commit(V, [set(`${main}:name`, 'kept')]);
        const [{ id: conflict }] = syncWith(a, b).conflicts;
        a.commit(V, [{ ...edit, conflict }]);
        settle();
        for (const store of stores) assert.deepEqual([names(store), store.listConflicts(V)], [left, []]);
      });
    }
  });

  it('on both sides is no conflict', () => {
    for (const store of [a, b]) store.commit(V, [remove(main)]);
    const applied = syncWith(a, b);
    assert.deepEqual([applied.conflicts, applied.deleted, names(a), names(b)], [[], [], [], []]);
  });

  it('of a branch lets go of the ref wherever its tip was seen, an older one as well', () => {
    checkOut(b);
    const next = grow(a);
    fetchFrom(c, a);
    checkOut(c, next);
    a.commit(V, [remove(main)]);
    for (const store of [b, c]) {
      assert.deepEqual(fetchFrom(store, a, { policy: 'target' }).deleted, [main]);
      assert.deepEqual(
        store.refs(V, 'self').map(({ snapshot }) => snapshot),
        [null],
      );
    }
  });

  describe('here, and a new tip there', () => {
    beforeEach(() => {
      checkOut(b);
      grow(b);
      a.commit(V, [remove(main)]);
    });
    for (const [what, puller] of [
      ['the deleter notices', 0],
      ['the other one notices', 1],
    ] as const) {
      it(`${what}: one write revives the branch everywhere, no snapshot is lost`, () => {
        const mine = b.findBranch(V, MAIN)?.tip;
        const applied = fetchFrom(stores[puller], stores[1 - puller], { policy: 'target' });
        assert.deepEqual([applied.written, applied.revived], [1, puller === 0 ? [main] : []]);
        assert.deepEqual(
          applied.conflicts.map(({ kind, object }) => [kind, object]),
          [['delete', main]],
        );
        settle();
        for (const store of stores) assert.deepEqual(names(store), ['main']);
        assert.equal(b.findBranch(V, MAIN)?.tip, mine);
        assert.deepEqual(
          stores.map((store) => store.listConflicts(V).map(({ id }) => id)),
          stores.map(() => [applied.conflicts[0].id]),
        );
      });
    }
    it('a hub that is pushed the deletion keeps its branch as well', () => {
      a.cut(V);
      const { written } = b.apply(V, { peer: a.self.store, generations: generationsFor(a, b.vector(V)) });
      assert.deepEqual([written, names(b)], [1, ['main']]);
      assert.deepEqual([fetchFrom(a, b).written, names(a)], [0, ['main']]);
    });
    it('who has seen that tip by now deletes it for good, without a tip of its own', () => {
      settle();
      assert.equal(a.findBranch(V, MAIN)?.tip, null);
      a.commit(V, [remove(main)]);
      settle();
      assert.deepEqual(stores.map(names), [[], [], []]);
    });
  });

  it('replayed records of a deleted branch bring nothing back', () => {
    const old = generationsFor(a, {});
    a.commit(V, [remove(main)]);
    fetchFrom(b, a);
    const { revived, deleted } = b.apply(V, { peer: a.self.store, generations: old });
    assert.deepEqual([revived, deleted, names(b)], [[], [], []]);
  });

  describe('of a volset', () => {
    it('takes all its branches along', () => {
      a.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'side', creator: 'c' }, remove('volset')]);
      assert.deepEqual([a.findVolset(V), a.refs(V, 'self')[0].snapshot], [undefined, null]);
      assert.deepEqual(fetchFrom(b, a).deleted, [main, 'volset']);
      assert.deepEqual([b.listVolsets(), b.knowsVolset(V)], [[], true]);
      for (const edit of [
        set('volset:name', 'x'),
        { edit: 'create-branch', branch: branchId(3), name: 'x', creator: 'c' } as const,
      ])
        assert.throws(() => b.commit(V, [edit]), { code: 'not-found' });
    });
    it('that did not see a branch: that one stays, and the volset with it', () => {
      b.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'unseen', creator: 'c' }]);
      a.commit(V, [remove('volset')]);
      const { revived, conflicts } = syncWith(a, b);
      assert.deepEqual([revived, conflicts.map(({ object }) => object)], [['volset'], ['volset']]);
      settle();
      for (const store of stores) {
        assert.deepEqual([names(store), store.findVolset(V)?.name], [['unseen'], 'data']);
        assert.deepEqual(
          store.listConflicts(V).map(({ id }) => id),
          [conflicts[0].id],
        );
      }
    });
    it('goes with the last branch that kept it', () => {
      b.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'unseen', creator: 'c' }]);
      a.commit(V, [remove('volset')]);
      syncWith(a, b);
      b.commit(V, [remove(`branch:${branchId(2)}`)]);
      assert.equal(b.findVolset(V), undefined);
      settle();
      for (const store of stores) assert.deepEqual(store.listVolsets(), []);
    });
    it('and an edit of it there: it is back, its branches are not', () => {
      a.commit(V, [remove('volset')]);
      b.commit(V, [set('volset:description', 'd')]);
      syncWith(a, b);
      for (const store of [a, b]) assert.deepEqual([names(store), store.findVolset(V)?.description], [[], 'd']);
    });
    it('is settled for good once everything was seen', () => {
      b.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'unseen', creator: 'c' }]);
      a.commit(V, [remove('volset')]);
      const [{ id: conflict }] = syncWith(a, b).conflicts;
      a.commit(V, [{ edit: 'resolve', conflict, choice: { choice: 'current' } }]);
      settle();
      for (const store of stores) assert.deepEqual(store.listVolsets(), []);
    });
  });
});
