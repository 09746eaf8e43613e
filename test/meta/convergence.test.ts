/** Histories of several stores that edit, delete and exchange at random. fast-check prints the seed of a failure. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { follows, type KnownWrite, unfollowed } from '../../src/core/heads.ts';
import type { WriteId } from '../../src/core/ids.ts';
import type { Policy } from '../../src/core/reconcile.ts';
import { type Generation, recordId } from '../../src/core/records.ts';
import { idOfBody } from '../../src/core/snapshot-body.ts';
import { type MetaStore, rebuildMeta } from '../../src/meta/index.ts';
import { branchId, fetchFrom, generationsFor, grow, memoryStore, roundFrom, seed, set, V, visible } from './helpers.ts';

const POLICIES: Policy[] = ['target', 'current', 'newest'];
const REGISTERS = ['volset:name', 'volset:description', `branch:${branchId(1)}:name`, `branch:${branchId(2)}:attr:k`];
const OBJECTS = [`branch:${branchId(1)}`, `branch:${branchId(2)}`, 'volset'];

const step = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'delete', 'grow', 'adopt', 'create', 'fetch', 'fetch', 'fetch', 'push'),
  at: fc.nat(2),
  from: fc.nat(2),
  what: fc.nat(3),
  later: fc.nat(3),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Skewed by weeks. */
const CLOCKS = [1e12, 1e12 - 9e9, 1e12 + 7e9];

function play(steps: readonly Step[], policies: readonly Policy[]): MetaStore[] {
  const stores = CLOCKS.map(memoryStore);
  seed(stores[0]);
  stores[0].commit(V, [{ edit: 'create-branch', branch: branchId(2), name: 'side', creator: 'c' }]);
  for (const store of stores.slice(1)) fetchFrom(store, stores[0]);
  steps.forEach(({ kind, at, from, what, later }, i) => {
    const store = stores[at];
    store.clock.time += later;
    if (kind === 'fetch' && at !== from) fetchFrom(store, stores[from], { policy: policies[at] });
    else if (kind === 'push' && at !== from) fetchFrom(store, stores[from]);
    else if (store.findVolset(V) !== undefined) edit(store, stores[from], kind, what, i);
    assertNothingLost(store);
  });
  return stores;
}

function edit(store: MetaStore, other: MetaStore, kind: string, what: number, i: number): void {
  const isThere = (object: string) =>
    object === 'volset' || store.listBranches(V).some(({ id }) => object === `branch:${id}`);
  const branch = branchId(1 + (what % 2));
  const own = store.findBranch(V, branch);
  if (kind === 'set') {
    const register = REGISTERS[what];
    if (
      isThere(
        register
          .split(':')
          .slice(0, register.startsWith('branch') ? 2 : 1)
          .join(':'),
      )
    )
      store.commit(V, [set(register, `v${i % 5}`)]);
  } else if (kind === 'delete') {
    // A whole volume set seldom: little happens after it.
    const object = OBJECTS[what === 3 && i % 4 === 0 ? 2 : what % 2];
    if (isThere(object)) store.commit(V, [{ edit: 'delete', object }]);
  } else if (kind === 'create') {
    store.commit(V, [{ edit: 'create-branch', branch: branchId(100 + i), name: `b${what}`, creator: 'c' }]);
  } else if (kind === 'grow' && own) grow(store, branch);
  else if (kind === 'adopt' && own?.tip === null) {
    const tip = store.refs(V, other.self.store).find((ref) => ref.branch === branch)?.snapshot;
    if (tip) {
      store.setBlobs(V, [tip]);
      store.commit(V, [{ edit: 'move-ref', branch, from: null, to: tip }]);
    }
  }
}

function writesIn(store: MetaStore): Map<string, Map<WriteId, KnownWrite>> {
  store.cut(V);
  const registers = new Map<string, Map<WriteId, KnownWrite>>();
  for (const { records } of generationsFor(store, {})) {
    for (const record of records) {
      if (record.type !== 'write' || record.register.startsWith('conflict:')) continue;
      const writes = registers.get(record.register) ?? new Map<WriteId, KnownWrite>();
      const id = recordId(record) as WriteId;
      registers.set(record.register, writes.set(id, { ...record, id }));
    }
  }
  return registers;
}

/** I6, I13: what is known is shown, or somebody who saw it wrote over it, or a record of a conflict has it. */
function assertNothingLost(store: MetaStore): void {
  const recorded = new Set<string>(store.listConflicts(V, { all: true }).flatMap(({ writes }) => writes));
  for (const [register, writes] of writesIn(store)) {
    const [head] = unfollowed(writes.values());
    const edits = [...writes.values()].filter(({ resolution }) => !resolution);
    const replaced = new Set(edits.flatMap(({ parents }) => parents));
    for (const { id, value } of writes.values()) {
      const isKept = value === head.value || replaced.has(id) || recorded.has(id);
      assert.ok(isKept, `${register} lost the value ${value}`);
    }
  }
}

function dispose(stores: readonly MetaStore[]): void {
  for (const store of stores) store[Symbol.dispose]();
}

