/** What every metadata engine must pass. `open(n)` gives a fresh store; n tells stores of one test apart. */
import assert from 'node:assert/strict';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { isStamp } from '../../src/core/stamp.ts';
import type { Edit, MetaStore, VolsetView } from '../../src/meta/index.ts';
import {
  addSnapshot,
  branchId,
  fetchFrom,
  generationsFor,
  grow,
  newId,
  roundFrom,
  seed,
  set,
  snapshotOf,
  syncWith,
  V,
} from '../meta/helpers.ts';
import { changesConformance } from './meta-changes.ts';
import { overviewConformance } from './meta-overview.ts';
import { transferConformance } from './meta-transfers.ts';

export function metaConformance(name: string, open: (n: number) => MetaStore): void {
  describe(`metadata store: ${name}`, () => {
    let a: MetaStore;
    let b: MetaStore;
    beforeEach(() => {
      a = open(0);
      b = open(1);
    });
    afterEach(() => {
      for (const meta of [a, b]) {
        assert.deepEqual(meta.verify(), []);
        meta[Symbol.dispose]();
      }
    });

    describe('edits', () => {
      it('make a volset, a branch, a snapshot and a tip visible together', () => {
        const tip = seed(a);
        assert.deepEqual(a.listVolsets(), [a.findVolset(V)]);
        const view = {
          name: 'data',
          description: null,
          owner: null,
          creator: 'ada',
          attrs: {},
          branches: 1,
          snapshots: 1,
        };
        const { named, ...shown } = a.findVolset(V) as VolsetView;
        assert.deepEqual(shown, { id: V, ...view });
        assert.ok(isStamp(named));
        assert.deepEqual(a.listBranches(V), [{ id: branchId(1), name: 'main', tip }]);
        assert.deepEqual(a.findBranch(V, branchId(1)), { id: branchId(1), name: 'main', tip });
        assert.equal(a.findSnapshot(V, tip)?.hasBlob, true);
        assert.deepEqual(a.findSnapshot(V, tip)?.body.parents, []);
        assert.equal(a.findBranch(V, branchId(2)), undefined);
        assert.equal(a.findVolset('d0'.repeat(16) as VolsetId), undefined);
      });
      it('set and unset fields and attributes', () => {
        const tip = seed(a);
        const set = (register: string, value: string | null): Edit => ({ edit: 'set', register, value });
        a.commit(V, [set('volset:description', 'd'), set('volset:attr:k', 'v'), set(`snapshot:${tip}:name`, 'first')]);
        a.commit(V, [set(`snapshot:${tip}:attr:__proto__`, 'x'), set('volset:attr:k', null)]);
        assert.deepEqual(a.findVolset(V)?.attrs, {});
        assert.equal(a.findVolset(V)?.description, 'd');
        assert.deepEqual(Object.entries(a.findSnapshot(V, tip)?.attrs ?? {}), [['__proto__', 'x']]);
        assert.deepEqual(a.snapshotsByName(V, 'first'), [tip]);
        assert.deepEqual(a.snapshotsByName(V, 'main'), []);
      });
      it('saying the same value again is no record', () => {
        seed(a);
        a.cut(V);
        a.commit(V, [{ edit: 'set', register: 'volset:name', value: 'data' }]);
        assert.equal(Object.values(a.cut(V))[0].generation, 1);
      });
      it('are all or none', () => {
        seed(a);
        const before = a.cut(V);
        const to = snapshotOf([]).id;
        assert.throws(
          () =>
            a.commit(V, [
              { edit: 'set', register: 'volset:description', value: 'half' },
              { edit: 'move-ref', branch: branchId(1), from: null, to },
            ]),
          { code: 'not-found' },
        );
        assert.equal(a.findVolset(V)?.description, null);
        assert.deepEqual(a.cut(V), before);
      });
      const refused: [string, (tip: SnapshotId) => Edit, string][] = [
        ['a volset twice', () => ({ edit: 'create-volset', name: 'x', creator: 'y' }), 'exists'],
        ['a branch twice', () => ({ edit: 'create-branch', branch: branchId(1), name: 'x', creator: 'y' }), 'exists'],
        ['an unknown branch', () => ({ edit: 'set', register: `branch:${branchId(9)}:name`, value: 'x' }), 'not-found'],
        ['no register', () => ({ edit: 'set', register: 'volset:tip', value: 'x' }), 'usage'],
        ['an empty name', () => ({ edit: 'set', register: 'volset:name', value: '' }), 'usage'],
        ['another id than the hash', (id) => ({ ...addSnapshot(snapshotOf([])), id }) as Edit, 'integrity'],
        ['unknown parents', () => addSnapshot(snapshotOf([snapshotOf([]).id])), 'protocol'],
        ['deleting what is not there', () => ({ edit: 'delete', object: `branch:${branchId(9)}` }), 'not-found'],
        ['a stale tip', (id) => ({ edit: 'move-ref', branch: branchId(1), from: null, to: id }), 'not-fast-forward'],
        [
          'a branch that is no object',
          (id) => ({ edit: 'move-ref', branch: branchId(9), from: null, to: id }),
          'not-found',
        ],
      ];
      for (const [what, edit, code] of refused) {
        it(`refuse ${what}: ${code}`, () => assert.throws(() => a.commit(V, [edit(seed(a))]), { code }));
      }
      it('refuse an unknown volset', () => assert.throws(() => a.commit(V, []), { code: 'not-found' }));
      it('delete a branch, and its tip goes', () => {
        seed(a);
        a.commit(V, [{ edit: 'delete', object: `branch:${branchId(1)}` }]);
        assert.deepEqual(a.listBranches(V), []);
        assert.equal(a.findBranch(V, branchId(1)), undefined);
        assert.deepEqual(
          a.refs(V, 'self').map((ref) => ref.snapshot),
          [null],
        );
        assert.equal(a.findVolset(V)?.branches, 0);
      });
    });

    describe('names', () => {
      it('of one spelling are told apart by id, alike in list and single view', () => {
        seed(a);
        const [x, y] = [newId(), newId()] as ReturnType<typeof branchId>[];
        for (const branch of [x, y]) a.commit(V, [{ edit: 'create-branch', branch, name: 'main', creator: 'c' }]);
        const lone = newId() as typeof x;
        a.commit(V, [{ edit: 'create-branch', branch: lone, name: `main.${x.slice(0, 4)}`, creator: 'c' }]);
        const shown = new Map(a.listBranches(V).map((branch) => [branch.id, branch.name]));
        assert.equal(shown.get(branchId(1)), 'main');
        assert.equal(shown.get(x), `main.${x.slice(0, 5)}`);
        assert.equal(shown.get(lone), `main.${x.slice(0, 4)}`);
        assert.equal(new Set(shown.values()).size, 4);
        for (const [id, shownName] of shown) assert.equal(a.findBranch(V, id)?.name, shownName);
      });
    });

    changesConformance(() => ({ a, b }));
    transferConformance(() => ({ a, b }));
    overviewConformance(() => ({ a, b }));

    describe('snapshots', () => {
      it('are paged by time, found by prefix, and know their parents', () => {
        const first = seed(a);
        const ids = [first, grow(a), grow(a), grow(a)];
        assert.deepEqual(a.snapshotPage(V, null, 3), ids.slice(0, 3));
        assert.deepEqual(a.snapshotPage(V, ids[2], 3), ids.slice(3));
        assert.deepEqual(a.snapshotsByPrefix(V, ids[1].slice(0, 12), 5), [ids[1]]);
        assert.deepEqual(a.snapshotsByPrefix(V, '', 5), []);
        assert.deepEqual(a.snapshotsByPrefix(V, '%', 5), []);
        const unknown = snapshotOf([]).id;
        assert.deepEqual(a.parentsOf(V, [ids[1], unknown]), { [ids[1]]: [first] });
        assert.deepEqual(a.lineage(V, [ids[3]]), { [ids[3]]: { parents: [ids[2]], depth: 3, line: 3, jump: first } });
      });
      it('tell whose blob is missing, also when it came before the record', () => {
        seed(a);
        const [x, y] = [snapshotOf([]), snapshotOf([])];
        a.setBlobs(V, [x.id]);
        assert.deepEqual(a.missingBlobs(V, [x.id, y.id]), [y.id]);
        a.commit(V, [addSnapshot(x, false), addSnapshot(y, false)]);
        assert.deepEqual(a.missingBlobs(V), [y.id]);
        assert.equal(a.findSnapshot(V, x.id)?.hasBlob, true);
        a.setBlobs(V, [y.id]);
        assert.deepEqual(a.missingBlobs(V), []);
      });
      it('a ref moves only to a complete blob, unless the volset is metadata only', () => {
        const from = seed(a);
        const bare = snapshotOf([from]);
        a.commit(V, [addSnapshot(bare, false)]);
        const move: Edit = { edit: 'move-ref', branch: branchId(1), from, to: bare.id };
        assert.throws(() => a.commit(V, [move]), { code: 'blob-absent' });
        assert.throws(() => a.moveRefs(V, [{ branch: branchId(1), from, to: bare.id }]), { code: 'blob-absent' });
        a.putSetting(`volset.${V}.metadata-only`, 'true');
        a.commit(V, [move]);
        assert.equal(a.findBranch(V, branchId(1))?.tip, bare.id);
      });
    });

    describe('moving refs for a client', () => {
      it('is compare-and-swap, all or none, forwards only', () => {
        const one = seed(a);
        const two = snapshotOf([one]);
        const aside = snapshotOf([one]);
        const branch = branchId(1);
        a.commit(V, [
          addSnapshot(two),
          addSnapshot(aside),
          { edit: 'create-branch', branch: branchId(2), name: 'b', creator: 'c' },
        ]);
        const moved = a.moveRefs(V, [
          { branch, from: one, to: two.id },
          { branch: branchId(2), from: null, to: one },
        ]);
        assert.deepEqual(
          [moved.moved, moved.refs.map((ref) => ref.snapshot), moved.revision],
          [true, [two.id, one], 4],
        );
        const lost = a.moveRefs(V, [
          { branch: branchId(2), from: one, to: two.id },
          { branch, from: one, to: aside.id },
        ]);
        assert.deepEqual([lost.moved, lost.refs.map((ref) => ref.snapshot), lost.revision], [false, [one, two.id], 4]);
        assert.throws(() => a.moveRefs(V, [{ branch, from: two.id, to: aside.id }]), { code: 'not-fast-forward' });
        assert.throws(() => a.moveRefs(V, [{ branch: branchId(7), from: null, to: one }]), { code: 'not-found' });
      });
    });

    describe('generations', () => {
      it('are never empty and chained', () => {
        seed(a);
        const [first] = Object.values(a.cut(V));
        assert.deepEqual(Object.values(a.cut(V)), [first]);
        grow(a);
        a.cut(V);
        const [one, two] = generationsFor(a, {});
        assert.deepEqual([one.previous, two.previous, two.generation], [NO_GENERATION, one.hash, 2]);
      });
      it('wait in the outbox until they are packed', () => {
        seed(a);
        assert.deepEqual(a.unpackedGenerations(10), []);
        a.cut(V);
        fetchFrom(b, a);
        for (const meta of [a, b]) {
          const [{ volset, generation }, ...rest] = meta.unpackedGenerations(10);
          assert.deepEqual([volset, generation, rest.length], [V, generationsFor(a, {})[0], 0]);
          meta.markPacked([{ ...generation, volset }]);
          assert.deepEqual(meta.unpackedGenerations(10), []);
        }
      });
      it('long ones are closed early and paged in order', () => {
        let tip = seed(a);
        for (let i = 0; i < 5; i++) {
          const edits: Edit[] = [];
          for (let k = 0; k < 500; k++) {
            const next = snapshotOf([tip]);
            tip = next.id;
            edits.push(addSnapshot(next));
          }
          a.commit(V, edits);
        }
        a.cut(V);
        const { cursor, generations } = a.planDeltas(V, {}, 0);
        assert.equal(generations, 3);
        assert.equal(a.readDeltas(V, cursor).generations.length, 1);
        fetchFrom(b, a);
        assert.equal(b.findVolset(V)?.snapshots, 2501);
        assert.throws(() => a.readDeltas(V, '[["x",1,2]]'), { code: 'protocol' });
      });
      it('a ref that points into the open generation is told once that is closed', () => {
        const one = seed(a);
        const vector = a.cut(V);
        const two = grow(a);
        const plan = a.planDeltas(V, {}, 0);
        assert.deepEqual([plan.vector, plan.revision, plan.refs.map((ref) => ref.snapshot)], [vector, 2, []]);
        a.cut(V);
        assert.deepEqual(a.planDeltas(V, {}, 2).refs, [{ branch: branchId(1), snapshot: two, revision: 4 }]);
        assert.notEqual(one, two);
      });
    });

    describe('exchange', () => {
      it('brings records and refs, and nothing the second time', () => {
        const tip = seed(a);
        const applied = fetchFrom(b, a);
        assert.deepEqual([applied.generations, applied.snapshots], [1, [tip]]);
        assert.deepEqual(b.refs(V, a.self.store), [{ branch: branchId(1), snapshot: tip, revision: 2 }]);
        assert.deepEqual(b.listBranches(V), [{ id: branchId(1), name: 'main', tip: null }]);
        assert.equal(b.findSnapshot(V, tip)?.hasBlob, false);
        assert.deepEqual(b.missingBlobs(V), [tip]);
        const plan = a.planDeltas(V, b.vector(V), 2);
        assert.deepEqual([plan.generations, plan.refs, a.readDeltas(V, plan.cursor)], [0, [], { generations: [] }]);
        assert.equal(b.revision(V), 1);
      });
      it('takes a change that follows ours, whichever side makes it', () => {
        seed(a);
        fetchFrom(b, a);
        b.commit(V, [{ edit: 'set', register: 'volset:name', value: 'renamed' }]);
        fetchFrom(a, b);
        a.commit(V, [{ edit: 'set', register: 'volset:name', value: 'again' }]);
        fetchFrom(b, a);
        assert.deepEqual([a.findVolset(V)?.name, b.findVolset(V)?.name], ['again', 'again']);
      });
      it('of rivals the policy picks one, everywhere; both stores keep a record of the other', () => {
        seed(a);
        fetchFrom(b, a);
        a.commit(V, [set('volset:name', 'from a')]);
        b.commit(V, [set('volset:name', 'from b'), set('volset:owner', 'o')]);
        const { conflicts } = syncWith(a, b);
        assert.equal(conflicts.length, 1);
        const [{ id, writes, ...conflict }] = conflicts;
        assert.deepEqual(conflict, {
          ...{ kind: 'volset', object: 'volset', field: 'name', initial: 'data', current: 'from a', target: 'from b' },
          ...{ resolution: 'target', resolved: false },
        });
        assert.deepEqual(a.listConflicts(V), conflicts);
        assert.deepEqual([a.findVolset(V), b.findVolset(V)?.owner], [b.findVolset(V), 'o']);
        assert.equal(b.findVolset(V)?.name, 'from b');
        const [mirrored] = b.listConflicts(V);
        assert.deepEqual([mirrored.id, mirrored.current, mirrored.target], [id, 'from b', 'from a']);
        assert.deepEqual(mirrored.writes, writes.toReversed());
        for (const meta of [a, b]) assert.deepEqual(syncWith(meta, meta === a ? b : a).conflicts, []);
      });
      it('a long line of rivals costs no walk a write', () => {
        seed(a);
        fetchFrom(b, a);
        for (const meta of [a, b]) meta.commit(V, [set('volset:name', meta.self.install)]);
        b.commit(
          V,
          Array.from({ length: 3000 }, (_, i): Edit => set('volset:name', `n${i}`)),
        );
        const { conflicts, changed } = fetchFrom(a, b, { policy: 'current' });
        assert.deepEqual([conflicts.length, changed], [1, ['volset:name']]);
        assert.equal(a.findVolset(V)?.name, a.self.install);
      });
      it('equal edits on both sides are no conflict', () => {
        seed(a);
        fetchFrom(b, a);
        for (const meta of [a, b]) meta.commit(V, [set('volset:owner', 'same')]);
        const rounds = [fetchFrom(a, b, { policy: 'target' }), fetchFrom(b, a)];
        assert.deepEqual(
          rounds.map(({ conflicts, written }) => [conflicts, written]),
          [
            [[], 0],
            [[], 0],
          ],
        );
        a.commit(V, [set('volset:owner', 'next')]);
        assert.deepEqual([fetchFrom(b, a).conflicts, b.findVolset(V)?.owner], [[], 'next']);
      });
      it('settling a conflict travels', () => {
        seed(a);
        fetchFrom(b, a);
        for (const meta of [a, b]) meta.commit(V, [set('volset:name', meta.self.install)]);
        const [{ id }] = syncWith(a, b).conflicts;
        b.commit(V, [{ edit: 'resolve', conflict: id, choice: { choice: 'target' } }]);
        syncWith(a, b);
        for (const meta of [a, b]) {
          assert.equal(meta.findVolset(V)?.name, a.self.install);
          assert.deepEqual(meta.listConflicts(V), []);
          const [{ resolved, resolution }] = meta.listConflicts(V, { all: true });
          assert.deepEqual([resolved, resolution], [true, meta === a ? 'current' : 'target']);
        }
      });
      it('a deletion travels; what its author did not see keeps the object', () => {
        const object = `branch:${branchId(1)}`;
        seed(a);
        fetchFrom(b, a);
        b.commit(V, [set(`${object}:name`, 'mine')]);
        a.commit(V, [{ edit: 'delete', object }]);
        const there = fetchFrom(b, a);
        assert.deepEqual([there.conflicts.length, there.deleted, b.listBranches(V).length], [1, [], 1]);
        const here = fetchFrom(a, b);
        assert.deepEqual([here.conflicts.map(({ id }) => id), here.revived], [[there.conflicts[0].id], [object]]);
        assert.deepEqual(
          a.listBranches(V).map((branch) => branch.name),
          ['mine'],
        );
        a.commit(V, [{ edit: 'delete', object }]);
        const gone = fetchFrom(b, a);
        assert.deepEqual([gone.conflicts, gone.deleted, b.listBranches(V)], [[], [object], []]);
      });
      it('a deletion that did not see our snapshots keeps the branch, everywhere', () => {
        const tip = seed(a);
        fetchFrom(b, a);
        b.setBlobs(V, [tip]);
        b.commit(V, [{ edit: 'move-ref', branch: branchId(1), from: null, to: tip }]);
        const mine = grow(b);
        a.commit(V, [{ edit: 'delete', object: `branch:${branchId(1)}` }]);
        const { conflicts, written } = fetchFrom(b, a);
        assert.deepEqual(
          [written, conflicts[0].kind, conflicts[0].current, conflicts[0].target],
          [1, 'delete', 'main', null],
        );
        assert.equal(b.findBranch(V, branchId(1))?.tip, mine);
        fetchFrom(a, b);
        assert.equal(a.findBranch(V, branchId(1))?.name, 'main');
      });
      it('a deleted volset is hidden, still answers, and goes elsewhere as well', () => {
        seed(a);
        fetchFrom(b, a);
        a.commit(V, [{ edit: 'delete', object: 'volset' }]);
        assert.deepEqual([a.findVolset(V), a.listVolsets(), a.knowsVolset(V)], [undefined, [], true]);
        assert.deepEqual(fetchFrom(b, a).deleted, [`branch:${branchId(1)}`, 'volset']);
        assert.equal(b.findVolset(V), undefined);
        assert.throws(() => b.commit(V, [set('volset:name', 'x')]), { code: 'not-found' });
      });
      it('the same snapshot made on both sides is one', () => {
        const tip = seed(a);
        fetchFrom(b, a);
        const same = snapshotOf([tip]);
        for (const meta of [a, b]) meta.commit(V, [addSnapshot(same)]);
        fetchFrom(a, b);
        assert.equal(a.findVolset(V)?.snapshots, 2);
      });
      it('our own generations may come back after a restore', () => {
        seed(a);
        fetchFrom(b, a);
        const round = roundFrom(b, {});
        assert.equal(a.apply(V, { ...round, refs: [] }).generations, 0);
      });
      it('generations of ours that we did not have are kept, and end our epoch', () => {
        seed(a);
        a.cut(V);
        const store = a.self.store;
        const [first] = generationsFor(a, {});
        const lost = makeGeneration(V, store, 2, first.hash, [snapshotOf([]).body]);
        const tip = a.findBranch(V, branchId(1))?.tip;
        const { generations, vector } = a.apply(V, { peer: b.self.store, generations: [first, lost] });
        assert.deepEqual([generations, vector[store].generation], [1, 2]);
        assert.deepEqual([a.self.install, a.self.store === store], [store.slice(0, 32), false]);
        assert.equal(a.findBranch(V, branchId(1))?.tip, tip);
        assert.deepEqual(a.refs(V, 'self'), a.refs(V, a.self.store));
        grow(a);
        assert.deepEqual([a.cut(V)[store].generation, a.vector(V)[a.self.store].generation], [2, 1]);
      });
      it('a deleted volset still answers, and is gone for whoever hears of it', () => {
        seed(a);
        fetchFrom(b, a);
        a.commit(V, [{ edit: 'delete', object: 'volset' }]);
        assert.deepEqual([a.findVolset(V), a.knowsVolset(V)], [undefined, true]);
        fetchFrom(b, a);
        assert.deepEqual([b.findVolset(V), b.knowsVolset(V)], [undefined, true]);
        assert.equal(b.knowsVolset('d0'.repeat(16) as VolsetId), false);
        assert.equal(b.planDeltas(V, a.vector(V), 0).generations, 0);
      });
      it('what a peer says of a branch that is deleted here is kept', () => {
        seed(a);
        fetchFrom(b, a);
        b.commit(V, [{ edit: 'delete', object: `branch:${branchId(1)}` }]);
        const next = grow(a);
        fetchFrom(b, a);
        assert.deepEqual(b.refs(V, a.self.store), [{ branch: branchId(1), snapshot: next, revision: 4 }]);
      });
      it('an empty round makes the volset', () => {
        a.apply(V, { peer: b.self.store, generations: [] });
        assert.deepEqual([a.findVolset(V)?.name, a.findVolset(V)?.branches], [null, 0]);
      });
      it('an asker who shows another history of a store is told so', () => {
        seed(a);
        const vector = structuredClone(a.cut(V));
        vector[a.self.store].hash = NO_GENERATION;
        assert.throws(() => a.planDeltas(V, vector, 0), { code: 'integrity' });
      });
    });

    describe('what is local', () => {
      it('remembers peers', () => {
        seed(a);
        const install = b.self.install;
        assert.equal(a.peer(install, V), undefined);
        const vector = a.cut(V);
        const [x, y] = [snapshotOf([]).id, snapshotOf([]).id];
        a.updatePeer(install, V, { epoch: 2, vector, initial: { [branchId(1)]: x } });
        a.updatePeer(install, V, { revision: 7, lastSync: 5, initial: { [branchId(2)]: y } });
        const told = { install, epoch: 2, revision: 7, vector, settled: null, lastSync: 5 };
        assert.deepEqual(a.peer(install, V), told);
        assert.deepEqual(a.agreedTips(install, V), { [branchId(1)]: x, [branchId(2)]: y });
        a.updatePeer(install, V, { settled: 'ab', initial: { [branchId(1)]: y } });
        assert.deepEqual(a.peer(install, V), { ...told, settled: 'ab' });
        assert.deepEqual(a.agreedTips(install, V), { [branchId(1)]: y, [branchId(2)]: y });
      });
      it('writes the time of a contact that brought no news once a minute', () => {
        seed(a);
        const install = b.self.install;
        const lastSync = (): number | null | undefined => a.peer(install, V)?.lastSync;
        const contact = { epoch: 1, vector: a.cut(V), revision: 3 };
        const start = 1_000_000;
        a.updatePeer(install, V, { ...contact, lastSync: start });
        a.updatePeer(install, V, { ...contact, lastSync: start + 59_999 });
        assert.equal(lastSync(), start);
        a.updatePeer(install, V, { ...contact, revision: 4, lastSync: start + 1 });
        assert.equal(lastSync(), start + 1);
        a.updatePeer(install, V, { ...contact, revision: 4, lastSync: start + 60_001 });
        assert.equal(lastSync(), start + 60_001);
        a.updatePeer(install, V, { ...contact, revision: 4, lastSync: start });
        assert.equal(lastSync(), start);
      });
      it('keeps remotes, settings and tokens', () => {
        const remote = { name: 'origin', url: 'http://h', enabled: true, selection: { branches: ['main'] } };
        a.putRemote(remote);
        a.putRemote({ ...remote, name: 'backup' });
        a.removeRemote('backup');
        assert.deepEqual(a.listRemotes(), [remote]);
        a.putSetting('x', '1');
        a.putSetting('__proto__', '2');
        a.putSetting('x', null);
        assert.deepEqual(Object.entries(a.settings()), [['__proto__', '2']]);
        const token = {
          id: 't',
          hash: 'h',
          label: 'l',
          volset: '*',
          can: ['read'],
          created: 1,
          expires: null,
          revoked: false,
        };
        a.putToken(token);
        assert.deepEqual(
          [a.revokeToken('t'), a.revokeToken('u'), a.listTokens()],
          [true, false, [{ ...token, revoked: true }]],
        );
      });
    });
  });
}
