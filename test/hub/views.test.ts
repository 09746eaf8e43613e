/** What the hub keeps of its volsets, against what the store says itself. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BranchId, VolsetId } from '../../src/core/ids.ts';
import { displayNames } from '../../src/core/names.ts';
import type { HubMeta } from '../../src/hub/contract.ts';
import { VolsetViews, type VolsetViewsOptions } from '../../src/hub/views/volset-views.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { branchId, fetchFrom, grow, memoryStore, seed, set, V } from '../meta/helpers.ts';
import { seeded } from '../support/seed.ts';

const OTHER = 'd1'.repeat(16) as VolsetId;
const ALL = () => true;

/** The store as a hub sees it, which counts what is asked of it. */
function counted(store: MetaStore) {
  const calls: Record<string, number> = {};
  const meta = new Proxy(store, {
    get(target, name: keyof MetaStore) {
      const member = target[name];
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return async (...args: unknown[]) => {
        calls[name] = (calls[name] ?? 0) + 1;
        return (member as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  }) as unknown as HubMeta;
  /** What was asked since the last time. */
  const since = (): Record<string, number> => {
    const copy = { ...calls };
    for (const name of Object.keys(calls)) delete calls[name];
    return copy;
  };
  return { meta, since };
}

function viewsOf(store: MetaStore, options?: VolsetViewsOptions) {
  const { meta, since } = counted(store);
  const views = new VolsetViews(meta, options);
  const read = async (wants: (id: VolsetId) => boolean = ALL): Promise<unknown> => {
    const seen = await views.read(wants);
    const shown = [...seen.names].map(([id, name]) => [id, name, wants(id) ? JSON.parse(seen.branches(id)) : null]);
    return shown;
  };
  return { views, read, since };
}

/** The same without any views. */
function shownBy(store: MetaStore, wants: (id: VolsetId) => boolean = ALL): unknown {
  const live = store.listVolsets();
  const names = displayNames(live.map(({ id, name, named }) => ({ id, name: name ?? id, stamp: named })));
  return live.map(({ id }) => [id, names.get(id), wants(id) ? store.listBranches(id) : null]);
}

const rename = (object: string, name: string) => set(`${object}:name`, name);
const create = (n: number, name: string) =>
  ({ edit: 'create-branch', branch: branchId(n), name, creator: 'a' }) as const;

/** A hub's store with two volsets that have one name, everything cut. */
function hubStore(): MetaStore {
  const store = memoryStore();
  seed(store);
  store.commit(OTHER, [
    { edit: 'create-volset', name: 'data', creator: 'b' },
    { edit: 'create-branch', branch: branchId(7), name: 'main', creator: 'b' },
  ]);
  for (const volset of [V, OTHER]) store.cut(volset);
  return store;
}

describe('hub views: what is read', () => {
  it('a second answer reads no more than where the store is', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    assert.deepEqual(await read(), shownBy(store));
    assert.deepEqual(since(), { heads: 1, viewOf: 2 });
    assert.deepEqual(await read(), shownBy(store));
    assert.deepEqual(since(), { heads: 1 });
  });

  it('nothing is done before or after somebody asks', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    grow(store);
    store.cut(V);
    await read();
    since();
    grow(store);
    store.cut(V);
    assert.deepEqual(since(), {});
  });

  it('a branch that moved comes with the changes', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    await read();
    since();
    const tip = grow(store);
    store.commit(V, [set(`snapshot:${tip}:description`, 'better')]);
    store.cut(V);
    assert.deepEqual(await read(), shownBy(store));
    assert.deepEqual(since(), { heads: 1, changesAfter: 1 });
  });

  it('a name that was written is read with all that follows from it', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    await read();
    for (const edit of [create(2, 'main'), rename(`branch:${branchId(1)}`, 'first'), rename('volset', 'mine')]) {
      store.commit(V, [edit]);
      store.cut(V);
      since();
      assert.deepEqual(await read(), shownBy(store));
      assert.deepEqual(since(), { heads: 1, changesAfter: 1, viewOf: 1 });
    }
  });

  it('what is not cut is shown, and kept only once it is', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    await read();
    for (const _ of [1, 2]) {
      store.commit(V, [rename(`branch:${branchId(1)}`, `later${_}`)]);
      since();
      assert.deepEqual(await read(), shownBy(store));
      assert.deepEqual(since(), { heads: 1, viewOf: 1 });
    }
    store.cut(V);
    assert.deepEqual(await read(), shownBy(store));
    since();
    await read();
    assert.deepEqual(since(), { heads: 1 });
  });

  it('a deleted volset is gone, and there again when it is', async () => {
    const store = hubStore();
    const { read } = viewsOf(store);
    const other = memoryStore(2e12);
    fetchFrom(other, store);
    await read();
    store.commit(V, [{ edit: 'delete', object: 'volset' }]);
    store.cut(V);
    assert.deepEqual(await read(), shownBy(store));
    assert.equal(((await read()) as unknown[]).length, 1);
    // Who deleted it had not seen this.
    other.commit(V, [rename('volset', 'again'), create(3, 'new')]);
    fetchFrom(store, other);
    assert.deepEqual(await read(), shownBy(store));
    assert.equal(((await read()) as unknown[]).length, 2);
  });

  it('for one volset the others are asked for their names alone', async () => {
    const store = hubStore();
    const { read, since, views } = viewsOf(store);
    const one = (id: VolsetId) => id === OTHER;
    assert.deepEqual(await read(one), shownBy(store, one));
    assert.deepEqual(since(), { heads: 1, listVolsets: 1, viewOf: 1 });
    assert.equal(views.size, 3);
    store.commit(V, [rename('volset', 'mine')]);
    store.cut(V);
    assert.deepEqual(await read(one), shownBy(store, one));
    grow(store);
    store.cut(V);
    assert.deepEqual(await read(), shownBy(store), 'its branches are read when they are wanted');
  });

  it('a store that goes on under another epoch is read anew', async () => {
    const store = hubStore();
    const { meta, since } = counted(store);
    const self = { ...store.self };
    const views = new VolsetViews(
      new Proxy(meta, { get: (t, name) => (name === 'self' ? self : Reflect.get(t, name)) }),
    );
    await views.read(ALL);
    since();
    self.store = self.store.replace(/\d+$/, '2') as typeof self.store;
    await views.read(ALL);
    assert.deepEqual(since(), { heads: 1, viewOf: 2 });
  });

  it('what was compacted meanwhile is read anew', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    await read();
    for (const text of ['one', 'two', 'three']) {
      store.commit(V, [set('volset:description', text.repeat(100)), rename('volset', text)]);
      store.cut(V);
    }
    assert.ok(store.compact(V, { retireAfterMs: Number.MAX_SAFE_INTEGER }).dropped > 0);
    since();
    assert.deepEqual(await read(), shownBy(store));
    assert.deepEqual(since(), { heads: 1, changesAfter: 1, viewOf: 1 });
  });
});

