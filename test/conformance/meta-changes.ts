/** The feed: revisions, what came behind one, marks, pins. The part of meta.ts that followers stand on. */
import assert from 'node:assert/strict';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { Change } from '../../src/core/peer.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { addSnapshot, branchId, fetchFrom, generationsFor, grow, seed, set, snapshotOf, V } from '../meta/helpers.ts';

const OTHER = 'd0'.repeat(16) as VolsetId;
const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };
const LONG = 'x'.repeat(200);

/** `g` with the number of a generation, `r` with that of a branch. */
const told = (change: Change): string =>
  'generation' in change
    ? `${change.revision}: g${change.generation.generation}`
    : `${change.revision}: r${Number(change.ref.branch)}`;

export function changesConformance(stores: () => { a: MetaStore; b: MetaStore }): void {
  let a: MetaStore;
  let b: MetaStore;
  beforeEach(() => {
    ({ a, b } = stores());
  });
  const tellsOf = (meta: MetaStore, after = 0): string[] => meta.changesAfter(V, after).changes.map(told);
  const revise = (meta: MetaStore, ...texts: string[]): void => {
    for (const text of texts) {
      meta.commit(V, [set('volset:description', `${text}${LONG}`)]);
      meta.cut(V);
    }
  };

  describe('changes behind a revision', () => {
    it('of a new volset are none, but a mark', () => {
      a.apply(V, { peer: b.self.store, generations: [] });
      const mark = { revision: 0, vector: {}, blobs: 0 };
      assert.deepEqual(a.changesAfter(V, 0), { changes: [], revision: 0, mark });
      assert.throws(() => a.changesAfter(OTHER, 0), { code: 'not-found' });
    });
    it('are generations and refs in the order in which they were learned, with the store at that instant', () => {
      const one = seed(a);
      const vector = a.cut(V);
      const [generation] = generationsFor(a, {});
      const ref = { branch: branchId(1), snapshot: one, revision: 2 };
      assert.deepEqual(a.changesAfter(V, 0), {
        changes: [
          { revision: 1, generation },
          { revision: 2, ref },
        ],
        revision: 2,
        mark: { revision: 2, vector, blobs: 1 },
      });
      fetchFrom(b, a);
      assert.deepEqual(tellsOf(b), ['1: g1']);
    });
    it('begin behind the revision that is asked for', () => {
      seed(a);
      for (let i = 0; i < 4; i++) {
        a.cut(V);
        grow(a);
      }
      a.cut(V);
      const { changes: all } = a.changesAfter(V, 0);
      assert.deepEqual(all.map(told), ['1: g1', '3: g2', '5: g3', '7: g4', '9: g5', '10: r1']);
      for (let after = 0; after <= 10; after++) {
        const { changes, mark } = a.changesAfter(V, after);
        const tail = all.filter(({ revision }) => revision > after);
        assert.deepEqual([changes, mark?.revision], [tail, 10]);
      }
    });
    it('do not show what is not cut; a ref comes behind the records that it needs, in the order of the moves', () => {
      const one = seed(a);
      a.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'b', creator: 'c' }]);
      assert.deepEqual([tellsOf(a), a.revision(V), a.heads()[0].head.revision], [[], 0, 0]);
      a.cut(V);
      assert.deepEqual(tellsOf(a), ['1: g1', '2: r1']);
      a.commit(V, [{ edit: 'move-ref', branch: branchId(2), from: null, to: one }]);
      assert.deepEqual(tellsOf(a, 2), ['3: r2'], 'it needs nothing that is not told');
      const two = snapshotOf([one]);
      a.commit(V, [
        addSnapshot(two),
        { edit: 'move-ref', branch: branchId(2), from: one, to: two.id },
        { edit: 'move-ref', branch: branchId(1), from: one, to: two.id },
      ]);
      assert.deepEqual([tellsOf(a, 3), a.revision(V)], [[], 3]);
      assert.deepEqual(
        a.refs(V, 'self').map(({ revision }) => revision),
        [3, 3],
      );
      a.cut(V);
      assert.deepEqual(tellsOf(a, 3), ['4: g2', '5: r2', '6: r1']);
    });
    it('of others are told while a generation of our own is open', () => {
      seed(a);
      fetchFrom(b, a);
      grow(a);
      b.commit(V, [set('volset:owner', 'b')]);
      b.cut(V);
      a.apply(V, { peer: b.self.store, generations: generationsFor(b, a.vector(V)) });
      assert.deepEqual(tellsOf(a), ['1: g1', '3: g1']);
      assert.equal(a.changesAfter(V, 0).mark?.revision, 3);
      a.cut(V);
      assert.deepEqual(tellsOf(a), ['1: g1', '3: g1', '4: g2', '5: r1']);
    });
    it('of a deletion are told: the tombstone, then the ref that went', () => {
      seed(a);
      a.cut(V);
      a.commit(V, [{ edit: 'delete', object: `branch:${branchId(1)}` }]);
      a.cut(V);
      const { changes } = a.changesAfter(V, 2);
      assert.deepEqual(changes.map(told), ['3: g2', '4: r1']);
      assert.equal((changes[1] as { ref: { snapshot: SnapshotId | null } }).ref.snapshot, null);
      a.commit(V, [{ edit: 'delete', object: 'volset' }]);
      a.cut(V);
      assert.deepEqual(tellsOf(a, 4), ['5: g3']);
    });
    it('moves of a client are told at once, at the revision that was answered', () => {
      const one = seed(a);
      const two = snapshotOf([one]);
      a.commit(V, [addSnapshot(two)]);
      const { revision } = a.moveRefs(V, [{ branch: branchId(1), from: one, to: two.id }]);
      assert.deepEqual([tellsOf(a), revision], [['1: g1', '3: r1'], 3]);
    });
    it('come in pages, of which the last has the mark', () => {
      const tip = seed(a);
      a.cut(V);
      for (let i = 0; i < 3; i++) {
        let parent = tip;
        const edits = Array.from({ length: 400 }, () => {
          const next = snapshotOf([parent]);
          parent = next.id;
          return addSnapshot(next);
        });
        a.commit(V, edits);
        a.cut(V);
      }
      grow(a);
      a.cut(V);
      const first = a.changesAfter(V, 0);
      const second = a.changesAfter(V, first.revision);
      assert.deepEqual([first.changes.map(told), first.mark], [['1: g1', '3: g2', '4: g3'], undefined]);
      assert.deepEqual(second.changes.map(told), ['5: g4', '6: g5', '7: r1']);
      assert.deepEqual(second.mark, { revision: 7, vector: a.vector(V), blobs: a.blobHead(V) });
    });
    it('a generation larger than a page comes alone', () => {
      seed(a);
      a.cut(V);
      for (const key of ['a', 'b']) {
        for (let i = 0; i < 18; i++) a.commit(V, [set(`volset:attr:${key}${i}`, key.repeat(60_000))]);
        a.cut(V);
      }
      const sizes: number[] = [];
      for (let [after, isLast] = [0, false]; !isLast; ) {
        const { changes, revision, mark } = a.changesAfter(V, after);
        sizes.push(changes.length);
        after = revision;
        isLast = mark !== undefined;
      }
      assert.ok(sizes.length > 1 && sizes.every((size) => size > 0));
    });
    it('a revision that we did not reach is refused, and what is no number', () => {
      seed(a);
      a.cut(V);
      assert.throws(() => a.changesAfter(V, 3), { code: 'ahead', data: { after: 3, revision: 2 } });
      for (const bad of [-1, 1.5, Number.NaN, '0' as never]) {
        assert.throws(() => a.changesAfter(V, bad), { code: 'protocol' });
      }
    });
    it('blobs that grow change the mark and no revision', () => {
      const tip = seed(a);
      fetchFrom(b, a);
      const before = b.changesAfter(V, 1);
      b.setBlobs(V, [tip]);
      assert.deepEqual(b.changesAfter(V, 1), { ...before, mark: { ...before.mark, blobs: 1 } });
    });
  });

  describe('compaction and the feed', () => {
    it('what was thinned out is not told to who stands before it; who stands behind goes on', () => {
      seed(a);
      a.cut(V);
      assert.equal(a.changesAfter(V, 0).changes.length, 2);
      revise(a, 'one', 'two');
      grow(a);
      a.cut(V);
      revise(a, 'three');
      const all = a.changesAfter(V, 0).changes;
      assert.equal(a.compact(V, NEVER).dropped, 2);
      for (const after of [0, 1, 2, 3])
        assert.throws(() => a.changesAfter(V, after), { code: 'compacted', data: { after, floor: 4 } });
      assert.deepEqual(
        a.changesAfter(V, 4).changes,
        all.filter(({ revision }) => revision > 4),
      );
      a.compact(V, NEVER);
      assert.equal(a.changesAfter(V, 4).changes.length, 3, 'nothing more was thinned out');
    });
    it('compaction that finds nothing to drop costs nobody a state', () => {
      seed(a);
      a.cut(V);
      grow(a);
      a.cut(V);
      assert.equal(a.compact(V, NEVER).dropped, 0);
      assert.equal(tellsOf(a).length, 3);
    });
    it('a state takes the place of what is gone', () => {
      seed(a);
      a.cut(V);
      revise(a, 'one', 'two', 'three');
      a.compact(V, NEVER);
      fetchFrom(b, a);
      const { revision } = a.planDeltas(V, b.vector(V), 0);
      revise(a, 'four');
      const { changes, mark } = a.changesAfter(V, revision);
      const generations = changes.flatMap((change) => ('generation' in change ? [change.generation] : []));
      b.apply(V, { peer: a.self.store, generations, refs: [], revision: mark?.revision, vector: mark?.vector });
      assert.deepEqual([b.vector(V), b.findVolset(V)], [a.vector(V), a.findVolset(V)]);
    });
  });

  describe('pins', () => {
    const LATER = 8e15;
    const drops = (): number => a.compact(V, NEVER).dropped;
    beforeEach(() => {
      seed(a);
      a.cut(V);
      revise(a, 'one', 'two');
    });
    it('keep what stands in the log until they are taken away', () => {
      a.pin(V, 'reader', LATER);
      revise(a, 'three', 'four');
      assert.deepEqual([drops(), drops()], [1, 0], 'of those before, one follows the other');
      a.unpin('reader');
      a.unpin('reader');
      assert.equal(drops(), 2);
    });
    it('the first of several counts, and a name keeps its place', () => {
      a.pin(V, 'first', LATER);
      revise(a, 'three');
      a.pin(V, 'second', LATER);
      a.pin(V, 'first', LATER + 1);
      revise(a, 'four');
      assert.equal(drops(), 1);
      a.unpin('first');
      assert.equal(drops(), 1);
      a.unpin('second');
      assert.equal(drops(), 1);
    });
    it('that ran out hold nothing', () => {
      a.pin(V, 'reader', 1);
      revise(a, 'three');
      assert.equal(drops(), 2);
    });
    it('hold one volset only', () => {
      a.apply(OTHER, { peer: b.self.store, generations: [] });
      a.pin(OTHER, 'reader', LATER);
      assert.equal(drops(), 1);
    });
    it('a name moves with its volset', () => {
      a.apply(OTHER, { peer: b.self.store, generations: [] });
      a.pin(V, 'reader', LATER);
      a.pin(OTHER, 'reader', LATER);
      revise(a, 'three');
      assert.equal(drops(), 2);
    });
    it('are refused without a name, an end or a volset', () => {
      assert.throws(() => a.pin(V, '', LATER), { code: 'protocol' });
      assert.throws(() => a.pin(V, 'x', Number.NaN), { code: 'protocol' });
      assert.throws(() => a.pin(OTHER, 'x', LATER), { code: 'not-found' });
    });
  });

  describe('heads and views', () => {
    it('heads name every volset, the deleted ones too', () => {
      assert.deepEqual(a.heads(), []);
      seed(a);
      a.cut(V);
      a.commit(OTHER, [{ edit: 'create-volset', name: 'other', creator: 'c' }]);
      a.cut(OTHER);
      a.commit(V, [{ edit: 'delete', object: 'volset' }]);
      a.cut(V);
      assert.deepEqual(a.heads(), [
        { volset: V, head: { revision: 4, blobs: 1 }, open: false },
        { volset: OTHER, head: { revision: 1, blobs: 0 }, open: false },
      ]);
      for (const { volset, head } of a.heads())
        assert.deepEqual(head, { revision: a.revision(volset), blobs: a.blobHead(volset) });
    });
    it('say where something is open, which views show before it is told', () => {
      seed(a);
      a.cut(V);
      const [{ head }] = a.heads();
      a.commit(V, [{ edit: 'set', register: 'volset:name', value: 'renamed' }]);
      assert.deepEqual(a.heads(), [{ volset: V, head, open: true }]);
      const { revision, view } = a.viewOf(V);
      assert.deepEqual([revision, view?.name], [head.revision, 'renamed']);
      a.cut(V);
      assert.deepEqual(a.heads(), [{ volset: V, head: { ...head, revision: head.revision + 1 }, open: false }]);
    });
    it('a view is what people see, with its revision', () => {
      assert.deepEqual(a.viewOf(V), { revision: 0, view: null, branches: [] });
      seed(a);
      a.cut(V);
      assert.deepEqual(a.viewOf(V), { revision: 2, view: a.findVolset(V), branches: a.listBranches(V) });
      a.commit(V, [{ edit: 'delete', object: 'volset' }]);
      a.cut(V);
      assert.deepEqual(a.viewOf(V), { revision: 4, view: null, branches: [] });
    });
  });
}
