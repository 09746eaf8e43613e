/** Followers of stores whose histories are made at random, and of stores that others write to meanwhile. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { StoreId } from '../../src/core/ids.ts';
import type { DeltasPage } from '../../src/meta/contract.ts';
import { type MetaStore, openMetaStore, rebuildMeta } from '../../src/meta/index.ts';
import { seeded } from '../support/seed.ts';
import { Follower, readToMark } from './follower.ts';
import {
  addSnapshot,
  branchId,
  fetchFrom,
  generationsFor,
  grow,
  memoryStore,
  seed,
  set,
  snapshotOf,
  V,
  visible,
} from './helpers.ts';

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

describe('metadata: a log that is read while others write', () => {
  let dir: string;
  let path: string;
  let meta: MetaStore;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    path = join(dir, 'meta.db');
    meta = openMetaStore({ path, create: true });
    seed(meta);
    meta.cut(V);
  });
  afterEach(() => {
    assert.deepEqual(meta.verify(), []);
    meta[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
  const generationOf = (count: number) => {
    let tip = meta.findBranch(V, branchId(1))?.tip as never;
    const edits = Array.from({ length: count }, () => {
      const next = snapshotOf([tip]);
      tip = next.id as never;
      return addSnapshot(next);
    });
    meta.commit(V, edits);
    meta.cut(V);
  };

  it('pages between which another connection writes make one consistent run', () => {
    for (let i = 0; i < 6; i++) generationOf(600);
    const other = openMetaStore({ path });
    let written = 0;
    const { changes, mark } = readToMark(meta, 0, () => {
      if (written++ > 20) return;
      grow(other);
      other.cut(V);
      grow(other); // stays open
    });
    assert.ok(written >= 5, 'several pages');
    const lines = changes.flatMap((change) => ('generation' in change ? [change.generation.generation] : []));
    assert.deepEqual(
      lines,
      Array.from({ length: mark.vector[meta.self.store].generation }, (_, i) => i + 1),
    );
    using follower = memoryStore();
    const generations = changes.flatMap((change) => ('generation' in change ? [change.generation] : []));
    const last = new Map(changes.flatMap((change) => ('ref' in change ? [[change.ref.branch, change.ref]] : [])));
    const refs = [...last.values()];
    const { vector, revision } = mark;
    follower.apply(V, { peer: meta.self.store, generations, refs, revision, vector });
    assert.deepEqual(follower.vector(V), vector);
    other[Symbol.dispose]();
  });

  it('a process that commits all the time is followed to its end', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'committer.ts'), path, '60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const follower = new Follower(meta);
    const seen: number[] = [];
    for await (const _ of child.stdout) {
      const found = readToMark(meta, follower.revision);
      seen.push(...found.changes.map(({ revision }) => revision));
      follower.take(found);
    }
    assert.equal((await ended)[0], 0);
    meta.cut(V);
    follower.follow();
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((x, y) => x - y),
    );
    assert.deepEqual([follower.meta.vector(V), visible(follower.meta)], [meta.vector(V), visible(meta)]);
    assert.deepEqual(
      follower.meta.refs(V, meta.self.store).map(({ snapshot }) => snapshot),
      meta.refs(V, 'self').map(({ snapshot }) => snapshot),
    );
    follower.meta[Symbol.dispose]();
  }).timeout(60_000);

  /** A newcomer reads page by page; before its last page the store goes on, and is compacted. */
  function readAcrossCompaction(isPinned: boolean): () => void {
    for (const text of ['one', 'two']) {
      meta.commit(V, [set('volset:description', long(text))]);
      generationOf(900);
    }
    if (isPinned) meta.pin(V, 'newcomer', Number.MAX_SAFE_INTEGER);
    const { cursor, vector, revision, refs } = meta.planDeltas(V, {}, 0);
    let page: DeltasPage = meta.readDeltas(V, cursor);
    const generations = [...page.generations];
    meta.commit(V, [set('volset:description', long('three'))]);
    meta.cut(V);
    meta.compact(V, NEVER);
    while (page.cursor !== undefined) {
      page = meta.readDeltas(V, page.cursor);
      generations.push(...page.generations);
    }
    return () => {
      using newcomer = memoryStore();
      newcomer.apply(V, { peer: meta.self.store, generations, refs, revision, vector, policy: 'target' });
      assert.deepEqual([newcomer.vector(V), newcomer.findVolset(V)?.description], [vector, long('two')]);
      assert.deepEqual(newcomer.verify(), []);
    };
  }
  it('compaction that stops at a pin leaves nothing open', () => {
    meta.pin(V, 'newcomer', Number.MAX_SAFE_INTEGER);
    for (const text of ['one', 'two', 'three']) {
      meta.commit(V, [set('volset:description', long(text))]);
      meta.cut(V);
    }
    assert.equal(meta.compact(V, NEVER).dropped, 0);
    const other = openMetaStore({ path });
    grow(other);
    other[Symbol.dispose]();
    grow(meta);
    assert.equal(meta.findVolset(V)?.snapshots, 3);
  });
  it('a newcomer whose pages are pinned takes what it was told of', () => readAcrossCompaction(true)());
  it('without a pin it lacks what would follow', () => {
    assert.throws(readAcrossCompaction(false), { code: 'protocol' });
  });
});

