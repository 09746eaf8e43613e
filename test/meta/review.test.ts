/** Histories in which an edit once got lost, came back, or went unheard. */
import assert from 'node:assert/strict';
import { conflictId } from '../../src/core/conflict.ts';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { SnapshotId, StoreId, WhatHash, WriteId } from '../../src/core/ids.ts';
import { type LoggedRecord, pastOf, recordId, type Write } from '../../src/core/records.ts';
import { type Edit, type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import {
  addSnapshot,
  branchId,
  fetchFrom,
  generationsFor,
  grow,
  memoryStore,
  roundFrom,
  seed,
  set,
  snapshotOf,
  syncWith,
  V,
} from './helpers.ts';

type Store = ReturnType<typeof memoryStore>;

const main = `branch:${branchId(1)}`;
const writesOf = (store: MetaStore): Write[] =>
  generationsFor(store, {})
    .flatMap(({ records }) => records)
    .filter((record) => record.type === 'write');
const idOf = (store: MetaStore, value: string): WriteId =>
  recordId(writesOf(store).find((write) => write.value === value) as Write) as WriteId;

describe('metadata: nothing gets lost unheard', () => {
  let stores: Store[];
  let [a, b, c, d]: Store[] = [];
  beforeEach(() => {
    stores = [memoryStore(), memoryStore(), memoryStore(), memoryStore()];
    [a, b, c, d] = stores;
    seed(a);
    for (const store of [b, c, d]) fetchFrom(store, a);
  });
  afterEach(() => {
    for (const store of stores) {
      assert.deepEqual(store.verify(), []);
      store[Symbol.dispose]();
    }
  });
  const name = (store: MetaStore): string | null | undefined => store.findVolset(V)?.name;
  const call = (store: Store, value: string, later: number): void => {
    store.clock.time += later;
    store.commit(V, [set('volset:name', value)]);
  };

  describe('an edit by somebody who saw the other side win', () => {
    beforeEach(() => {
      call(c, 'hers', 1000);
      call(a, 'his', 2000);
      fetchFrom(b, c, { policy: 'target' });
      assert.equal(fetchFrom(b, a, { policy: 'target' }).written, 0);
      call(b, 'on top of his', 3000);
    });
    it('is told where the value that it passed over came from, under the same id (I13)', () => {
      const { conflicts, written } = fetchFrom(c, b, { policy: 'target' });
      assert.deepEqual([name(c), written], ['on top of his', 0]);
      assert.deepEqual(
        conflicts.map(({ id, initial, current, target, resolution }) => [id, initial, current, target, resolution]),
        [[conflictId('volset', 'name', [idOf(b, 'his'), idOf(b, 'hers')]), 'data', 'hers', 'his', 'target']],
      );
      assert.deepEqual(b.listConflicts(V)[0].id, conflicts[0].id);
    });
    it('is not told again, nor where somebody settled it', () => {
      const [{ id: conflict }] = b.listConflicts(V);
      b.commit(V, [{ edit: 'resolve', conflict, choice: { choice: 'value', value: 'on top of his' } }]);
      for (const store of [c, d, c, d]) assert.deepEqual(syncWith(store, b).conflicts, []);
      for (const store of stores.slice(1)) assert.deepEqual(store.listConflicts(V), []);
    });
    it('of three sides: each value that did not show is in a record everywhere', () => {
      call(d, 'its', 1500);
      fetchFrom(b, d, { policy: 'newest' });
      call(b, 'all seen', 4000);
      for (const store of [a, c, d]) {
        fetchFrom(store, b, { policy: 'target' });
        const kept = new Set(store.listConflicts(V).flatMap(({ current, target }) => [current, target]));
        for (const value of ['hers', 'his', 'its', 'on top of his']) assert.ok(kept.has(value), value);
        assert.equal(name(store), 'all seen');
      }
    });
  });

  it('what was replaced by somebody who saw it is no side any more: policy current does not bring it back', () => {
    call(a, 'old', 1000);
    fetchFrom(b, a, { policy: 'target' });
    call(b, 'replaced', 2000);
    call(c, 'rival', 3000);
    fetchFrom(b, c);
    const { written, conflicts } = fetchFrom(a, b, { policy: 'current' });
    assert.deepEqual([written, name(a), name(b)], [0, 'rival', 'rival']);
    assert.deepEqual(
      conflicts.map(({ id, current, target }) => [id, new Set([current, target])]),
      [[b.listConflicts(V)[0].id, new Set(['replaced', 'rival'])]],
    );
  });

  it('two stores that keep a deleted branch for its snapshots make one write, and tell of one conflict', () => {
    const tip = a.findBranch(V, branchId(1))?.tip as SnapshotId;
    for (const store of [b, c]) {
      store.setBlobs(V, [tip]);
      store.commit(V, [{ edit: 'move-ref', branch: branchId(1), from: null, to: tip }]);
      store.clock.time += 1000 * (1 + stores.indexOf(store));
      grow(store);
    }
    a.commit(V, [{ edit: 'delete', object: main }]);
    for (const store of [b, c]) assert.equal(fetchFrom(store, a, { policy: 'target' }).written, 1);
    syncWith(b, c);
    syncWith(a, b);
    const kept = (store: Store) => writesOf(store).filter(({ register }) => register === `${main}:name`);
    const told = (store: Store) => store.listConflicts(V).map(({ kind, id }) => [kind, id]);
    for (const store of [a, b, c]) {
      assert.equal(new Set(kept(store).map(recordId)).size, 2);
      assert.deepEqual(told(store), [['delete', a.listConflicts(V)[0].id]]);
      assert.deepEqual(
        store.listBranches(V).map((branch) => branch.name),
        ['main'],
      );
    }
  });

  describe('what was deleted by somebody who saw both names', () => {
    const rename = (store: Store, value: string, later: number): void => {
      store.clock.time += later;
      store.commit(V, [set(`${main}:name`, value)]);
    };
    beforeEach(() => {
      rename(a, 'his', 2000);
      rename(c, 'hers', 1000);
      for (const store of [a, c]) fetchFrom(b, store);
      b.commit(V, [{ edit: 'delete', object: main }]);
    });
    it('is not brought back by a policy that chooses one of them', () => {
      fetchFrom(c, b, { policy: 'current' });
      for (let i = 0; i < 2; i++) for (const store of [a, c]) syncWith(store, b);
      for (const store of [a, b, c]) assert.deepEqual(store.listBranches(V), []);
    });
    it('nor by one that did so before it heard of the deletion; an edit after that does', () => {
      assert.equal(fetchFrom(c, a, { policy: 'current' }).written, 1);
      syncWith(c, b);
      for (const store of [b, c]) assert.deepEqual(store.listBranches(V), []);
      fetchFrom(d, a);
      fetchFrom(d, c, { policy: 'target' });
      assert.deepEqual(d.listBranches(V), []);
    });
    it('but by an edit on top of what the policy chose', () => {
      fetchFrom(c, a, { policy: 'current' });
      rename(c, 'kept', 5000);
      const { conflicts } = syncWith(c, b);
      assert.deepEqual(
        conflicts.map(({ kind, writes }) => [kind, writes.includes(idOf(c, 'kept'))]),
        [['delete', true]],
      );
      assert.deepEqual(
        b.listBranches(V).map((branch) => branch.name),
        ['kept'],
      );
      assert.deepEqual(b.listConflicts(V).find(({ kind }) => kind === 'delete')?.id, conflicts[0].id);
    });
  });

  describe('a relay that says that something was dropped which nothing follows is not believed:', () => {
    const drop = (record: LoggedRecord): LoggedRecord =>
      record.type === 'write'
        ? pastOf(record)
        : {
            type: 'past',
            author: a.self.store,
            parents: [],
            stamp: '0000000000000001',
            what: 'ab'.repeat(32) as WhatHash,
          };
    const edits: [string, Edit[], string][] = [
      ['an edit', [set('volset:description', 'precious')], 'protocol'],
      ['a deletion', [{ edit: 'delete', object: main }], 'integrity'],
      ['a snapshot', [addSnapshot(snapshotOf([]))], 'integrity'],
    ];
    for (const [what, edit, code] of edits) {
      it(what, () => {
        a.commit(V, edit);
        a.cut(V);
        const round = { ...roundFrom(a, b.vector(V)), policy: 'target' } as const;
        const generations = round.generations.map((g) => ({ ...g, records: g.records.map(drop) }));
        const before = b.vector(V);
        assert.throws(() => b.apply(V, { ...round, generations }), { code });
        assert.deepEqual(b.vector(V), before);
        assert.equal(b.apply(V, round).generations, 1);
      });
    }
  });

  it('a write with the last stamp of all stops no sync; it stands, and what it met is in a record', () => {
    const stamp = 'efffffffffffffff';
    const peer = `${'5'.repeat(32)}.1` as StoreId;
    const generation = makeGeneration(V, peer, 1, NO_GENERATION, [
      { type: 'write', register: 'volset:name', value: 'last', parents: [], stamp, author: peer },
    ]);
    a.apply(V, { peer, generations: [generation] });
    call(b, 'mine', 1000);
    const { written, conflicts } = fetchFrom(b, a, { policy: 'current' });
    assert.deepEqual([written, name(b)], [0, 'last']);
    assert.ok(conflicts.some(({ current, target }) => current === 'mine' && target === 'last'));
  });
});

describe('metadata: the clock after a restore', () => {
  it('gives no stamp at or below one that this store gave before, whatever the time is now', () => {
    using original = memoryStore(2e12);
    seed(original);
    original.commit(V, [set('volset:description', 'given late')]);
    using hub = memoryStore();
    fetchFrom(hub, original);
    const { install, epoch } = original.self;
    // Put back to before its first edit, on a machine whose clock went back, too.
    using restored = openMetaStore({ path: ':memory:', label: 'here', now: () => 1e12, identity: { install, epoch } });
    fetchFrom(restored, hub);
    restored.commit(V, [set('volset:attr:other', 'no parent tells the time')]);
    restored.cut(V);
    const stamps = (store: MetaStore): string[] =>
      generationsFor(restored, {})
        .filter(({ store: author }) => author === store.self.store)
        .flatMap(({ records }) => records.flatMap((record) => ('stamp' in record ? [record.stamp] : [])));
    const [before, after] = [stamps(original).sort().at(-1), stamps(restored).sort()[0]];
    assert.ok(before !== undefined && after > before, `${after} after ${before}`);
  });
});