/** In some order in which everything comes after what it refers to. */
function causalOrder(generations: readonly Generation[], choices: readonly number[]): Generation[] {
  const known = new Set<string>();
  const left = [...generations];
  const order: Generation[] = [];
  const isReady = ({ generation, previous, records }: Generation): boolean => {
    const own = new Set<string>();
    return (
      (generation === 1 || known.has(previous)) &&
      records.every((record) => {
        if (record.type === 'past') return true;
        const tip = record.type === 'tombstone' && record.tip ? [record.tip] : [];
        const needs: string[] = record.type === 'tombstone' ? [...record.sees, ...tip] : record.parents;
        const ready = needs.every((id) => known.has(id) || own.has(id));
        own.add(record.type === 'snapshot' ? idOfBody(record) : recordId(record));
        return ready;
      })
    );
  };
  while (left.length > 0) {
    const ready = left.filter(isReady);
    const next = ready[(choices[order.length % choices.length] ?? 0) % ready.length];
    left.splice(left.indexOf(next), 1);
    known.add(next.hash);
    for (const record of next.records) known.add(recordId(record));
    order.push(next);
  }
  return order;
}

const history = fc.array(step, { minLength: 5, maxLength: 40 });
const policiesOf = fc.array(fc.constantFrom(...POLICIES), { minLength: 3, maxLength: 3 });
const choices = fc.array(fc.nat(20), { minLength: 10, maxLength: 10 });

describe('metadata: stores that edit the same things', () => {
  it('lose nothing, and show the same in the end, after finitely many rounds (I6, I7, I13, I17)', () => {
    fc.assert(
      fc.property(history, policiesOf, (steps, policies) => {
        const stores = play(steps, policies);
        let rounds = 0;
        for (let quiet = false; !quiet; rounds++) {
          assert.ok(rounds < 12, 'they do not come to rest');
          quiet = true;
          stores.forEach((to, i) => {
            for (const from of stores) {
              if (to === from) continue;
              const { generations, written } = fetchFrom(to, from, { policy: policies[i] });
              if (generations > 0 || written > 0) quiet = false;
              assertNothingLost(to);
            }
          });
        }
        for (const store of stores) {
          assert.deepEqual(visible(store), visible(stores[0]));
          assert.deepEqual(store.verify(), []);
        }
        dispose(stores);
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('the order in which records come does not matter (I7)', () => {
    fc.assert(
      fc.property(history, policiesOf, fc.infiniteStream(fc.nat(20)), (steps, policies, stream) => {
        const stores = play(steps, policies);
        for (const from of stores.slice(1)) fetchFrom(stores[0], from);
        stores[0].cut(V);
        const all = generationsFor(stores[0], {});
        const others = [0, 1, 2].map(() => {
          const other = memoryStore();
          const shuffled = causalOrder(all, [...stream.take(50)]);
          if (shuffled.length % 2) shuffled.reverse(); // as from packs: what comes too early waits
          rebuildMeta(
            other,
            shuffled.map((generation) => ({ volset: V, generation })),
          );
          return other;
        });
        for (const other of others) {
          assert.deepEqual(visible(other), visible(stores[0]));
          assertNothingLost(other);
          assert.deepEqual(other.verify(), []);
        }
        dispose([...stores, ...others]);
      }),
      { numRuns: 30 },
    );
  }).timeout(60_000);

  it('one round met in any order gives the same conflicts, the same deletions, and nothing the second time (I9)', () => {
    fc.assert(
      fc.property(history, policiesOf, choices, choices, (steps, policies, one, two) => {
        const stores = play(steps, policies);
        const [peer, store] = stores;
        const [held, { generations, ...round }] = [store.cut(V), roundFrom(peer, {})];
        const ours = generationsFor(store, {});
        const outcomes = [one, two].map((order) => {
          const copy = memoryStore();
          copy.apply(V, { peer: store.self.store, generations: ours });
          const whole = { ...round, generations: causalOrder(generations, order), policy: policies[1] };
          const { conflicts, deleted, changed } = copy.apply(V, whole);
          const again = copy.apply(V, whole);
          assert.deepEqual([again.conflicts, again.changed, again.written, again.generations], [[], [], 0, 0]);
          const seen = [conflicts.map(({ id }) => id).sort(), deleted.sort(), changed.sort(), visible(copy)];
          dispose([copy]);
          return seen;
        });
        assert.deepEqual(outcomes[0], outcomes[1]);
        assert.deepEqual(store.vector(V), held);
        dispose(stores);
      }),
      { numRuns: 30 },
    );
  }).timeout(60_000);

  it('a write that another follows is never shown', () => {
    const store = memoryStore();
    seed(store);
    for (let i = 0; i < 5; i++) store.commit(V, [set('volset:name', `n${i}`)]);
    const writes = [...(writesIn(store).get('volset:name') as Map<WriteId, KnownWrite>).values()];
    const [last, ...older] = unfollowed(writes).concat(writes.filter(({ value }) => value !== 'n4'));
    assert.equal(store.findVolset(V)?.name, last.value);
    for (const write of older)
      assert.ok(
        follows(last, write, (id) => writes.find((known) => known.id === id)),
        `${write.value}`,
      );
    dispose([store]);
  });
});
