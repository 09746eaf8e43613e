import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { makeGeneration } from '../../src/core/generation.ts';
import type { SnapshotId, WriteId } from '../../src/core/ids.ts';
import {
  type AnyRecord,
  type Generation,
  recordId,
  type Tombstone,
  type Vector,
  type Write,
} from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { compareVectors, heldOf } from '../../src/core/vector.ts';
import { type MetaStore, openMetaStore, type Round, rebuildMeta } from '../../src/meta/index.ts';
import {
  addSnapshot,
  branchId,
  dump,
  fetchFrom,
  generationsFor,
  grow,
  roundFrom,
  seed,
  snapshotOf,
  V,
  visible,
} from './helpers.ts';

/** Unfollowed writes of an object that nobody edited twice. */
const headsOf = (meta: MetaStore, object: string): WriteId[] =>
  generationsFor(meta, {})
    .flatMap(({ records }) => records)
    .filter((record): record is Write => record.type === 'write' && record.register.startsWith(`${object}:`))
    .map((record) => recordId(record) as WriteId)
    .sort();

describe('metadata: a round that is refused changes nothing (I10)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
  const path = join(dir, 'meta.db');
  const a = openMetaStore({ path: ':memory:' });
  const b = openMetaStore({ path, create: true });
  seed(a);
  fetchFrom(b, a);
  const tip = grow(a);
  a.cut(V);
  a.commit(V, [{ edit: 'set', register: 'volset:name', value: 'next' }]);
  a.cut(V);
  const good = roundFrom(a, b.cut(V));
  const [g2, g3] = good.generations;
  const [g1] = generationsFor(a, {});
  after(() => {
    a[Symbol.dispose]();
    b[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });

  const store = a.self.store;
  const next = (...records: AnyRecord[]): Generation => makeGeneration(V, store, 4, g3.hash, records);
  const ghost = 'ee'.repeat(32);
  const name = g3.records[0] as Write;
  const nameParent = name.parents[0];
  const late = { ...name, parents: [nameParent], value: 'x' };
  const tomb = {
    type: 'tombstone',
    object: `branch:${branchId(1)}`,
    stamp: 'e000000000000000',
    author: store,
  } as const;
  const bury = { ...tomb, sees: headsOf(a, `branch:${branchId(1)}`), tip } as Tombstone;
  const withGeneration = (...records: AnyRecord[]): Round => ({
    ...good,
    vector: undefined,
    generations: [g2, g3, next(...records)],
  });
  const rounds: [string, Round, string][] = [
    ['a gap', { ...good, generations: [g3] }, 'protocol'],
    ['the wrong order', { ...good, generations: [g3, g2] }, 'protocol'],
    ['less than the trailer says', { ...good, generations: [g2] }, 'protocol'],
    ['a changed record', { ...good, generations: [g2, { ...g3, records: [late] }] }, 'integrity'],
    ['a wrong hash', { ...good, generations: [g2, { ...g3, hash: g2.hash }] }, 'integrity'],
    ['a wrong previous', { ...good, generations: [g2, { ...g3, previous: g1.hash }] }, 'integrity'],
    ['a first generation that follows one', { ...good, generations: [{ ...g1, previous: g2.hash }] }, 'protocol'],
    [
      'a trailer that says more',
      { ...good, vector: { [store]: { generation: 9, hash: g3.hash } } as Vector },
      'protocol',
    ],
    [
      'a trailer that has another hash',
      { ...good, vector: { [store]: { generation: 3, hash: g1.hash } } as Vector },
      'integrity',
    ],
    ['a trailer that is none', { ...good, vector: { [store]: g3 } as Vector }, 'protocol'],
    [
      'a fork with records that refer to what is not here',
      {
        ...withGeneration(late),
        generations: [makeGeneration(V, store, 2, g1.hash, [snapshotOf([ghost as SnapshotId]).body])],
      },
      'protocol',
    ],
    ['more deletions than are allowed', { ...withGeneration(bury), maxDelete: 0.5 }, 'guard'],
    [
      'another first generation, and not what the trailer says',
      { ...good, generations: [makeGeneration(V, store, 1, g1.previous, [{ ...late, parents: [] }])] },
      'protocol',
    ],
    [
      'a generation that follows none',
      { ...good, generations: [makeGeneration(V, store, 2, g3.hash, [late])] },
      'protocol',
    ],
    ['a write with an unknown parent', withGeneration({ ...late, parents: [ghost as WriteId] }), 'protocol'],
    ['a write that follows another register', withGeneration({ ...late, register: 'volset:owner' }), 'protocol'],
    ['a write older than its parent (I8)', withGeneration({ ...late, stamp: '0000000000000001' }), 'protocol'],
    ['a snapshot with an unknown parent', withGeneration(snapshotOf([ghost as SnapshotId]).body), 'protocol'],
    ['a tombstone over unknown heads', withGeneration({ ...tomb, sees: [ghost as WriteId] }), 'protocol'],
    ['a tombstone over heads of another object', withGeneration({ ...tomb, sees: [nameParent] }), 'protocol'],
    ['a tombstone with an unknown tip', withGeneration({ ...tomb, sees: [], tip: ghost as SnapshotId }), 'protocol'],
    [
      'a ref to an unknown snapshot',
      { ...good, refs: [{ branch: branchId(1), snapshot: ghost as SnapshotId, revision: 2 }] },
      'protocol',
    ],
    [
      'a ref of an unknown branch',
      { ...good, refs: [{ branch: branchId(8), snapshot: tip, revision: 2 }] },
      'protocol',
    ],
    [
      'a ref beyond its revision',
      { ...good, refs: [{ branch: branchId(1), snapshot: tip, revision: 99 }] },
      'protocol',
    ],
    ['our own id', { ...good, peer: b.self.store }, 'protocol'],
    ['no id', { ...good, peer: 'x' as never }, 'protocol'],
  ];
  for (const [what, round, code] of rounds) {
    it(`${what}: ${code}`, () => {
      const before = dump(path);
      assert.throws(() => b.apply(V, round), { code });
      assert.equal(dump(path), before);
    });
  }
  it('a dry run tells all of it and changes nothing', () => {
    const before = dump(path);
    const told = b.apply(V, { ...good, policy: 'target', dryRun: true });
    assert.deepEqual([told.generations, told.snapshots], [2, [tip]]);
    assert.deepEqual(told.vector, a.vector(V));
    assert.equal(dump(path), before);
    assert.throws(() => b.apply(V, { ...withGeneration(bury), maxDelete: 0.5, dryRun: true }), { code: 'guard' });
    const buried = b.apply(V, { ...withGeneration(bury), maxDelete: 1, dryRun: true, withBranches: true });
    assert.deepEqual([buried.deleted, buried.branches], [[`branch:${branchId(1)}`], []]);
    assert.equal(dump(path), before);
  });
  it('and what is right goes in afterwards; replaying any suffix changes nothing (I9)', () => {
    assert.equal(b.apply(V, good).generations, 2);
    const before = dump(path);
    for (const generations of [good.generations, [g3], [g1, g2, g3], []])
      assert.equal(b.apply(V, { ...good, generations }).generations, 0);
    assert.equal(dump(path), before);
    assert.deepEqual(b.verify(), []);
  });
});

