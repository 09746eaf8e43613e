import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  compareTips,
  isAncestor,
  type Lineage,
  lineageOf,
  mergeBase,
  mergeBases,
  newSince,
} from '../../src/core/ancestry.ts';
import { baseCandidates, MAX_CANDIDATES } from '../../src/core/candidates.ts';
import type { SnapshotId } from '../../src/core/ids.ts';
import { allSnapshots, branchSnapshots, filtered, lazy } from '../../src/core/iterators.ts';

const idOf = (n: number): SnapshotId => ((n * 2654435761) % 2 ** 32).toString(16).padStart(64, '0') as SnapshotId;

/** A history, and how a store answers for it: with or without lineage. */
class History {
  readonly parents: SnapshotId[][] = [];
  readonly known = new Map<SnapshotId, Lineage>();
  reads = 0;
  add(parents: number[]): number {
    const ids = parents.map(idOf);
    this.parents.push(ids);
    this.known.set(
      idOf(this.parents.length - 1),
      lineageOf(ids, (id) => this.known.get(id)),
    );
    return this.parents.length - 1;
  }
  lineage = (ids: SnapshotId[]): Record<SnapshotId, Lineage> => {
    this.reads += ids.length;
    return Object.fromEntries(ids.filter((id) => this.known.has(id)).map((id) => [id, this.known.get(id) as Lineage]));
  };
  plain = (ids: SnapshotId[]) =>
    Object.fromEntries(
      ids.filter((id) => this.known.has(id)).map((id) => [id, this.known.get(id)?.parents as SnapshotId[]]),
    );
  all(n: number): Set<SnapshotId> {
    return new Set(this.ancestors(idOf(n)));
  }
  /** Itself included. */
  ancestors(of: SnapshotId): Set<SnapshotId> {
    const found = new Set<SnapshotId>();
    const todo = [of];
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      if (!found.has(id)) todo.push(...(this.known.get(id)?.parents ?? []));
      found.add(id);
    }
    return found;
  }
}

const histories = fc.array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 2, maxLength: 40 }).map((rows) => {
  const history = new History();
  // Mostly near parents, so that lines fork and join; now and then another root.
  for (const [i, row] of rows.entries()) {
    history.add(i === 0 ? [] : [...new Set(row.map((p) => i - 1 - (p % Math.min(i, 6))))]);
  }
  return history;
});
const pair = fc
  .tuple(histories, fc.nat(), fc.nat())
  .map(([h, a, b]) => ({ h, a: a % h.parents.length, b: b % h.parents.length }));
/** Two roots, then merges of merges: the last two often have several newest common ancestors. */
const crossed = fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 2 }), { maxLength: 12 }).map((rows) => {
  const h = new History();
  h.add([]);
  h.add([]);
  for (const row of rows)
    h.add([...new Set(row.map((p) => h.parents.length - 1 - (p % Math.min(h.parents.length, 4))))]);
  return { h, a: h.parents.length - 1, b: h.parents.length - 2 };
});

describe('core: ancestry', () => {
  for (const kind of ['lineage', 'plain'] as const) {
    it(`compares tips as sets of ancestors do (${kind})`, () => {
      fc.assert(
        fc.property(pair, ({ h, a, b }) => {
          const [mine, theirs] = [h.all(a), h.all(b)];
          const common = [...mine].filter((id) => theirs.has(id));
          const found = compareTips(h[kind], idOf(a), idOf(b));
          assert.equal(found.ahead, mine.size - common.length);
          assert.equal(found.behind, theirs.size - common.length);
          const expected =
            a === b
              ? 'equal'
              : theirs.has(idOf(a))
                ? 'behind'
                : mine.has(idOf(b))
                  ? 'ahead'
                  : common.length
                    ? 'diverged'
                    : 'unrelated';
          assert.equal(found.relation, expected);
          assert.equal(found.base === null, common.length === 0);
          if (found.base !== null) {
            assert.ok(common.includes(found.base));
            const depth = h.known.get(found.base)?.depth;
            assert.equal(depth, Math.max(...common.map((id) => (h.known.get(id) as Lineage).depth)));
          }
          assert.equal(mergeBase(h[kind], idOf(b), idOf(a)), found.base);
        }),
      );
    });
    it(`finds all bases of a merge (${kind})`, () => {
      const seen = { none: 0, one: 0, several: 0 };
      const check = fc.property(fc.oneof(pair, crossed), ({ h, a, b }) => {
        const theirs = h.all(b);
        const common = [...h.all(a)].filter((id) => theirs.has(id));
        const below = new Set(
          common.flatMap((id) => h.known.get(id)?.parents ?? []).flatMap((id) => [...h.ancestors(id)]),
        );
        const expected = common.filter((id) => !below.has(id)).sort();
        assert.deepEqual(mergeBases(h[kind], idOf(a), idOf(b)), expected);
        assert.deepEqual(mergeBases(h[kind], idOf(b), idOf(a)), expected);
        seen[expected.length === 0 ? 'none' : expected.length === 1 ? 'one' : 'several']++;
      });
      fc.assert(check, { numRuns: 500 });
      assert.ok(seen.none > 5 && seen.one > 5 && seen.several > 5, JSON.stringify(seen));
    });
    it(`knows ancestors, and what is new since (${kind})`, () => {
      fc.assert(
        fc.property(pair, ({ h, a, b }) => {
          assert.equal(isAncestor(h[kind], idOf(a), idOf(b)), h.all(b).has(idOf(a)));
          const held = h.all(a);
          const fresh = newSince(h[kind], [idOf(b)], [idOf(a), 'ff'.repeat(32) as SnapshotId]);
          assert.deepEqual(new Set(fresh), new Set([...h.all(b)].filter((id) => !held.has(id))));
          assertChildrenFirst(h, fresh);
        }),
      );
    });
  }
  it('counts over 100,000 snapshots, and reads little where little differs', () => {
    const h = new History();
    let tip = h.add([]);
    for (let i = 1; i < 100_000; i++) tip = h.add([tip]);
    const [left, right] = [h.add([tip]), h.add([h.add([tip])])];
    assert.deepEqual(compareTips(h.lineage, idOf(left), idOf(right)), {
      relation: 'diverged',
      base: idOf(tip),
      ahead: 1,
      behind: 2,
    });
    assert.ok(h.reads < 20, `${h.reads} reads`);
    assert.deepEqual(compareTips(h.lineage, idOf(tip), idOf(0)), {
      relation: 'ahead',
      base: idOf(0),
      ahead: 99_999,
      behind: 0,
    });
    assert.equal(compareTips(h.plain, idOf(right), idOf(left)).base, idOf(tip));
    h.reads = 0;
    assert.deepEqual(mergeBases(h.lineage, idOf(left), idOf(right)), [idOf(tip)]);
    assert.ok(h.reads < 20, `${h.reads} reads`);
  });
  it('says so when a tip is not known', () => {
    const h = new History();
    h.add([]);
    assert.throws(() => compareTips(h.lineage, idOf(0), idOf(7)), { code: 'not-found' });
    assert.equal(isAncestor(h.lineage, idOf(7), idOf(0)), false);
  });
});

