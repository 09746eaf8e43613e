/** A store of the previous format, made by the last program that wrote it: read as it is, then brought to this one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { SnapshotId } from '../../src/core/ids.ts';
import { type MetaStore, migrateMetaStore, openMetaStore } from '../../src/meta/index.ts';
import { dump } from './helpers.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/store-format-3.tar.gz', import.meta.url));
const formatOf = (path: string): unknown => {
  const db = new DatabaseSync(path, { readOnly: true });
  const { user_version: found } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  db.close();
  return found;
};

describe('metadata: a store of format 3', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-migrate-'));
    execFileSync('tar', ['-xzf', FIXTURE, '-C', dir]);
    path = join(dir, 'work', '.plait', 'meta.db');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** All that it shows. */
  const shown = (meta: MetaStore): unknown =>
    meta.listVolsets().map((view) => ({
      view,
      branches: meta.listBranches(view.id),
      snapshots: meta.snapshotPage(view.id, null, 100).map((id) => meta.findSnapshot(view.id, id)),
      conflicts: meta.listConflicts(view.id, { all: true }),
      members: meta.listMembers(view.id),
      refs: meta.refs(view.id, 'self'),
      vector: meta.vector(view.id),
      numbers: meta.numberedBlobs(view.id, 1, 100, 100),
      queue: meta.queue({ volset: view.id }),
      remotes: meta.listRemotes(),
      tokens: meta.listTokens(),
      settings: meta.settings(),
      peers: meta.listRemotes().map(({ identity }) => identity && meta.peer(identity.slice(0, 32) as never, view.id)),
    }));
  function inspect(): { text: string; faults: string[]; volset: never } {
    using meta = openMetaStore({ path });
    const [{ id }] = meta.listVolsets();
    return { text: JSON.stringify(shown(meta)), faults: meta.verify(), volset: id as never };
  }

  it('is read whole, and not a byte of it is changed', () => {
    const before = dump(path);
    const { text, faults } = inspect();
    assert.deepEqual(faults, []);
    for (const word of ['trail-camera', 'day-1', 'sorted-1', 'waiting', 'as the laptop saw it', 'hub.example'])
      assert.ok(text.includes(word), word);
    assert.equal(dump(path), before);
  });

  it('whatever writes is refused with the way out, in each of its transactions', () => {
    const before = dump(path);
    {
      using meta = openMetaStore({ path });
      const [{ id: volset }] = meta.listVolsets();
      const [snapshot] = meta.snapshotPage(volset, null, 1) as SnapshotId[];
      const writes: [string, () => unknown][] = [
        ['commit', () => meta.commit(volset, [{ edit: 'set', register: 'volset:description', value: 'x' }])],
        ['apply', () => meta.apply(volset, { peer: `${'5'.repeat(32)}.1` as never, generations: [] })],
        ['putSetting', () => meta.putSetting('x', 'y')],
        ['enqueue', () => meta.enqueue(volset, 'origin', [{ snapshot, priority: 0 }], 1)],
        ['keepBlobs', () => meta.keepBlobs(volset, 'transfer:1', [snapshot], 9e12)],
        ['unkeepBlobs', () => meta.unkeepBlobs('transfer:1')],
        ['setDamaged', () => meta.setDamaged(volset, [snapshot], true)],
        ['compact', () => meta.compact(volset, { retireAfterMs: 1 })],
      ];
      for (const [what, write] of writes)
        assert.throws(
          write,
          (error: { code?: string; hint?: string }) =>
            error.code === 'format' && /plait migrate/.test(error.hint ?? ''),
          what,
        );
      // A note that it was read is not worth an error.
      meta.putStamp({ what: 'verify', volset: null, at: 1, detail: null });
    }
    assert.equal(dump(path), before);
    assert.throws(() => openMetaStore({ path, toWrite: true }), { code: 'format' });
  });

  it('migrates in one transaction: everything shows as before, and it writes', () => {
    const before = inspect();
    const bytes = dump(path);
    assert.deepEqual(migrateMetaStore({ path }, { dryRun: true }), { found: 3, format: 4, forgotten: 0 });
    assert.equal(dump(path), bytes, 'a dry run changes nothing');
    assert.deepEqual(migrateMetaStore({ path }, { dryRun: false }), { found: 3, format: 4, forgotten: 0 });
    const after = inspect();
    assert.deepEqual([after.text, after.faults, formatOf(path)], [before.text, [], 4]);
    assert.deepEqual(migrateMetaStore({ path }, { dryRun: false }), { found: 4, format: 4, forgotten: 0 }, 'once');
    using meta = openMetaStore({ path, toWrite: true });
    meta.commit(after.volset, [{ edit: 'set', register: 'volset:description', value: 'migrated' }]);
    assert.equal(meta.findVolset(after.volset)?.description, 'migrated');
    using fresh = openMetaStore({ path: join(dir, 'fresh.db'), create: true });
    assert.deepEqual([fresh.verify(), tablesOf(path)], [[], tablesOf(join(dir, 'fresh.db'))]);
  });

  it('a tombstone that format 3 did not understand takes effect', () => {
    const { volset } = inspect();
    const db = new DatabaseSync(path);
    const victim = (db.prepare('SELECT id FROM snapshots ORDER BY created LIMIT 1').get() as { id: string }).id;
    const author = `${'5'.repeat(32)}.1`;
    // As it came in a generation of another store.
    const record = {
      author,
      object: `snapshot:${victim}`,
      sees: headsOf(db, victim),
      stamp: '00e8d4a510000000',
      type: 'tombstone',
    };
    db.prepare('INSERT INTO records(position, idx, volset, id, body) VALUES (-1, 0, 1, ?, ?)').run(
      'ab'.repeat(32),
      JSON.stringify(record),
    );
    db.close();
    assert.equal(migrateMetaStore({ path }, { dryRun: false }).forgotten, 1);
    using meta = openMetaStore({ path });
    assert.deepEqual([meta.forgotten(volset), meta.findSnapshot(volset, victim as never)], [[victim], undefined]);
  });

  it('one that another process writes to is waited for, then left as it is', () => {
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    assert.throws(() => migrateMetaStore({ path, lockWaitMs: 10 }, { dryRun: false }), { code: 'busy' });
    other.exec('ROLLBACK');
    other.close();
    assert.equal(formatOf(path), 3);
  });
});

const headsOf = (db: DatabaseSync, id: string): unknown[] =>
  db
    .prepare('SELECT id FROM heads WHERE object = ? ORDER BY id')
    .all(`snapshot:${id}`)
    .map((row) => row.id);

function tablesOf(path: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all();
  db.close();
  return rows.map((row) => ({ ...row }));
}
