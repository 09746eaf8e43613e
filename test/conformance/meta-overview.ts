/** What pages show: history, summaries, sizes, conflicts. The part of meta.ts that the views of a hub stand on. */
import assert from 'node:assert/strict';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import type { SnapshotBody } from '../../src/core/records.ts';
import { snapshotKey } from '../../src/core/register.ts';
import type { HistoryWish, MetaStore } from '../../src/meta/contract.ts';
import { addSnapshot, branchId, fetchFrom, grow, roundFrom, seed, set, snapshotOf, V } from '../meta/helpers.ts';

const NONE = 'd0'.repeat(16) as VolsetId;
const FRONTIER = 4096;
/** Later than what helpers make. */
const T = 1e9;

export function overviewConformance(stores: () => { a: MetaStore; b: MetaStore }): void {
  let a: MetaStore;
  let b: MetaStore;
  beforeEach(() => {
    ({ a, b } = stores());
  });

  /** A snapshot that a branch stands at, made with it. */
  const tipped = (n: number, parents: SnapshotId[], more: Partial<SnapshotBody> = {}): SnapshotId => {
    const made = snapshotOf(parents, more);
    const branch = branchId(n);
    const from = a.findBranch(V, branch)?.tip ?? null;
    a.commit(V, [
      ...(a.findBranch(V, branch) ? [] : [{ edit: 'create-branch' as const, branch, name: `b${n}`, creator: 't' }]),
      addSnapshot(made),
      { edit: 'move-ref', branch, from, to: made.id },
    ]);
    return made.id;
  };
  const page = (wish: Partial<HistoryWish> = {}) =>
    a.historyPage(V, { from: null, limit: 100, frontier: FRONTIER, ...wish });
  const ids = (wish: Partial<HistoryWish> = {}): SnapshotId[] => page(wish).rows.map(({ id }) => id);
  /** All pages, one after the other. */
  const paged = (limit: number): SnapshotId[] => {
    const seen: SnapshotId[] = [];
    for (let from: SnapshotId[] | null = null; ; ) {
      const { rows, next } = page({ from, limit });
      seen.push(...rows.map(({ id }) => id));
      if (next.length === 0) return seen;
      from = next;
    }
  };

  describe('pages of history', () => {
    it('tell of each snapshot who made it, what it is called, what it holds and who stands there', () => {
      const one = seed(a);
      const two = tipped(1, [one], { created: T + 5_000, creator: 'ada', files: 3, bytes: 70 });
      a.commit(V, [set(`${snapshotKey(two)}:name`, 'good'), set(`${snapshotKey(two)}:description`, 'a run')]);
      const { rows, next, revision } = page();
      assert.deepEqual([next, revision], [[], a.revision(V)]);
      const parts = { created: T + 5_000, creator: 'ada', name: 'good', description: 'a run', bytes: 70, files: 3 };
      const tips = [{ branch: 'main', store: null }];
      assert.deepEqual(rows[0], { id: two, parents: [one], ...parts, hasBlob: true, tips });
      assert.deepEqual([rows[1].id, rows[1].parents, rows[1].tips], [one, [], []]);
      assert.deepEqual(a.snapshotFacts(V, two), {
        ...rows[0],
        root: a.findSnapshot(V, two)?.body.root,
        owner: null,
        attrs: {},
      });
    });
    it('show merges, criss-cross and roots of their own once each, newest first', () => {
      const root = seed(a);
      const left = tipped(1, [root], { created: T + 1_000 });
      const right = tipped(2, [root], { created: T + 1_001 });
      const cross = tipped(1, [left, right].sort() as SnapshotId[], { created: T + 1_002 });
      const other = tipped(2, [right, left].sort() as SnapshotId[], { created: T + 1_003, files: 9 });
      const merged = tipped(1, [cross, other].sort() as SnapshotId[], { created: T + 1_005 });
      const alone = tipped(3, [], { created: T + 1_004 });
      const all = [merged, alone, other, cross, right, left, root];
      for (const limit of [1, 2, 3, 100]) assert.deepEqual(paged(limit), all, `${limit} a page`);
    });
    it('show what follows first, also where clocks had the same time', () => {
      const root = seed(a);
      const line = [root];
      for (let i = 0; i < 20; i++) line.unshift(tipped(1, [line[0]], { created: T + 7_000 }));
      for (const limit of [1, 7]) assert.deepEqual(paged(limit), line);
    });
    it('show all, and end, where a clock was wrong', () => {
      const root = seed(a);
      const future = tipped(1, [root], { created: 9e15 / 2 });
      const past = tipped(1, [future], { created: 3 });
      const now = tipped(2, [future], { created: T + 8_000 });
      const last = tipped(1, [past], { created: T + 8_001 });
      for (const limit of [1, 2, 100]) {
        const seen = paged(limit);
        assert.deepEqual([...new Set(seen)].sort(), [root, future, past, now, last].sort(), `${limit} a page`);
        assert.equal(seen.length - new Set(seen).size > 0, limit < 5 && limit > 0, `${limit} a page: ${seen.length}`);
      }
    });
    it('begin where they are told to, and leave out what is not here', () => {
      const root = seed(a);
      const two = tipped(1, [root], { created: T + 1_000 });
      tipped(2, [root], { created: T + 2_000 });
      assert.deepEqual(ids({ from: [two] }), [two, root]);
      assert.deepEqual(ids({ from: ['ab'.repeat(32) as SnapshotId, two, two] }), [two, root]);
      assert.deepEqual(page({ from: [] }).rows, []);
    });
    it('of one that was forgotten tell its place alone; its facts are told no more', () => {
      const root = seed(a);
      const secret = tipped(1, [root], { created: T + 1_000, creator: 'eve' });
      const after = tipped(1, [secret], { created: T + 1_001 });
      a.commit(V, [set(`${snapshotKey(secret)}:description`, 'secret')]);
      a.commit(V, [{ edit: 'delete', object: snapshotKey(secret) }]);
      const { rows } = page();
      assert.deepEqual(
        rows.map(({ id }) => id),
        [after, secret, root],
      );
      const nothing = { created: 0, creator: '', name: null, description: null, bytes: 0, files: 0, hasBlob: false };
      assert.deepEqual(rows[1], { id: secret, parents: [root], ...nothing, forgotten: true, tips: [] });
      assert.throws(() => a.snapshotFacts(V, secret), { code: 'not-found' });
    });
    it('tell data that is not here, and data that is damaged', () => {
      const root = seed(a);
      const lacking = snapshotOf([root], { created: T + 1_000 });
      a.commit(V, [addSnapshot(lacking, false)]);
      a.setDamaged(V, [root], true);
      const [one, two] = page({ from: [lacking.id] }).rows;
      assert.deepEqual([one.hasBlob, one.damaged, two.damaged], [false, undefined, true]);
    });
    it('go on from so many at most: our own tips, then the newest', () => {
      const root = seed(a);
      const old = tipped(2, [root], { created: T + 900 });
      const tips = [3, 4, 5].map((n) => tipped(n, [root], { created: T + 1_000 + n }));
      a.moveRefs(V, []);
      const top = snapshotOf([old, ...tips].sort() as SnapshotId[], { created: T + 5_000 });
      a.commit(V, [addSnapshot(top)]);
      a.commit(
        V,
        [3, 4, 5].map((n) => ({ edit: 'move-ref' as const, branch: branchId(n), from: tips[n - 3], to: top.id })),
      );
      assert.deepEqual(page({ from: [top.id], limit: 1, frontier: 2 }).next, [old, tips[2]]);
      assert.deepEqual(page({ limit: 1, frontier: 2 }).rows[0].id, top.id);
    });
    it('begin at tips of members too, which are told by their label', () => {
      seed(a);
      fetchFrom(b, a);
      const theirs = grow(b);
      b.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'theirs', creator: 'b' }]);
      b.commit(V, [{ edit: 'move-ref', branch: branchId(2), from: null, to: theirs }]);
      b.cut(V);
      a.apply(V, { ...roundFrom(b, a.cut(V)), label: 'laptop' });
      const [first, second] = page().rows;
      assert.deepEqual([first.id, first.hasBlob], [theirs, false]);
      assert.deepEqual(first.tips, [
        { branch: 'main', store: 'laptop' },
        { branch: 'theirs', store: 'laptop' },
      ]);
      assert.deepEqual(second.tips, [{ branch: 'main', store: null }]);
      const [member] = a.volsetState(V, 1).memberList;
      assert.deepEqual([member.label, member.tips], ['laptop', [{ branch: 'main', tip: theirs }]]);
      a.commit(V, [{ edit: 'delete', object: `branch:${branchId(2)}` }]);
      assert.deepEqual(page().rows[0].tips, [{ branch: 'main', store: 'laptop' }], 'deleted here');
    });
  });

  describe('tips of remotes', () => {
    it('begin histories too, under the name of the remote, whether it is a member or not', () => {
      seed(a);
      fetchFrom(b, a);
      const theirs = grow(b);
      b.cut(V);
      a.apply(V, { ...roundFrom(b, a.cut(V)), label: undefined });
      a.putRemote({ name: 'origin', url: 'http://127.0.0.1:1', identity: b.self.store, enabled: true });
      const [first, second] = page().rows;
      assert.deepEqual([first.id, first.tips], [theirs, [{ branch: 'main', store: 'origin' }]]);
      assert.deepEqual(second.tips, [{ branch: 'main', store: null }]);
      const remote = { name: 'origin', store: b.self.store, tips: [{ branch: 'main', tip: theirs }] };
      assert.deepEqual(a.volsetState(V, 1).remoteList, [remote]);
      a.putRemote({ name: 'origin', url: 'http://127.0.0.1:1', enabled: true });
      assert.deepEqual(a.volsetState(V, 1).remoteList, [], 'nobody answered there yet');
    });
  });

  it('pages of history tell the beginning of what may be long', () => {
    const id = seed(a);
    a.commit(V, [set(`${snapshotKey(id)}:description`, `\u{1f4be}${'long '.repeat(1000)}`)]);
    assert.equal(page({ chars: 3 }).rows[0].description, '\u{1f4be}lo');
    assert.equal(a.snapshotFacts(V, id).description?.length, 5002);
  });

  describe('summaries', () => {
    it('tell what a volset holds at its revision, and the newest of its tips', () => {
      const root = seed(a);
      tipped(2, [root], { created: T + 2_000, creator: 'bob', bytes: 8, files: 2 });
      const old = tipped(1, [root], { created: T + 1_000 });
      a.cut(V);
      const { view, newest, ...rest } = a.volsetSummary(V);
      assert.deepEqual(rest, { revision: a.revision(V), members: 0, conflicts: 0, damaged: 0 });
      assert.deepEqual(view, a.findVolset(V));
      assert.deepEqual([newest?.created, newest?.creator, newest?.bytes, newest?.files], [T + 2_000, 'bob', 8, 2]);
      a.setDamaged(V, [old], true);
      const state = a.volsetState(V, 10);
      assert.deepEqual([state.damaged, state.branchList, state.memberList], [1, a.listBranches(V), []]);
    });
    it('have nothing of branches that were deleted', () => {
      const root = seed(a);
      const main = tipped(1, [root], { created: T + 1_000 });
      tipped(2, [root], { created: T + 2_000 });
      fetchFrom(b, a);
      b.commit(V, [{ edit: 'delete', object: `branch:${branchId(2)}` }]);
      fetchFrom(a, b);
      assert.equal(a.findBranch(V, branchId(2)), undefined);
      assert.equal(a.volsetSummary(V).newest?.id, main);
    });
    it('count members that are active', () => {
      seed(a);
      fetchFrom(b, a);
      b.commit(V, [set('volset:description', 'theirs')]);
      fetchFrom(a, b);
      assert.equal(a.volsetSummary(V).members, 1);
      a.retireMember(V, b.self.store);
      assert.deepEqual([a.volsetSummary(V).members, a.volsetState(V, 10).memberList.length], [0, 1]);
    });
    it('of conflicts count those that are open, and name their objects', () => {
      const root = seed(a);
      const object = snapshotKey(root);
      a.commit(V, [set(`${object}:name`, 'first')]);
      const of = (n: number) => ({
        id: n.toString(16).padStart(64, '0') as never,
        ...{ kind: 'path' as const, object, field: `f${n}`, initial: null, current: root, target: root },
        ...{ resolution: 'current' as const, resolved: false, writes: [root, root] },
      });
      a.recordConflicts(V, [of(1), of(2), of(3)]);
      const { conflicts, more } = a.conflictPage(V, 2);
      assert.deepEqual([conflicts.map(({ objectName }) => objectName), more], [['first', 'first'], 1]);
      assert.equal(a.volsetSummary(V).conflicts, 3);
    });
    it('list no more conflicts than an answer has room for their values', () => {
      const root = seed(a);
      const long = 'x'.repeat(60_000);
      const of = (n: number) => ({
        id: n.toString(16).padStart(64, '0') as never,
        ...{ kind: 'path' as const, object: snapshotKey(root), field: `f${n}`, initial: long, current: long },
        ...{ target: long, resolution: 'current' as const, resolved: false, writes: [root, root] },
      });
      a.recordConflicts(
        V,
        Array.from({ length: 30 }, (_, n) => of(n)),
      );
      const { conflicts, more } = a.conflictPage(V, 100);
      assert.deepEqual([conflicts.length, more], [23, 7]);
    });
    it('of a volset that is unknown, of which only data came, or that was deleted are none', () => {
      b.setBlobs(NONE, ['ab'.repeat(32) as SnapshotId]);
      seed(a);
      a.commit(V, [{ edit: 'delete', object: 'volset' }]);
      for (const [store, volset] of [
        [a, V],
        [a, NONE],
        [b, NONE],
      ] as const) {
        const wish = { from: null, limit: 1, frontier: 1 };
        const asks = [
          () => store.historyPage(volset, wish),
          () => store.snapshotFacts(volset, 'ab'.repeat(32) as SnapshotId),
          () => store.volsetSummary(volset),
          () => store.volsetState(volset, 1),
          () => store.blobSizes(volset, 0, [], 1),
          () => store.conflictPage(volset, 1),
        ];
        for (const ask of asks) assert.throws(ask, { code: 'not-found' });
      }
    });
  });

  describe('sizes of snapshots', () => {
    it('come page by page in the order in which the data came; what has no record yet waits', () => {
      const root = seed(a);
      const made = [1, 2, 3].map((n) => snapshotOf([root], { created: n, bytes: n * 10 }));
      a.commit(V, [addSnapshot(made[0]), addSnapshot(made[1], false)]);
      a.setBlobs(V, [made[2].id]);
      const first = a.blobSizes(V, 1, [], 1);
      assert.deepEqual([first.sizes, first.waiting, first.next], [[{ created: 1, bytes: 10 }], [], 2]);
      const second = a.blobSizes(V, first.next, [], 10);
      assert.deepEqual([second.sizes, second.waiting, second.count], [[], [made[2].id], 2]);
      a.commit(V, [addSnapshot(made[2], false)]);
      a.setBlobs(V, [made[1].id]);
      const third = a.blobSizes(V, second.next, second.waiting, 10);
      assert.deepEqual(third.sizes, [
        { created: 3, bytes: 30 },
        { created: 2, bytes: 20 },
      ]);
      assert.deepEqual([third.waiting, third.count, third.mark], [[], 4, first.mark]);
      assert.deepEqual(a.blobSizes(V, third.next, [], 10).next, third.next);
    });
    const takenAway: [string, (id: SnapshotId) => void][] = [
      ['forgotten', (id) => a.commit(V, [{ edit: 'delete', object: snapshotKey(id) }])],
      ['damaged', (id) => a.setDamaged(V, [id], true)],
    ];
    for (const [what, take] of takenAway) {
      it(`have another mark once one was ${what}`, () => {
        seed(a);
        const id = grow(a);
        grow(a);
        const { mark } = a.blobSizes(V, 0, [], 10);
        take(id);
        assert.notEqual(a.blobSizes(V, 0, [], 10).mark, mark);
      });
    }
  });
}