describe('hub views: what is kept', () => {
  it('no more keys than are allowed, those that were wanted last', async () => {
    const store = hubStore();
    const { views, read, since } = viewsOf(store, { maxKeys: 3 });
    assert.deepEqual(await read(), shownBy(store));
    assert.equal(views.size, 2);
    const last = (id: VolsetId) => id === OTHER;
    await read(last);
    since();
    assert.deepEqual(await read(last), shownBy(store, last));
    assert.equal(since()['viewOf'], undefined);
  });

  it('nothing, some time after the last question', async function () {
    this.timeout(30_000);
    const { views, read } = viewsOf(hubStore(), { idleMs: 1 });
    await read();
    while (views.size > 0) await new Promise(setImmediate);
    await read();
    assert.equal(views.size, 4);
    views[Symbol.dispose]();
    assert.equal(views.size, 0);
  });

  it('many who ask at once share what is read, and none gets less than the store had', async () => {
    const store = hubStore();
    const { read, since } = viewsOf(store);
    const before = Array.from({ length: 20 }, () => read());
    grow(store);
    store.cut(V);
    const now = shownBy(store);
    const after = await Promise.all(Array.from({ length: 20 }, () => read()));
    for (const answer of after) assert.deepEqual(answer, now);
    await Promise.all(before);
    assert.equal(since()['heads'], 2);
  });

  it('nothing of an answer that failed', async () => {
    const store = hubStore();
    const { meta } = counted(store);
    let fails = true;
    const viewOf = (volset: VolsetId) =>
      fails && volset === OTHER ? Promise.reject(new Error('io')) : meta.viewOf(volset);
    const views = new VolsetViews(
      new Proxy(meta, { get: (t, name) => (name === 'viewOf' ? viewOf : Reflect.get(t, name)) }),
    );
    await assert.rejects(views.read(ALL), /io/);
    fails = false;
    const seen = await views.read(ALL);
    assert.deepEqual(JSON.parse(seen.branches(OTHER)), store.listBranches(OTHER));
  });
});