function assertChildrenFirst(h: History, ids: SnapshotId[]): void {
  const at = new Map(ids.map((id, i) => [id, i]));
  for (const id of ids)
    for (const parent of h.known.get(id)?.parents ?? [])
      assert.ok((at.get(parent) ?? Infinity) > (at.get(id) as number));
}

describe('core: base candidates', () => {
  it('are dense near the target, reach the root, and cost O(log n) reads', () => {
    const h = new History();
    let tip = h.add([]);
    for (let i = 1; i < 100_000; i++) tip = h.add([tip]);
    h.reads = 0;
    const found = baseCandidates(h.lineage, idOf(tip));
    assert.deepEqual(
      found.slice(0, 16),
      Array.from({ length: 16 }, (_, i) => idOf(tip - 1 - i)),
    );
    assert.equal(found.at(-1), idOf(0));
    assert.ok(found.length <= MAX_CANDIDATES && h.reads < 100, `${found.length} candidates, ${h.reads} reads`);
  });
  it('are ancestors, named once, nearest first, only where the blob is held', () => {
    fc.assert(
      fc.property(pair, ({ h, a }) => {
        const held = (id: SnapshotId) => Number.parseInt(id.slice(-1), 16) % 3 > 0;
        const found = baseCandidates(h.lineage, idOf(a), (ids) => ids.filter(held));
        const above = h.all(a);
        above.delete(idOf(a));
        assert.ok(found.every((id) => above.has(id) && held(id)));
        assert.equal(new Set(found).size, found.length);
        const everything = baseCandidates(h.lineage, idOf(a));
        assert.equal(everything.length === 0, above.size === 0);
      }),
    );
  });
});

describe('core: snapshot iterators', () => {
  const h = new History();
  // 0-1-2-3 main, 1-4 side, 5 = merge of 3 and 4, 6 another root
  for (const parents of [[], [0], [1], [2], [1], [3, 4], []]) h.add(parents);
  const branches = [
    { name: 'side', tip: idOf(4) },
    { name: 'main', tip: idOf(3) },
    { name: 'merged', tip: idOf(5) },
    { name: 'empty', tip: null },
    { name: 'other', tip: idOf(6) },
  ];
  it('all: root first, branches by name, shared history once', () =>
    assert.deepEqual([...allSnapshots(h.lineage, branches)], [0, 1, 2, 3, 4, 5, 6].map(idOf)));
  it('one branch: tip to root, each once', () => {
    const ids = [...branchSnapshots(h.lineage, idOf(5))];
    assert.equal(ids[0], idOf(5));
    assert.deepEqual(new Set(ids), h.all(5));
    assert.equal(ids.length, 6);
    assertChildrenFirst(h, ids);
  });
  it('reads no further than asked', () => {
    const long = new History();
    let tip = long.add([]);
    for (let i = 1; i < 1000; i++) tip = long.add([tip]);
    long.reads = 0;
    const walk = branchSnapshots(long.lineage, idOf(tip));
    for (let i = 0; i < 3; i++) walk.next();
    assert.ok(long.reads <= 4, `${long.reads} reads`);
  });
  it('filtered and lazy: a snapshot is read when asked for, once', () => {
    const read: SnapshotId[] = [];
    const items = lazy(branchSnapshots(h.lineage, idOf(3)), (id) => read.push(id));
    const kept = [...filtered(items, ({ id }) => id !== idOf(2))];
    assert.deepEqual([kept.map(({ id }) => id), read], [[3, 1, 0].map(idOf), []]);
    kept[1].read();
    kept[1].read();
    assert.deepEqual(read, [idOf(1)]);
  });
});
