import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { type Client, MAIN, Rig, type RunningHub, VOLSET } from './rig.ts';

/** Deterministic, so that a failure can be played again: PLAIT_SEED. */
function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0;
  return (sides) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

describe('sync: many stores', function () {
  this.timeout(300_000);
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  async function storesAt(hubs: RunningHub[], skews: number[]): Promise<Client[]> {
    const stores: Client[] = [];
    for (const [n, skewMs] of skews.entries()) {
      const client = await rig.client(`s${n}`, { skewMs });
      for (const [h, hub] of hubs.entries()) client.follow(`hub${h}`, hub);
      stores.push(client);
    }
    stores[0].start();
    await stores[0].save({ f: '1' });
    for (const [h] of hubs.entries()) await stores[0].meet(`hub${h}`, 'sync');
    for (const store of stores.slice(1)) await store.meet('hub0', 'sync');
    return stores;
  }

  const shown = (store: Client) => {
    const { name, description, attrs } = store.meta.findVolset(VOLSET)!;
    return { name, description, attrs };
  };

  /** Values that no later edit has seen: each is shown, or in a record. */
  function assertKept(store: Client, values: string[]) {
    const kept = new Set(
      store.meta.listConflicts(VOLSET, { all: true }).flatMap(({ current, target }) => [current, target]),
    );
    const lost = values.filter((value) => value !== store.description && !kept.has(value));
    assert.deepEqual(lost, []);
  }

  for (const policy of ['target', 'current', 'newest'] as const) {
    it(`three unjoined edits, pulled in a chain: ${policy}`, async () => {
      const hub = await rig.hub();
      const stores = await storesAt([hub], [0, 0, 0]);
      for (const [n, store] of stores.entries()) store.set('volset:description', `edit ${n}`);
      for (const n of [0, 1, 2, 1, 0, 2, 1, 0]) await stores[n].meet('hub0', 'sync', { policy });
      for (const store of stores) {
        assert.equal(store.description, stores[0].description);
        assertKept(store, ['edit 0', 'edit 1', 'edit 2']);
        assert.equal((await store.meet('hub0', 'sync')).result.requests, 1);
      }
    });

    it(`three stores and two hubs, edits everywhere, skewed clocks, syncs in any order: ${policy}`, async () => {
      const seed = Number(process.env.PLAIT_SEED ?? randomInt(2 ** 31));
      const roll = dice(seed);
      const hubs = [await rig.hub('h0'), await rig.hub('h1')];
      const hour = 3_600_000;
      const standing = new Set<string>();
      const stores = await storesAt(hubs, [0, 20 * hour, -20 * hour]);
      try {
        for (let step = 0; step < 40; step++) {
          const store = stores[roll(3)];
          const what = roll(5);
          if (what === 0) {
            if (store.description) standing.delete(store.description);
            store.set('volset:description', `value ${step}`);
            standing.add(`value ${step}`);
          } else if (what === 1) store.set(`volset:attr:${roll(3)}`, `${step}`);
          else if (what === 2) store.set('volset:name', `name ${step}`);
          else await store.meet(`hub${roll(2)}`, roll(4) === 0 ? 'pull' : 'sync', { policy });
        }
        let rounds = 0;
        for (let busy = true; busy; rounds++) {
          busy = false;
          for (const store of stores) {
            for (const hub of ['hub0', 'hub1']) {
              const { result } = await store.meet(hub, 'sync', { policy });
              busy ||= !result.upToDate;
            }
          }
          assert.ok(rounds < 20, 'it comes to rest');
        }
        for (const store of stores) {
          assert.deepEqual(shown(store), shown(stores[0]));
          assert.deepEqual(store.meta.verify(), []);
          assertKept(store, [...standing]);
          for (const hub of ['hub0', 'hub1']) {
            const { result } = await store.meet(hub, 'sync');
            assert.deepEqual([result.requests, result.upToDate], [1, true]);
          }
        }
        for (const { thread } of hubs) {
          const view = await thread.meta.findVolset(VOLSET);
          assert.deepEqual([view?.name, view?.description], [shown(stores[0]).name, shown(stores[0]).description]);
        }
      } catch (error) {
        throw new Error(`PLAIT_SEED=${seed}`, { cause: error });
      }
    });
  }

  it('a record that nobody settled says which value stands now, whatever its store once chose', async () => {
    const hubs = [await rig.hub('h0'), await rig.hub('h1')];
    const [a, b] = await storesAt(hubs, [0, 0]);
    a.set('volset:description', 'of a');
    b.set('volset:description', 'of b');
    await a.meet('hub0', 'push');
    await b.meet('hub1', 'push');
    // Each chooses the other's, before either hears of that.
    await a.meet('hub1', 'pull');
    await b.meet('hub0', 'pull');
    assert.deepEqual([a.description, b.description], ['of b', 'of a']);
    for (const store of [a, b, a, b]) for (const hub of ['hub0', 'hub1']) await store.meet(hub, 'sync');
    const stands = (store: Client) =>
      store.meta
        .listConflicts(VOLSET)
        .map(({ resolution, current, target }) => ({ current, target })[resolution as 'current']);
    assert.deepEqual([stands(a), stands(b)], [[a.description], [a.description]]);
    a.set('volset:description', 'neither');
    assert.deepEqual(
      a.meta.listConflicts(VOLSET).map(({ resolution, resolved }) => [resolution, resolved]),
      [['value', false]],
    );
  });

  it('two histories under one id, met first by a third party: both are kept, nobody is blocked', async () => {
    const hub = await rig.hub();
    const [a, third] = await storesAt([hub], [0, 0]);
    await a.close();
    rig.twin('s0', 'twin');
    const original = (await rig.client('s0')).follow('hub0', hub);
    const twin = (await rig.client('twin')).follow('hub0', hub);
    assert.equal(twin.meta.self.store, original.meta.self.store);
    for (let n = 0; n < 3; n++) {
      original.set('volset:attr:original', `${n}`);
      original.meta.cut(VOLSET);
      twin.set('volset:attr:twin', `${n}`);
      twin.meta.cut(VOLSET);
    }
    for (const store of [twin, third, original, third, twin, original, third]) {
      assert.deepEqual((await store.meet('hub0', 'sync')).exits, []);
    }
    for (const store of [original, twin, third]) {
      assert.deepEqual(store.meta.findVolset(VOLSET)?.attrs, { original: '2', twin: '2' });
      assert.deepEqual(store.meta.verify(), []);
    }
    assert.notEqual(twin.meta.self.store, original.meta.self.store);
    for (const store of [original, twin, third]) {
      const tip = await store.save({ f: store.meta.self.label });
      assert.deepEqual((await store.meet('hub0', 'sync')).exits, []);
      assert.equal((await hub.thread.meta.findBranch(VOLSET, MAIN))?.tip, tip);
      for (const other of [original, twin, third]) await other.meet('hub0', 'sync');
    }
    for (const store of [original, twin, third]) {
      const { result } = await store.meet('hub0', 'sync');
      assert.deepEqual([result.upToDate, result.requests], [true, 1]);
    }
  });

  it('fifty clients write different metadata of one volset at once: none fails', async () => {
    const hub = await rig.hub();
    const [first] = await storesAt([hub], [0]);
    const clients: Client[] = [];
    for (let n = 0; n < 50; n++) {
      const client = (await rig.client(`c${n}`, { ephemeral: false })).follow('hub0', hub);
      await client.meet('hub0', 'sync', { selection: { metadataOnly: true } });
      client.set(`volset:attr:k${n}`, `${n}`);
      clients.push(client);
    }
    const done = await Promise.all(clients.map((client) => client.meet('hub0', 'push')));
    assert.deepEqual(
      done.flatMap(({ exits }) => exits),
      [],
    );
    await first.meet('hub0', 'sync');
    assert.equal(Object.keys(first.meta.findVolset(VOLSET)!.attrs).length, 50);
  });
});
