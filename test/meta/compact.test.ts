import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { InstallId, WriteId } from '../../src/core/ids.ts';
import { type LoggedRecord, recordId, type Vector } from '../../src/core/records.ts';
import { compareVectors } from '../../src/core/vector.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import { fetchFrom, generationsFor, grow, memoryStore, seed, set, syncWith, V, visible } from './helpers.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };
const logged = (meta: MetaStore): LoggedRecord[] => generationsFor(meta, {}).flatMap(({ records }) => records);
const past = (meta: MetaStore): LoggedRecord[] => logged(meta).filter(({ type }) => type === 'past');
/** Long enough that dropping it saves something. */
const long = (text: string): string => text.padEnd(100, '.');
const values = (meta: MetaStore): (string | null)[] =>
  logged(meta).flatMap((record) => (record.type === 'write' ? [record.value] : []));
const describeIt = (value: string) => set('volset:description', value);

describe('metadata: compaction', () => {
  const stores: ReturnType<typeof memoryStore>[] = [];
  const store = () => {
    const made = memoryStore(1e12 + stores.length);
    stores.push(made);
    return made;
  };
  let [hub, a, b] = [store(), store(), store()];
  beforeEach(() => {
    [hub, a, b] = [store(), store(), store()];
    seed(a);
    syncWith(b, a);
  });
  afterEach(() => {
    for (const meta of stores.splice(0)) {
      assert.deepEqual(meta.verify(), []);
      meta[Symbol.dispose]();
    }
  });
  const edit = (meta: MetaStore, ...texts: string[]): void => {
    for (const text of texts) {
      meta.commit(V, [describeIt(long(text))]);
      meta.cut(V);
    }
  };
  const push = (from: MetaStore, to: MetaStore = hub) => fetchFrom(to, from, { held: from.cut(V), vector: undefined });
  /** Both ways, and what each holds is known to the other. */
  const exchange = (from: MetaStore, to: MetaStore = hub) => {
    push(from, to);
    fetchFrom(from, to, { policy: 'target' });
    push(from, to);
  };

  it('drops what is followed, keeps what shows, and hashes stay', () => {
    edit(a, 'one', 'two', 'three');
    const [before, vector] = [visible(a), a.vector(V)];
    const headers = generationsFor(a, {}).map(({ hash, previous, count }) => [hash, previous, count]);
    const { dropped, upTo } = a.compact(V, NEVER);
    assert.deepEqual([dropped, upTo], [2, vector]);
    assert.deepEqual([visible(a), a.vector(V)], [before, vector]);
    assert.deepEqual(
      generationsFor(a, {}).map(({ hash, previous, count }) => [hash, previous, count]),
      headers,
    );
    assert.deepEqual(
      values(a).filter((value) => ['one', 'two', 'three'].map(long).includes(value as string)),
      [long('three')],
    );
    assert.deepEqual(a.compact(V, NEVER), { dropped: 0, upTo: vector });
  });
  it('ids stay what they were, of resolutions too', () => {
    const c = store();
    fetchFrom(c, a);
    c.clock.time = 0;
    edit(c, 'theirs'.repeat(50));
    edit(a, 'ours'.repeat(50));
    assert.equal(syncWith(c, a, 'current').written, 1);
    edit(a, 'after');
    const ids = logged(a).map(recordId);
    for (const member of a.listMembers(V)) a.retireMember(V, member.store);
    assert.equal(a.compact(V, NEVER).dropped, 3);
    assert.equal(past(a).filter((record) => 'resolution' in record).length, 1);
    assert.deepEqual(logged(a).map(recordId), ids);
  });
  it('the open generation is left alone, and what follows from there drops nothing', () => {
    edit(a, 'one');
    a.commit(V, [describeIt('open')]);
    assert.equal(a.compact(V, NEVER).dropped, 0);
    a.cut(V);
    assert.equal(a.compact(V, NEVER).dropped, 1);
  });
  it('tombstones, snapshots and rivals are kept', () => {
    const branch = 'ab'.repeat(16);
    a.commit(V, [{ edit: 'create-branch', branch: branch as never, name: 'x', creator: 'c' }]);
    a.cut(V);
    a.commit(V, [{ edit: 'delete', object: `branch:${branch}` }]);
    grow(a);
    edit(b, 'rival of b');
    edit(a, 'rival of a');
    push(a);
    push(b);
    const kept = logged(hub).filter(({ type }) => type !== 'write');
    for (const { store: id } of hub.listMembers(V)) hub.retireMember(V, id);
    hub.compact(V, NEVER);
    assert.deepEqual(
      logged(hub).filter(({ type }) => type !== 'write' && type !== 'past'),
      kept,
    );
    assert.ok(values(hub).includes(long('rival of a')) && values(hub).includes(long('rival of b')));
  });

  it('waits for each active member (I11), and no longer for one that is retired', () => {
    exchange(a);
    exchange(b);
    b.commit(V, [set('volset:owner', 'b')]);
    exchange(b); // now b is a member of the hub's
    edit(a, 'one', 'two');
    exchange(a);
    assert.equal(hub.compact(V, NEVER).dropped, 0, 'b lacks what follows');
    fetchFrom(b, hub);
    assert.equal(hub.compact(V, NEVER).dropped, 0, 'b did not say that it has it');
    push(b);
    assert.equal(hub.compact(V, NEVER).dropped, 1);
    edit(a, 'three');
    exchange(a);
    assert.equal(hub.compact(V, NEVER).dropped, 0);
    hub.retireMember(V, b.self.store);
    assert.equal(hub.compact(V, NEVER).dropped, 1);
  });
  it('a member of which nothing is known but its generations blocks it', () => {
    edit(b, 'of b');
    fetchFrom(a, b);
    edit(a, 'one', 'two');
    fetchFrom(hub, a, { vector: undefined });
    assert.deepEqual(hub.listMembers(V).length, 2);
    assert.deepEqual(hub.compact(V, NEVER), { dropped: 0, upTo: {} });
  });
  it('R never goes back, not when a member comes that holds less (I5)', () => {
    edit(a, 'one', 'two');
    exchange(a);
    const { upTo } = hub.compact(V, NEVER);
    edit(b, 'of b');
    push(b);
    assert.deepEqual(hub.compact(V, NEVER).upTo, upTo);
    exchange(b);
    exchange(a);
    assert.equal(compareVectors(hub.compact(V, NEVER).upTo, upTo), 'ahead');
  });

  it('a newcomer gets the whole, and shows the same', () => {
    edit(a, ...'abcdefgh');
    exchange(a);
    hub.compact(V, NEVER);
    assert.ok(past(hub).length >= 7);
    const c = store();
    assert.deepEqual(fetchFrom(c, hub).conflicts, []);
    assert.deepEqual([visible(c), c.vector(V)], [visible(hub), hub.vector(V)]);
    edit(c, 'from c');
    exchange(c);
    exchange(a);
    for (const meta of [a, hub]) assert.deepEqual(visible(meta), visible(c));
  });
  it('a reader that had an older value sees it as followed: no rival, no conflict', () => {
    edit(a, 'old');
    exchange(a);
    const reader = store();
    fetchFrom(reader, hub);
    edit(a, 'x', 'y', 'new');
    exchange(a);
    hub.compact(V, NEVER);
    assert.deepEqual(fetchFrom(reader, hub, { policy: 'current' }), {
      ...fetchFrom(reader, hub),
      generations: 3,
      changed: ['volset:description'],
      revisions: [2, 5],
    });
    assert.deepEqual([reader.listConflicts(V, { all: true }), visible(reader)], [[], visible(hub)]);
    assert.deepEqual(Object.keys(reader.vector(V)), [a.self.store], 'it wrote nothing');
  });
  it('a member that was retired comes back with an edit of what is past: merged, the base unknown', () => {
    exchange(a);
    exchange(b);
    edit(a, 'x', 'y');
    exchange(a);
    for (const { store: id } of hub.listMembers(V)) if (id === b.self.store) hub.retireMember(V, id);
    hub.compact(V, NEVER);
    b.clock.time = 0;
    edit(b, 'from b');
    const { conflicts } = push(b);
    assert.deepEqual(
      conflicts.map(({ initial, current, target }) => [initial, current, target]),
      [[null, long('y'), long('from b')]],
    );
    exchange(b);
    exchange(a);
    for (const meta of [a, b]) assert.deepEqual(visible(meta), visible(hub));
    assert.equal(
      hub.listMembers(V).every(({ state }) => state === 'active'),
      true,
    );
  });
  it('one edit whose parent is past reaches everybody', () => {
    exchange(a);
    edit(b, 'first of b');
    const parent = (logged(b).at(-1) as { parents: WriteId[] }).parents;
    edit(a, 'x');
    exchange(a);
    hub.compact(V, NEVER);
    assert.ok(parent.every((id) => logged(b).some((record) => recordId(record) === id)));
    exchange(b);
    exchange(a);
    assert.deepEqual(visible(a), visible(hub));
  });
  it('a write that is no longer than what would stay of it is left', () => {
    for (const text of ['short', 'long'.repeat(20), 'last']) a.commit(V, [describeIt(text)]);
    a.cut(V);
    assert.equal(a.compact(V, NEVER).dropped, 1);
    assert.ok(values(a).includes('short'));
  });
  it('in several transactions where there is much of it', () => {
    const many = Array.from({ length: 120 }, (_, i) => set(`volset:attr:k${i % 3}`, String(i)));
    for (let i = 0; i < 100; i++)
      a.commit(
        V,
        many.map((e) => ({ ...e, value: long(`${(e as { value: string }).value}.${i}`) }) as typeof e),
      );
    a.cut(V);
    const before = visible(a);
    assert.equal(a.compact(V, NEVER).dropped, 120 * 100 - 3);
    assert.deepEqual(visible(a), before);
    assert.equal(a.compact(V, NEVER).dropped, 0);
  }).timeout(20_000);

  it('at any moment, by any store: heads are what they were, nothing is blocked, all end alike', () => {
    const step = fc.record({
      kind: fc.constantFrom('edit', 'edit', 'sync', 'sync', 'compact', 'compact', 'retire', 'read'),
      at: fc.nat(2),
      from: fc.nat(2),
      key: fc.nat(1),
    });
    fc.assert(fc.property(fc.array(step, { minLength: 10, maxLength: 50 }), runSteps), { numRuns: 30 });
  }).timeout(60_000);
});

