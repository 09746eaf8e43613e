/** Changes that are read page by page while others write, compact or rebuild. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeltasPage } from '../../src/meta/contract.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import { Follower, readToMark } from './follower.ts';
import { addSnapshot, branchId, grow, memoryStore, seed, set, snapshotOf, V, visible } from './helpers.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };
const long = (text: string): string => text.padEnd(200, '.');

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
