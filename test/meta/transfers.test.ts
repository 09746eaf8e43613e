import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { InstallId, SnapshotId, StoreId } from '../../src/core/ids.ts';
import type { Priority, SealKey } from '../../src/meta/contract.ts';
import { type MetaStore, openMetaStore } from '../../src/meta/index.ts';
import { META_FORMAT } from '../../src/meta/sqlite/schema.ts';
import { addSnapshot, grow, seed, snapshotOf, V } from './helpers.ts';

const KEY: SealKey = { volset: V, sender: `${'ab'.repeat(16) as InstallId}.1` as StoreId, owner: 'o' };

describe('metadata: numbers, seals and queue on the disk', () => {
  let dir: string;
  let path: string;
  let meta: MetaStore;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-meta-'));
    path = join(dir, 'meta.db');
    meta = openMetaStore({ path, create: true });
  });
  afterEach(() => {
    meta[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });
  const sql = (text: string): void => {
    const db = new DatabaseSync(path);
    db.exec(text);
    db.close();
  };
  const reopen = (): void => {
    meta[Symbol.dispose]();
    meta = openMetaStore({ path });
  };
  const put = (ids: SnapshotId[], priority: Priority = 1): number =>
    meta.enqueue(
      V,
      'origin',
      ids.map((snapshot) => ({ snapshot, priority })),
      1,
    );
  const queued = (): SnapshotId[] => meta.queue({}, { limit: 9 }).map(({ snapshot }) => snapshot);

  it('what was accepted, numbered and sealed is there after a restart', () => {
    const [x, y] = [seed(meta), grow(meta)];
    put([y, x]);
    meta.seal(KEY, { [x]: 3 }, []);
    const before = [meta.queue({}, { limit: 9 }), meta.numberedBlobs(V, 1, 9, 9), meta.sealed(KEY)];
    reopen();
    assert.deepEqual([meta.queue({}, { limit: 9 }), meta.numberedBlobs(V, 1, 9, 9), meta.sealed(KEY)], before);
  });

  it('numbers go on behind a blob that is gone, and it is not listed', () => {
    const [x, y] = [seed(meta), grow(meta)];
    sql(`DELETE FROM blobs WHERE id = '${y}'; UPDATE snapshots SET blob = 0 WHERE id = '${y}'`);
    assert.deepEqual(
      meta.numberedBlobs(V, 1, 9, 9).map(({ snapshot }) => snapshot),
      [x],
    );
    assert.deepEqual([meta.blobHead(V), meta.missingBlobs(V)], [2, [y]]);
    reopen();
    meta.setBlobs(V, [y]);
    assert.deepEqual(meta.blobNumbers(V, [x, y]), { [x]: 1, [y]: 3 });
    assert.deepEqual(meta.verify(), []);
  });

  it('the same numbers go on under another epoch', () => {
    const x = seed(meta);
    meta.seal(KEY, {}, [[1, 2]]);
    sql("UPDATE self SET value = '0' WHERE key = 'x'; DELETE FROM self WHERE key = 'birth'");
    const copy = join(dir, 'copy.db');
    sql(`VACUUM INTO '${copy}'`);
    using other = openMetaStore({ path: copy });
    assert.notEqual(other.self.epoch, meta.self.epoch);
    grow(other);
    assert.equal(other.blobHead(V), 2);
    assert.equal(other.blobNumbers(V, [x])[x], 1);
    assert.deepEqual(other.sealed({ ...KEY, sender: other.self.store }), []);
  });

  it('a damaged seal counts as not sealed, is reported, and is mended by the next', () => {
    const x = seed(meta);
    meta.seal(KEY, { [x]: 9 }, [
      [1, 3],
      [5, 6],
    ]);
    sql('UPDATE sealed SET last = 4 WHERE first = 1');
    assert.deepEqual(meta.sealed(KEY), [
      [5, 6],
      [9, 9],
    ]);
    assert.match(meta.verify().join(), /what is sealed for .* is damaged; it counts as not sealed/);
    assert.deepEqual(meta.seal(KEY, {}, [[1, 1]]), [
      [1, 1],
      [5, 6],
      [9, 9],
    ]);
    assert.deepEqual(meta.verify(), []);
  });
  it('a seal under another key is none', () => {
    seed(meta);
    meta.seal(KEY, {}, [[1, 3]]);
    sql("UPDATE sealed SET owner = 'p'");
    assert.deepEqual(meta.sealed({ ...KEY, owner: 'p' }), []);
  });

  for (const change of [
    "remote = 'other'",
    "snapshot = '00'",
    'priority = 2',
    'dead = 1',
    'attempts = 7',
    "sum = ''",
  ]) {
    it(`a damaged item (${change}) is passed over, and reported`, () => {
      const [x, y] = [seed(meta), grow(meta)];
      put([x, y]);
      const [{ n }] = meta.queue({}, { limit: 1 });
      sql(`UPDATE queue SET ${change} WHERE n = ${n}`);
      assert.deepEqual(queued(), [y]);
      assert.deepEqual(
        meta.queue({}, { limit: 1 }).map(({ snapshot }) => snapshot),
        [y],
      );
      assert.deepEqual(meta.verify(), [`item ${n} of the queue is damaged; it is passed over`]);
      assert.equal(meta.requeue({}), 1);
      // Accepted again it is sent.
      put([x]);
      assert.deepEqual(new Set(queued()), new Set([x, y]));
      meta.unqueue({});
      assert.deepEqual(meta.verify(), []);
    });
  }

  const damages: [string, string, RegExp][] = [
    ['a number', 'UPDATE blobs SET number = 9 WHERE number = 2', /blobs/],
    ['the sender of a blob', "UPDATE blobs SET source = 'x'", /blobs/],
    ['the last number', 'UPDATE numbers SET head = 1', /numbers/],
    ['a flag', 'UPDATE snapshots SET blob = 0', /it is wrong about whether the data of 2 snapshots is here/],
    [
      'a missing row',
      'DELETE FROM blobs WHERE number = 1',
      /it is wrong about whether the data of 1 snapshots is here/,
    ],
    ['a lost head', 'DELETE FROM numbers', /numbers/],
  ];
  for (const [what, damage, message] of damages) {
    it(`damage of ${what} is reported`, () => {
      seed(meta);
      grow(meta);
      sql(damage);
      assert.match(meta.verify().join(), message);
    });
  }
  it('nothing is numbered while the last number is damaged', () => {
    seed(meta);
    for (const damage of ['UPDATE numbers SET head = 0', 'DELETE FROM numbers']) {
      sql(damage);
      assert.throws(() => grow(meta), { code: 'integrity' });
      assert.throws(() => meta.setBlobs(V, [snapshotOf([]).id]), { code: 'integrity' });
    }
  });
  it('an item whose snapshot is unknown is reported', () => {
    seed(meta);
    put([snapshotOf([]).id]);
    assert.match(meta.verify().join(), /item \d+ of the queue is an unknown snapshot/);
  });

  it('a bearer that names ever new stores keeps a bounded number of rows', () => {
    seed(meta);
    const key = (i: number): SealKey => ({ ...KEY, sender: `${i.toString(16).padStart(32, '0')}.1` as StoreId });
    meta.seal({ ...KEY, owner: 'somebody else' }, {}, [[1, 1]]);
    for (let i = 0; i < 1010; i++) meta.seal(key(i), {}, [[1, 1]]);
    const kept = Array.from({ length: 1010 }, (_, i) => meta.sealed(key(i)).length).filter((n) => n > 0);
    assert.equal(kept.length, 1000);
    assert.equal(meta.sealed(key(1009)).length, 1);
    assert.equal(meta.sealed({ ...KEY, owner: 'somebody else' }).length, 1);
  }).timeout(60_000);

  it('reads a page of a long queue without reading the queue', () => {
    const [first, last] = [seed(meta), grow(meta)];
    const items = Array.from({ length: 20_000 }, (_, i) => i.toString(16).padStart(64, '0') as SnapshotId);
    meta.enqueue(
      V,
      'long',
      items.map((snapshot) => ({ snapshot, priority: 0 })),
      1,
    );
    put([first, last]);
    const db = new DatabaseSync(path);
    const plan = (text: string): string => JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${text}`).all());
    assert.match(
      plan(
        'SELECT * FROM queue q WHERE remote = 1 AND volset = 1 AND dead = 0 AND priority = 1 AND n > 1 ORDER BY n LIMIT 9',
      ),
      /USING INDEX queue_order \(remote=\? AND volset=\? AND dead=\? AND priority=\? AND (n|rowid)>\?\)/,
    );
    db.close();
    const page = meta.queue(
      { remote: 'long' },
      { limit: 500, after: meta.queue({ remote: 'long' }, { limit: 500 }).at(-1) },
    );
    assert.deepEqual([page.length, page[0].snapshot], [500, items[500]]);
    assert.deepEqual(queued(), [first, last, ...items.slice(0, 7)]);
    assert.equal(meta.requeue({ remote: 'long' }), 20_000);
    assert.equal(meta.unqueue({ remote: 'long' }), 20_000);
  }).timeout(120_000);

  it('is safe from several processes at once', async () => {
    seed(meta);
    const rounds = 40;
    const writer = (): Promise<number | null> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [join(import.meta.dirname, 'queue-writer.ts'), path, String(rounds)], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        child.on('exit', resolve);
      });
    assert.deepEqual(await Promise.all([writer(), writer(), writer()]), [0, 0, 0]);
    assert.equal(meta.blobHead(V), 1 + 3 * rounds);
    const numbers = meta.numberedBlobs(V, 1, 999, 999).map(({ number }) => number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 1 + 3 * rounds }, (_, i) => i + 1),
    );
    assert.deepEqual(meta.queueCounts(), [{ remote: 'shared', volset: V, waiting: 1, dead: 0 }]);
    assert.deepEqual(meta.verify(), []);
  }).timeout(120_000);

  it('a store of an older format is refused', () => {
    meta[Symbol.dispose]();
    for (const version of [1, 2]) {
      sql(`PRAGMA user_version = ${version}`);
      assert.throws(() => openMetaStore({ path }), { code: 'format', hint: /clone it/ });
    }
    sql(`PRAGMA user_version = ${META_FORMAT}`);
    meta = openMetaStore({ path });
    meta.commit(V, [{ edit: 'create-volset', name: 'v', creator: 'c' }, addSnapshot(snapshotOf([]))]);
    assert.equal(meta.blobHead(V), 1);
  });
});
