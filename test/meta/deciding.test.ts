import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Conflict, conflictId } from '../../src/core/conflict.ts';
import { makeGeneration } from '../../src/core/generation.ts';
import type { ConflictId } from '../../src/core/ids.ts';
import type { Policy } from '../../src/core/reconcile.ts';
import type { Generation, Write } from '../../src/core/records.ts';
import { stampAfter } from '../../src/core/stamp.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import {
  branchId,
  dump,
  fetchFrom,
  generationsFor,
  memoryStore,
  roundFrom,
  seed,
  set,
  snapshotOf,
  syncWith,
  V,
} from './helpers.ts';

type Store = ReturnType<typeof memoryStore>;

describe('metadata: deciding registers', () => {
  let stores: Store[];
  let [a, b, c]: Store[] = [];
  beforeEach(() => {
    stores = [memoryStore(), memoryStore(), memoryStore()];
    [a, b, c] = stores;
    seed(a);
    for (const store of [b, c]) fetchFrom(store, a);
  });
  afterEach(() => {
    for (const store of stores) {
      assert.deepEqual(store.verify(), []);
      store[Symbol.dispose]();
    }
  });

  const name = (store: MetaStore): string | null | undefined => store.findVolset(V)?.name;
  /** Each names the volset after itself; those later in the list do so later. */
  function disagree(...order: Store[]): void {
    order.forEach((store, i) => {
      store.clock.time += 1000 * (i + 1);
      store.commit(V, [set('volset:name', 'ABC'[stores.indexOf(store)])]);
    });
  }

  describe('a pulls from b, then pushes', () => {
    const rows: [Policy, 'a' | 'b', string, number][] = [
      ['target', 'a', 'B', 1],
      ['target', 'b', 'B', 0],
      ['current', 'a', 'A', 0],
      ['current', 'b', 'A', 1],
      ['newest', 'a', 'A', 0],
      ['newest', 'b', 'B', 0],
    ];
    for (const [policy, newer, value, written] of rows) {
      it(`policy ${policy}, ${newer} is newer: ${value} stands on both, ${written} written`, () => {
        disagree(...(newer === 'a' ? [b, a] : [a, b]));
        const applied = fetchFrom(a, b, { policy });
        assert.equal(applied.written, written);
        assert.deepEqual(applied.changed, value === 'A' && written === 0 ? [] : ['volset:name']);
        const pushed = fetchFrom(b, a);
        assert.deepEqual([name(a), name(b), pushed.written], [value, value, 0]);
        const [[here], [there]] = [a.listConflicts(V), b.listConflicts(V)];
        assert.deepEqual([here.current, here.target, here.initial], ['A', 'B', 'data']);
        assert.deepEqual([there.current, there.target, there.id], ['B', 'A', here.id]);
        assert.equal(here.resolution, value === 'A' ? 'current' : 'target');
        assert.equal(there.resolution, value === 'A' ? 'target' : 'current');
        for (const meta of [a, b, a, b]) {
          const later = syncWith(meta, meta === a ? b : a, 'current');
          assert.deepEqual([later.conflicts, later.written, later.changed], [[], 0, []]);
        }
        assert.equal(a.listConflicts(V).length, 1);
      });
    }
  });

  it('a resolution is closed with the round that made it, under our name, and above both by one', () => {
    disagree(b, a);
    const { vector } = fetchFrom(a, b, { policy: 'target' });
    assert.deepEqual(a.cut(V), vector);
    const write = generationsFor(a, b.vector(V))
      .flatMap(({ records }) => records)
      .at(-1) as Write;
    assert.deepEqual([write.resolution, write.author, write.value], [true, a.self.store, 'B']);
    const parents = generationsFor(a, {})
      .flatMap(({ records }) => records)
      .filter((record): record is Write => record.type === 'write' && ['A', 'B'].includes(record.value ?? ''));
    const last = parents.map(({ stamp }) => stamp).sort()[1];
    assert.equal(BigInt(`0x${write.stamp}`), BigInt(`0x${last}`) + 1n);
  });
  it('two stores that settle the same conflict alike make one write of it', () => {
    disagree(b, a);
    fetchFrom(c, a, { policy: 'target' });
    for (const store of [a, c]) assert.equal(fetchFrom(store, b, { policy: 'target' }).written, 1);
    const { conflicts, changed } = fetchFrom(a, c, { policy: 'target' });
    assert.deepEqual([conflicts, changed, name(a), name(c)], [[], [], 'B', 'B']);
  });
  it('the target is what the peer shows, not what it brings', () => {
    disagree(b, c);
    for (const store of [a, b]) fetchFrom(store, c);
    const { written, changed, conflicts } = fetchFrom(a, b, { policy: 'target' });
    assert.deepEqual([name(b), name(a), written, changed], ['C', 'C', 0, []]);
    assert.deepEqual(
      conflicts.map(({ current, target, resolution }) => [current, target, resolution]),
      [['C', 'B', 'current']],
    );
  });
  describe('a resolution that is none is refused', () => {
    const faults: [string, (write: Write) => Write][] = [
      ['a stamp of its own', (write) => ({ ...write, stamp: stampAfter(write.stamp) })],
      ['one parent', (write) => ({ ...write, parents: write.parents.slice(1) })],
    ];
    for (const [what, spoil] of faults) {
      it(what, () => {
        disagree(b, a);
        const vector = a.cut(V);
        fetchFrom(a, b, { policy: 'target' });
        const generation = generationsFor(a, vector).find(({ store }) => store === a.self.store) as Generation;
        const records = generation.records.map((record) => spoil(record as Write));
        const { store, previous } = generation;
        const round = [...generationsFor(a, {}).filter(({ hash }) => hash !== generation.hash)];
        const spoilt = makeGeneration(V, store, generation.generation, previous, records);
        assert.throws(() => c.apply(V, { peer: store, generations: [...round, spoilt] }), { code: 'protocol' });
        c.apply(V, { peer: store, generations: [...round, generation] });
      });
    }
  });
  it('a store that only serves records what meets and writes nothing', () => {
    disagree(a, b);
    const { conflicts, written } = fetchFrom(a, b);
    assert.deepEqual([conflicts.length, written, name(a)], [1, 0, 'B']);
    const [{ current, target, resolution }] = conflicts;
    assert.deepEqual([current, target, resolution], ['A', 'B', 'target']);
  });
  it('three unjoined edits, pulled in a chain and in a ring, come to one value; none is lost', () => {
    disagree(c, b, a);
    for (let i = 0; i < 8; i++) stores.forEach((store, at) => void syncWith(store, stores[(at + 1) % 3]));
    for (const store of stores) {
      assert.equal(name(store), name(a));
      const kept = new Set(store.listConflicts(V).flatMap(({ current, target }) => [current, target]));
      assert.deepEqual([...kept].sort(), ['A', 'B', 'C']);
    }
    for (const store of stores) assert.equal(fetchFrom(store, a === store ? b : a, { policy: 'target' }).written, 0);
  });
  it('clocks that are wrong by days make no cycle of newest choices', () => {
    a.clock.time += 8e8;
    c.clock.time -= 8e8;
    disagree(a, b, c);
    for (let i = 0; i < 6; i++) stores.forEach((store, at) => void syncWith(store, stores[(at + 1) % 3], 'newest'));
    assert.deepEqual(stores.map(name), ['A', 'A', 'A']);
  });
  it('an edit follows all rivals: it settles them wherever it comes', () => {
    disagree(a, b, c);
    fetchFrom(a, b);
    fetchFrom(a, c);
    a.commit(V, [set('volset:name', 'all seen')]);
    for (const store of [b, c]) {
      const { conflicts, changed } = fetchFrom(store, a, { policy: 'current' });
      assert.deepEqual([conflicts.filter(({ current }) => current === 'all seen'), changed], [[], ['volset:name']]);
      assert.equal(name(store), 'all seen');
    }
  });
  it('a name here and a description there are two fields, no conflict', () => {
    a.commit(V, [set('volset:name', 'n')]);
    b.commit(V, [set('volset:description', 'd')]);
    assert.deepEqual(syncWith(a, b).conflicts, []);
    for (const store of [a, b]) assert.deepEqual([name(store), store.findVolset(V)?.description], ['n', 'd']);
  });
  it('what has no common ancestor conflicts all the same, unless it is equal', () => {
    for (const [store, value] of [
      [a, 'x'],
      [b, 'y'],
    ] as const)
      store.commit(V, [set('volset:attr:differ', value), set('volset:attr:same', 'z')]);
    const { conflicts } = syncWith(a, b);
    assert.deepEqual(
      conflicts.map(({ field, initial, current, target }) => [field, initial, current, target]),
      [['attr:differ', null, 'x', 'y']],
    );
    assert.deepEqual(a.findVolset(V)?.attrs, { differ: 'y', same: 'z' });
    assert.deepEqual(b.findVolset(V)?.attrs, a.findVolset(V)?.attrs);
  });

  describe('settling', () => {
    let id: ConflictId;
    beforeEach(() => {
      disagree(b, a);
      [{ id }] = syncWith(a, b).conflicts;
    });
    it('with a third value: it stands everywhere, and no list shows the conflict', () => {
      b.commit(V, [{ edit: 'resolve', conflict: id, choice: { choice: 'value', value: 'third' } }]);
      assert.deepEqual(syncWith(a, b).conflicts, []);
      for (const store of [a, b]) {
        assert.deepEqual([name(store), store.listConflicts(V)], ['third', []]);
        assert.equal(store.listConflicts(V, { all: true })[0].resolution, 'value');
      }
    });
    it('differently on two sides is a conflict of the field, not of its record', () => {
      a.commit(V, [{ edit: 'resolve', conflict: id, choice: { choice: 'current' } }]);
      b.commit(V, [{ edit: 'resolve', conflict: id, choice: { choice: 'value', value: 'third' } }]);
      const { conflicts } = syncWith(a, b);
      assert.deepEqual(
        conflicts.map(({ object, current, target }) => [object, current, target]),
        [['volset', 'A', 'third']],
      );
      assert.equal(name(a), name(b));
    });
    it('what is shown already is no write to the field', () => {
      const before = a.vector(V);
      a.commit(V, [{ edit: 'resolve', conflict: id, choice: { choice: 'target' } }]);
      a.cut(V);
      const records = generationsFor(a, before).flatMap((generation) => generation.records as Write[]);
      assert.deepEqual(
        records.map(({ register }) => register),
        [`conflict:${id}:resolved`],
      );
    });
    it('a newcomer is told of no conflict that is settled', () => {
      a.commit(V, [{ edit: 'resolve', conflict: id, choice: { choice: 'target' } }]);
      const d = memoryStore();
      stores.push(d);
      assert.deepEqual(fetchFrom(d, a, { policy: 'target' }).conflicts, []);
      assert.deepEqual(
        d.listConflicts(V, { all: true }).map((conflict) => [conflict.id, conflict.resolved]),
        [[id, true]],
      );
    });
    it('refuses what is not there, and the register itself', () => {
      const conflict = '7'.repeat(64) as ConflictId;
      const choice = { choice: 'current' } as const;
      assert.throws(() => a.commit(V, [{ edit: 'resolve', conflict, choice }]), { code: 'not-found' });
      assert.throws(() => a.commit(V, [set(`conflict:${id}:resolved`, 'current')]), { code: 'usage' });
    });
  });

  it('paths of a merge are recorded once, and settled without a write to a field', () => {
    const writes = [snapshotOf([]).id, snapshotOf([]).id];
    const object = `snapshot:${snapshotOf([]).id}`;
    const conflict: Conflict = {
      ...{ id: conflictId(object, 'a/b', writes), kind: 'path', object, field: 'a/b', initial: null },
      ...{ current: writes[0], target: writes[1], resolution: 'current', resolved: false, writes },
      pathBase64: 'YS9i',
    };
    a.recordConflicts(V, [conflict]);
    a.recordConflicts(V, [{ ...conflict, resolution: 'target' }]);
    assert.deepEqual(a.listConflicts(V), [conflict]);
    a.commit(V, [{ edit: 'resolve', conflict: conflict.id, choice: { choice: 'target' } }]);
    assert.deepEqual(a.listConflicts(V), []);
    assert.deepEqual(a.listConflicts(V, { all: true }), [{ ...conflict, resolution: 'target', resolved: true }]);
  });

  it('branches of one name show two names: told once, settled by a rename', () => {
    a.commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'x', creator: 'c' }]);
    b.clock.time += 5;
    b.commit(V, [{ edit: 'create-branch', branch: branchId(3), name: 'x', creator: 'c' }]);
    const { conflicts } = syncWith(a, b);
    const object = `branch:${branchId(3)}`;
    assert.deepEqual(
      conflicts.map((conflict) => [conflict.kind, conflict.object, conflict.current, conflict.target]),
      [['name', object, 'x.0000', 'x']],
    );
    assert.deepEqual(b.listConflicts(V), conflicts);
    a.commit(V, [set(`branch:${branchId(1)}:name`, 'trunk')]);
    assert.deepEqual(syncWith(b, a).conflicts, []);
    const resolve = { edit: 'resolve', conflict: conflicts[0].id, choice: { choice: 'current' } } as const;
    assert.throws(() => a.commit(V, [resolve]), { code: 'usage', hint: /rename/ });
    a.commit(V, [set(`${object}:name`, 'y')]);
    assert.deepEqual(a.listConflicts(V, { all: true }), []);
  });
});