interface Step {
  kind: string;
  at: number;
  from: number;
  key: number;
}

/** The same ids in both worlds: where stamps are equal they decide. */
const knownStore = (i: number, time: number): MetaStore =>
  openMetaStore({ path: ':memory:', now: () => time, identity: { install: `${i}`.repeat(32) as InstallId, epoch: 1 } });

/** Three stores that write, and the last, which only reads; in a second world nobody ever compacts. */
function runSteps(steps: Step[]): void {
  const worlds = [true, false].map((compacts) => {
    const stores = [1e12, 1e12 - 9e9, 1e12 + 7e9, 1e12].map((time, i) => knownStore(i, time));
    seed(stores[0]);
    for (const other of stores.slice(1)) fetchFrom(other, stores[0]);
    const reached = new Map<number, Vector>();
    for (const [count, step] of steps.entries()) takeStep(stores, step, { compacts, count, reached });
    for (let round = 0; round < 3; round++)
      for (const [i, to] of stores.entries())
        for (const from of stores.slice(0, 3)) if (from !== to) meet(to, from, i === 3 ? undefined : 'target');
    return stores;
  });
  try {
    for (const stores of worlds) {
      for (const meta of stores) {
        assert.deepEqual(meta.verify(), []);
        assert.deepEqual(shown(meta), shown(worlds[0][0]));
        assert.deepEqual(meta.vector(V), stores[0].vector(V));
      }
    }
    assert.deepEqual(past(worlds[1][0]), []);
    for (const [i, meta] of worlds[0].entries()) {
      const met = conflictIds(worlds[1][i]);
      assert.deepEqual(
        [...conflictIds(meta)].filter((id) => !met.has(id)),
        [],
        'a conflict that was none',
      );
    }
  } finally {
    for (const meta of worlds.flat()) meta[Symbol.dispose]();
  }
}