describe('metadata: stores that exchange rounds in any order', () => {
  /** Each step: an edit of its own register by one store, or one store fetching from another. */
  const step = fc.record({
    kind: fc.constantFrom('edit', 'snapshot', 'branch', 'fetch', 'fetch'),
    at: fc.nat(2),
    from: fc.nat(2),
    what: fc.nat(3),
  });

  it('hold equal heads in the end, vectors never go back, parents come first', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), runSteps), { numRuns: 40 });
  }).timeout(30_000);
});

function runSteps(steps: { kind: string; at: number; from: number; what: number }[]): void {
  const clocks = [1e12, 1e12 - 9e9, 1e12 + 7e9]; // skewed by weeks
  const stores = clocks.map((now) => openMetaStore({ path: ':memory:', now: () => now }));
  try {
    seed(stores[0]);
    for (const store of stores.slice(1)) fetchFrom(store, stores[0]);
    const vectors: Vector[] = stores.map((store) => store.cut(V));
    let count = 0;
    for (const { kind, at, from, what } of steps) {
      const store = stores[at];
      if (kind === 'fetch' && at !== from) exchange(store, stores[from]);
      // No rivals: each store edits its own registers; all read all.
      if (kind === 'edit')
        store.commit(V, [{ edit: 'set', register: `volset:attr:${at}.${what}`, value: String(count++) }]);
      if (kind === 'snapshot')
        store.commit(V, [
          addSnapshot(
            snapshotOf(
              store
                .snapshotPage(V, null, 100)
                .slice(-what - 1)
                .slice(0, 1),
            ),
            false,
          ),
        ]);
      if (kind === 'branch')
        store.commit(V, [{ edit: 'create-branch', branch: branchId(100 + count++), name: `b${what}`, creator: 'c' }]);
      const vector = store.vector(V);
      assert.ok(['equal', 'ahead'].includes(compareVectors(vector, vectors[at])), 'a vector went back');
      vectors[at] = vector;
    }
    for (let round = 0; round < 2; round++)
      for (const to of stores) for (const from of stores) if (to !== from) exchange(to, from);
    const [first, ...rest] = stores.map(visible);
    for (const other of rest) assert.deepEqual(other, first);
    for (const store of stores) assert.deepEqual(store.verify(), []);
    const plan = stores[0].planDeltas(V, stores[1].vector(V), 0);
    assert.equal(plan.generations, 0);
  } finally {
    for (const store of stores) store[Symbol.dispose]();
  }
}