describe('metadata: deciding, in a file', () => {
  let dir: string;
  let path: string;
  let a: Store;
  let b: MetaStore;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    path = join(dir, 'meta.db');
    a = memoryStore();
    b = openMetaStore({ path, create: true });
    seed(a);
    fetchFrom(b, a);
    a.commit(V, [set('volset:name', 'A')]);
    b.commit(V, [set('volset:name', 'B')]);
  });
  afterEach(() => {
    for (const store of [a, b]) store[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });

  it('a dry run answers what the round would do, and changes no byte', () => {
    a.cut(V);
    const round = { ...roundFrom(a, b.cut(V)), policy: 'target' } as const;
    const before = dump(path);
    const { conflicts, written, changed } = b.apply(V, { ...round, dryRun: true });
    assert.equal(dump(path), before);
    const done = b.apply(V, round);
    assert.deepEqual([done.conflicts, done.written, done.changed], [conflicts, written, changed]);
    assert.deepEqual([conflicts.length, written, changed], [1, 1, ['volset:name']]);
  });
  it('an edit that another process makes between plan and commit is seen', () => {
    a.cut(V);
    const round = { ...roundFrom(a, b.cut(V)), policy: 'target' } as const;
    const other = openMetaStore({ path });
    other.commit(V, [set('volset:name', 'late'), set('volset:owner', 'me')]);
    const { conflicts } = b.apply(V, round);
    assert.deepEqual([conflicts.length, conflicts[0].current, conflicts[0].target], [1, 'late', 'A']);
    assert.deepEqual([other.findVolset(V)?.name, other.findVolset(V)?.owner], ['A', 'me']);
    other[Symbol.dispose]();
    fetchFrom(a, b);
    assert.deepEqual(a.findVolset(V), b.findVolset(V));
  });
  it('a record of a conflict that was damaged is noticed', () => {
    fetchFrom(b, a, { policy: 'target' });
    assert.deepEqual(b.verify(), []);
    const db = new DatabaseSync(path);
    const faults = ["UPDATE conflicts SET target = 'a'", 'UPDATE heads SET shown = 0', 'DELETE FROM heads'].map(
      (sql) => {
        db.exec(sql);
        return b.verify().length;
      },
    );
    assert.deepEqual([faults[0], faults[1] > 1, faults[2] > 1], [1, true, true]);
    db.close();
  });
});
