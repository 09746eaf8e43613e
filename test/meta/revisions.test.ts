/** The order in which a store has learned what it tells, and what `verify` says of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeGeneration, NO_GENERATION } from '../../src/core/generation.ts';
import type { StoreId } from '../../src/core/ids.ts';
import { type MetaStore, openMetaStore, rebuildMeta } from '../../src/meta/index.ts';
import { Follower, readToMark } from './follower.ts';
import { generationsFor, grow, memoryStore, seed, set, snapshotOf, V, visible } from './helpers.ts';

const NEVER = { retireAfterMs: Number.MAX_SAFE_INTEGER };
const long = (text: string): string => text.padEnd(200, '.');

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