const conflictIds = (meta: MetaStore): Set<string> => new Set(meta.listConflicts(V, { all: true }).map(({ id }) => id));

const shown = (meta: MetaStore): unknown => {
  const { attrs, name } = meta.findVolset(V) ?? {};
  return { attrs, name, branches: meta.listBranches(V).map(({ id, name: branch }) => [id, branch]) };
};

function takeStep(
  stores: MetaStore[],
  { kind, at, from, key }: Step,
  { compacts, count, reached }: { compacts: boolean; count: number; reached: Map<number, Vector> },
): void {
  const meta = stores[at];
  if (kind === 'edit') meta.commit(V, [set(`volset:attr:${key}`, (count % 4 ? long : String)(`${at}.${count}`))]);
  if (kind === 'sync' && at !== from) meet(meta, stores[from], 'target');
  if (kind === 'read') meet(stores[3], meta, undefined);
  if (kind === 'retire' && at !== from && meta.listMembers(V).some(({ store }) => store === stores[from].self.store))
    meta.retireMember(V, stores[from].self.store);
  if (kind !== 'compact' || !compacts) return;
  const before = [visible(meta), meta.listConflicts(V, { all: true }), meta.vector(V)];
  const { upTo } = meta.compact(V, NEVER);
  assert.deepEqual([visible(meta), meta.listConflicts(V, { all: true }), meta.vector(V)], before);
  assert.ok(['equal', 'ahead'].includes(compareVectors(upTo, reached.get(at) ?? {})), 'R went back');
  reached.set(at, upTo);
}

function meet(to: MetaStore, from: MetaStore, policy: 'target' | undefined): void {
  fetchFrom(to, from, { ...(policy && { policy }), label: 'x' });
  if (policy === undefined) return;
  fetchFrom(from, to, { held: to.vector(V), vector: undefined });
}