function exchange(to: MetaStore, from: MetaStore): void {
  from.cut(V);
  const round = roundFrom(from, to.cut(V));
  assertParentsFirst(round.generations, to);
  to.apply(V, round);
  for (const [store, { generation }] of Object.entries(round.vector ?? {}))
    assert.ok(heldOf(to.vector(V), store as never) >= generation);
  const seen = to.vector(V);
  to.apply(V, round);
  assert.deepEqual(to.vector(V), seen);
}

function assertParentsFirst(generations: Generation[], to: MetaStore): void {
  const known = new Set(to.snapshotPage(V, null, 10_000));
  for (const { records } of generations) {
    for (const record of records) {
      if (record.type !== 'snapshot') continue;
      for (const parent of record.parents) assert.ok(known.has(parent), 'a parent came later');
      known.add(idOfBody(record));
    }
  }
}

describe('metadata: rebuilt from generations', () => {
  function history(): { stores: MetaStore[]; all: Generation[] } {
    const stores = [0, 1, 2].map(() => openMetaStore({ path: ':memory:' }));
    seed(stores[0]);
    for (let i = 0; i < 12; i++) {
      const [to, from] = [stores[(i + 1) % 3], stores[i % 3]];
      fetchFrom(to, from);
      to.commit(V, [addSnapshot(snapshotOf(to.snapshotPage(V, null, 100).slice(-1)))]);
      to.commit(V, [{ edit: 'set', register: 'volset:description', value: `${i}` }]);
    }
    for (let i = 0; i < 4; i++) fetchFrom(stores[(i + 1) % 3], stores[i % 3]);
    return { stores, all: generationsFor(stores[0], {}) };
  }

  it('in any order, more than once, everything is back', () => {
    const { stores, all } = history();
    const expected = visible(stores[0]);
    fc.assert(
      fc.property(fc.shuffledSubarray([...all, ...all], { minLength: 2 * all.length }), (order) => {
        const meta = openMetaStore({ path: ':memory:' });
        const report = rebuildMeta(
          meta,
          order.map((generation) => ({ volset: V, generation })),
        );
        assert.deepEqual(report, { generations: all.length, left: [] });
        assert.deepEqual(visible(meta), expected);
        assert.deepEqual(meta.verify(), []);
        meta[Symbol.dispose]();
      }),
      { numRuns: 20 },
    );
    for (const store of stores) store[Symbol.dispose]();
  });
  it('without one of them the rest is reported, and what does not depend on it is back', () => {
    const { stores, all } = history();
    const meta = openMetaStore({ path: ':memory:' });
    const report = rebuildMeta(
      meta,
      all.toSpliced(-3, 1).map((generation) => ({ volset: V, generation })),
    );
    assert.equal(report.generations + report.left.length, all.length - 1);
    assert.ok(report.generations >= all.length - 3 && report.left.length > 0);
    assert.deepEqual(meta.verify(), []);
    for (const store of [meta, ...stores]) store[Symbol.dispose]();
  });
});
