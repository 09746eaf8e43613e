/** Followers of stores whose histories are made at random. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MetaStore } from '../../src/meta/index.ts';
import { seeded } from '../support/seed.ts';
import { Follower, readToMark } from './follower.ts';
import { addSnapshot, branchId, fetchFrom, grow, memoryStore, seed, set, snapshotOf, V, visible } from './helpers.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };
const long = (text: string): string => text.padEnd(200, '.');

const KINDS = [
  ...['set', 'revise', 'revise', 'grow', 'grow', 'grow', 'create', 'delete', 'cut', 'cut'],
  ...['fetch', 'fetch', 'push', 'push', 'move', 'compact', 'compact', 'follow', 'follow'],
] as const;
const step = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: fc.constantFrom(0, 0, 1, 2),
  from: fc.nat(2),
  what: fc.nat(3),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Three stores; followers of the first begin on the way, and again and again take what is new. */
class History {
  readonly stores = [1e12, 1e12 - 9e9, 1e12 + 7e9].map(memoryStore);
  readonly followers: Follower[] = [];

  constructor() {
    seed(this.stores[0]);
    this.stores[0].cut(V);
    for (const store of this.stores.slice(1)) fetchFrom(store, this.stores[0]);
    this.followers.push(new Follower(this.stores[0]));
  }

  take({ kind, at, from, what }: Step, i: number): void {
    const [store, other] = [this.stores[at], this.stores[from]];
    if (kind === 'compact') this.compact(store, what);
    else if (kind === 'cut') store.cut(V);
    else if (kind === 'follow') this.follow(at === 0, what);
    else if (kind === 'fetch' && at !== from) fetchFrom(store, other, { policy: 'target', label: 'x' });
    else if (kind === 'push' && at !== from)
      fetchFrom(store, other, { held: other.cut(V), vector: undefined, label: 'x' });
    else if (kind === 'move') this.move(store, what);
    else this.edit(store, kind, what, i);
  }

  compact(store: MetaStore, what: number): void {
    // Else it waits for those that did not say lately what they hold.
    if (what > 0) for (const { store: member } of store.listMembers(V)) store.retireMember(V, member);
    store.compact(V, NEVER);
  }

  edit(store: MetaStore, kind: string, what: number, i: number): void {
    const branches = store.listBranches(V);
    const branch = branches[what % Math.max(1, branches.length)];
    if (kind === 'set') store.commit(V, [set(`volset:attr:k${what % 2}`, long(`v${i}`))]);
    else if (kind === 'revise')
      for (const text of [long(`a${i}`), long(`b${i}`)]) {
        store.commit(V, [set('volset:attr:k0', text)]);
        store.cut(V);
      }
    else if (kind === 'create')
      store.commit(V, [{ edit: 'create-branch', branch: branchId(100 + i), name: `b${what}`, creator: 'c' }]);
    else if (branch && kind === 'grow') grow(store, branch.id);
    else if (branches.length > 1 && kind === 'delete')
      store.commit(V, [{ edit: 'delete', object: `branch:${branch.id}` }]);
  }

  /** As a hub does it for a client. */
  move(store: MetaStore, what: number): void {
    const branches = store.listBranches(V);
    const branch = branches[what % Math.max(1, branches.length)];
    if (!branch) return;
    const next = snapshotOf(branch.tip ? [branch.tip] : []);
    store.commit(V, [addSnapshot(next)]);
    const { moved, revision } = store.moveRefs(V, [{ branch: branch.id, from: branch.tip, to: next.id }]);
    assert.deepEqual([moved, revision], [true, store.revision(V)]);
  }

  follow(isNew: boolean, what: number): void {
    this.stores[0].cut(V);
    const follower = isNew ? new Follower(this.stores[0]) : this.followers[what % this.followers.length];
    if (isNew) this.followers.push(follower);
    follower.follow();
    this.compare(follower);
  }

  compare({ meta, source, revision }: Follower): void {
    assert.equal(revision, source.revision(V));
    const refs = (store: MetaStore, of: string) =>
      store.refs(V, of as never).map(({ branch, snapshot, revision: moved }) => [branch, snapshot, moved]);
    assert.deepEqual(refs(meta, source.self.store), refs(source, 'self'));
    assert.deepEqual([meta.vector(V), visible(meta)], [source.vector(V), visible(source)]);
  }

  finish(): { resumed: number; restarted: number } {
    this.stores[0].cut(V);
    const told = { resumed: 0, restarted: 0 };
    for (const follower of this.followers) {
      follower.follow();
      this.compare(follower);
      told.resumed += follower.resumed;
      told.restarted += follower.restarted;
    }
    this.checkSeams();
    for (const { meta } of this.followers) assert.deepEqual(meta.verify(), []);
    for (const store of this.stores) assert.deepEqual(store.verify(), []);
    return told;
  }

  /** Wherever one begins, the rest is the same. */
  checkSeams(): void {
    const [store] = this.stores;
    const floor = firstReadable(store);
    const { changes, mark } = readToMark(store, floor);
    for (let after = floor; after <= mark.revision; after++)
      assert.deepEqual(readToMark(store, after), { changes: changes.filter((c) => c.revision > after), mark });
  }

  [Symbol.dispose](): void {
    for (const store of [...this.stores, ...this.followers.map(({ meta }) => meta)]) store[Symbol.dispose]();
  }
}

function firstReadable(store: MetaStore): number {
  for (let after = 0; ; after++) {
    try {
      store.changesAfter(V, after);
      return after;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'compacted');
    }
  }
}

describe('metadata: followers', () => {
  it('who follows from any mark has the heads, refs and vector of the store', () => {
    const told = { resumed: 0, restarted: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        using history = new History();
        steps.forEach((each, i) => {
          history.take(each, i);
        });
        const { resumed, restarted } = history.finish();
        told.resumed += resumed;
        told.restarted += restarted;
      }),
      seeded(60),
    );
    assert.ok(told.resumed > 100 && told.restarted > 10, `both ways were gone: ${JSON.stringify(told)}`);
  }).timeout(60_000);
});