const KINDS = [
  ...['create', 'rename', 'describe', 'delete', 'grow', 'grow', 'grow', 'grow', 'push', 'push'],
  ...['volset', 'kill', 'compact', 'other'],
] as const;
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    at: fc.nat(1),
    branch: fc.nat(3),
    name: fc.nat(2),
    wants: fc.constantFrom(0, 0, 0, 1, 2),
    cut: fc.constantFrom(true, true, true, false),
  }),
  { minLength: 5, maxLength: 40 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

/** Two stores; the first is the hub's. */
class History {
  #made = 10;
  readonly stores: MetaStore[] = [hubStore(), memoryStore(1e12 + 5000)];

  constructor() {
    fetchFrom(this.stores[1], this.stores[0]);
  }

  take({ kind, at, branch: n, name: which, cut }: Step): void {
    const [store, name] = [this.stores[at], ['main', 'main.0000', 'x'][which]];
    if (!store.findVolset(V) && kind !== 'push' && kind !== 'other') return;
    const branches = store.findVolset(V) ? store.listBranches(V) : [];
    const branch = branches[n % Math.max(1, branches.length)]?.id;
    if (kind === 'compact') store.compact(V, { retireAfterMs: Number.MAX_SAFE_INTEGER });
    else if (kind === 'push') this.#exchange(at);
    else if (kind === 'other') this.stores[0].commit(OTHER, [rename('volset', ['data', 'mine', 'x'][which])]);
    else if (kind === 'volset') store.commit(V, [rename('volset', ['data', 'mine', 'x'][which])]);
    else if (kind === 'kill') store.commit(V, [{ edit: 'delete', object: 'volset' }]);
    else if (kind === 'create') store.commit(V, [create(this.#made++, name)]);
    else if (branch !== undefined) this.#edit(store, kind, branch, name);
    if (cut) for (const volset of [V, OTHER]) this.stores[0].cut(volset);
  }

  #edit(store: MetaStore, kind: Step['kind'], branch: BranchId, name: string): void {
    if (kind === 'rename') store.commit(V, [rename(`branch:${branch}`, name)]);
    if (kind === 'describe') store.commit(V, [set(`branch:${branch}:description`, name)]);
    if (kind === 'delete') store.commit(V, [{ edit: 'delete', object: `branch:${branch}` }]);
    if (kind === 'grow') grow(store, branch);
  }

  /** The hub's refs move as a client asks; the client takes what the hub has. */
  #exchange(at: number): void {
    const [hub, client] = this.stores;
    if (at === 1) fetchFrom(client, hub, { policy: 'target' });
    else fetchFrom(hub, client);
    if (at === 1 || !hub.findVolset(V)) return;
    hub.setBlobs(
      V,
      client.refs(V, 'self').flatMap(({ snapshot }) => (snapshot ? [snapshot] : [])),
    );
    for (const { branch, snapshot: to } of client.refs(V, 'self')) {
      const from = hub.refs(V, 'self').find((ref) => ref.branch === branch)?.snapshot ?? null;
      if (to === null || from === to || !hub.findBranch(V, branch)) continue;
      try {
        hub.moveRefs(V, [{ branch, from, to }]);
      } catch (error) {
        if ((error as { code?: string }).code !== 'not-fast-forward') throw error;
      }
    }
  }
}

describe('hub views: histories', () => {
  it('at any time they show what the store shows', async function () {
    this.timeout(120_000);
    const total: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        const history = new History();
        const { read, since } = viewsOf(history.stores[0]);
        for (const step of taken) {
          history.take(step);
          const wants = [ALL, (id: VolsetId) => id === V, (id: VolsetId) => id === OTHER][step.wants];
          assert.deepEqual(await read(wants), shownBy(history.stores[0], wants));
        }
        for (const [name, n] of Object.entries(since())) total[name] = (total[name] ?? 0) + n;
        for (const store of history.stores) store[Symbol.dispose]();
      }),
      seeded(80),
    );
    // It is no proof where everything is read each time.
    assert.ok(total['viewOf'] < total['heads'] && total['changesAfter'] > 200, JSON.stringify(total));
  });
});