describe('metadata: revisions', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    path = join(dir, 'meta.db');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function made(): MetaStore {
    const meta = openMetaStore({ path, create: true });
    seed(meta);
    for (let i = 0; i < 3; i++) {
      meta.cut(V);
      grow(meta);
    }
    meta.cut(V);
    return meta;
  }

  const DAMAGE: [what: string, sql: string, fault: RegExp][] = [
    ['two generations change places', 'UPDATE generations SET revision = 20 - revision', /out of order/],
    ['the counter went back', 'UPDATE volsets SET revision = 3', /out of order/],
    ['the floor is beyond', 'UPDATE volsets SET floor = 99', /compacted beyond/],
    ['a ref at a number that waits', 'UPDATE volsets SET open_count = 0, revision = 7', /not its own/],
    ['a generation where the ref is', 'UPDATE generations SET revision = 8 WHERE revision = 7', /not its own/],
    ['a ref before its records', 'UPDATE generations SET revision = 9 WHERE revision = 7', /before the generation/],
    ['a pin that was changed', 'UPDATE pins SET revision = 1', /pins in meta.db is damaged/],
  ];
  for (const [what, sql, fault] of DAMAGE) {
    it(`verify notices: ${what}`, () => {
      using meta = made();
      meta.pin(V, 'reader', 8e15);
      assert.deepEqual(meta.verify(), []);
      const db = new DatabaseSync(path);
      db.exec(sql);
      db.close();
      assert.match(meta.verify().join('; '), fault);
    });
  }

  it('a log that is rebuilt from packs is told from its beginning', () => {
    using meta = made();
    meta.commit(V, [set('volset:description', long('one')), set('volset:description', long('two'))]);
    meta.cut(V);
    meta.compact(V, NEVER);
    using again = memoryStore();
    rebuildMeta(
      again,
      generationsFor(meta, {}).map((generation) => ({ volset: V, generation })),
    );
    assert.deepEqual(again.verify(), []);
    const { changes, mark } = readToMark(again, 0);
    assert.deepEqual([changes.length, mark.vector, mark.revision], [5, meta.vector(V), 5]);
    const follower = new Follower(again);
    follower.follow();
    assert.deepEqual(visible(follower.meta), visible(meta));
    follower.meta[Symbol.dispose]();
  });

  it('a chain that splits leaves the order as it is', () => {
    const store = `${'ab'.repeat(16)}.1` as StoreId;
    const first = makeGeneration(V, store, 1, NO_GENERATION, [snapshotOf([]).body]);
    const [left, right] = [0, 1].map(() => makeGeneration(V, store, 2, first.hash, [snapshotOf([]).body]));
    using source = memoryStore();
    for (const generation of [first, left, right]) source.apply(V, { peer: store, generations: [generation] });
    const follower = new Follower(source);
    const { changes } = readToMark(source, 0);
    assert.deepEqual(
      changes.map((change) => 'generation' in change && change.generation.hash),
      [first.hash, left.hash, right.hash],
    );
    follower.take(readToMark(source, 0));
    assert.deepEqual(follower.meta.vector(V), source.vector(V));
    assert.equal(Object.keys(source.vector(V)).length, 3);
    assert.deepEqual(source.verify(), []);
    follower.meta[Symbol.dispose]();
  });
});
