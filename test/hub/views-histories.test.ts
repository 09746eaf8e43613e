/** What the hub shows of its volsets, against what the store says itself, after each step of any history. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BranchId, VolsetId } from '../../src/core/ids.ts';
import type { MetaStore } from '../../src/meta/index.ts';
import { fetchFrom, grow, memoryStore, set, V } from '../meta/helpers.ts';
import { seeded } from '../support/seed.ts';
import { ALL, create, hubStore, OTHER, rename, shownBy, viewsOf } from './views-support.ts';

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
