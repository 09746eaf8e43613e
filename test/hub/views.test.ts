/** What the hub keeps of its volsets, and what it reads for it. */
import assert from 'node:assert/strict';
import type { VolsetId } from '../../src/core/ids.ts';
import { VolsetViews } from '../../src/hub/views/volset-views.ts';
import { branchId, fetchFrom, grow, memoryStore, set, V } from '../meta/helpers.ts';
import { ALL, counted, create, hubStore, OTHER, rename, shownBy, viewsOf } from './views-support.ts';

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
