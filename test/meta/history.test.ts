/** Any history in pages of any size: each snapshot that the tips reach, once, and what follows first. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SnapshotId } from '../../src/core/ids.ts';
import type { Edit, MetaStore } from '../../src/meta/index.ts';
import { seeded } from '../support/seed.ts';
import { addSnapshot, branchId, memoryStore, snapshotOf, V } from './helpers.ts';

const BRANCHES = 4;
const steps = fc.array(
  fc.record({
    branch: fc.nat(BRANCHES - 1),
    /** Another branch to merge, if there is one. */
    merge: fc.option(fc.nat(BRANCHES - 1)),
    /** A root of its own. */
    alone: fc.constantFrom(false, false, false, false, true),
    /** Milliseconds after the one before; of wrong clocks: any time at all. */
    after: fc.nat(2),
    wrong: fc.nat(1000),
  }),
  { minLength: 1, maxLength: 40 },
);
const limits = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

interface Made {
  store: MetaStore;
  parents: Map<SnapshotId, SnapshotId[]>;
  tips: SnapshotId[];
}

function make(taken: typeof steps extends fc.Arbitrary<infer S> ? S : never, clocksAgree: boolean): Made {
  const store = memoryStore();
  const parents = new Map<SnapshotId, SnapshotId[]>();
  const tips: (SnapshotId | undefined)[] = [];
  const edits: Edit[] = Array.from({ length: BRANCHES }, (_, n) => ({
    ...{ edit: 'create-branch', branch: branchId(n), name: `b${n}`, creator: 't' },
  })) as Edit[];
  let time = 1e9;
  for (const { branch, merge, alone, after, wrong } of taken) {
    time += after;
    const from = tips[branch];
    const others = alone ? [] : [from, merge === null ? undefined : tips[merge]];
    const of = [...new Set(others.filter((id) => id !== undefined))].sort();
    const made = snapshotOf(of, { created: clocksAgree ? time : wrong });
    edits.push(addSnapshot(made), { edit: 'move-ref', branch: branchId(branch), from: from ?? null, to: made.id });
    parents.set(made.id, of);
    tips[branch] = made.id;
  }
  store.commit(V, [{ edit: 'create-volset', name: 'data', creator: 't' }, ...edits]);
  return { store, parents, tips: tips.filter((id) => id !== undefined) };
}

/** All pages: ids in the order in which they came. */
function paged(store: MetaStore, sizes: number[]): SnapshotId[] {
  const seen: SnapshotId[] = [];
  for (let from: SnapshotId[] | null = null, page = 0; ; page++) {
    const limit = sizes[page % sizes.length];
    const { rows, next } = store.historyPage(V, { from, limit, frontier: 4096 });
    assert.ok(rows.length === limit || next.length === 0, 'only the last page is not full');
    seen.push(...rows.map(({ id }) => id));
    if (next.length === 0) return seen;
    from = next;
  }
}

function reachable({ parents, tips }: Made): Set<SnapshotId> {
  const found = new Set<SnapshotId>();
  const queue = [...tips];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    queue.push(...(parents.get(id) ?? []));
  }
  return found;
}

describe('history in pages', () => {
  it('of any size shows each snapshot that tips reach once, what follows first, where clocks agree', () => {
    const check = fc.property(steps, limits, (taken, sizes) => {
      const made = make(taken, true);
      using store = made.store;
      const seen = paged(store, sizes);
      assert.deepEqual([...seen].sort(), [...reachable(made)].sort());
      const place = new Map(seen.map((id, i) => [id, i]));
      for (const [id, i] of place)
        for (const parent of made.parents.get(id) ?? [])
          assert.ok((place.get(parent) ?? -1) > i, 'a parent came first');
    });
    fc.assert(check, seeded(60));
  });
  it('of any size shows all of them, and nothing else, whatever clocks say', () => {
    const check = fc.property(steps, limits, (taken, sizes) => {
      const made = make(taken, false);
      using store = made.store;
      assert.deepEqual([...new Set(paged(store, sizes))].sort(), [...reachable(made)].sort());
      const whole = paged(store, [500]);
      assert.equal(new Set(whole).size, whole.length, 'once on one page');
    });
    fc.assert(check, seeded(60));
  });
});
