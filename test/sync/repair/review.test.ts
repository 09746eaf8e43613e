/** What a repair must not make worse. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SnapshotId } from '../../../src/core/ids.ts';
import { snapshotKey } from '../../../src/core/register.ts';
import { repairMetadata } from '../../../src/sync/repair/metadata.ts';
import { inspectStore } from '../../../src/sync/repair/outcome.ts';
import { repairStore } from '../../../src/sync/repair/repair.ts';
import { settle } from '../../../src/sync/settle.ts';
import { openMeta } from '../../../src/sync/store.ts';
import { type Client, MAIN, Rig, VOLSET } from '../rig.ts';

const world = { now: Date.now, random: randomBytes, creator: 'test' };
const signal = new AbortController().signal;
const options = { world, label: 'test', lockWaitMs: 5000, signal };

const noise = (): string => randomBytes(4500).toString('hex');
const remove = (path: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
};
const sql = (path: string, text: string): void => {
  using db = new DatabaseSync(path);
  db.exec(text);
};
const packs = (dir: string): string[] =>
  readdirSync(join(dir, 'packs', VOLSET))
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join(dir, 'packs', VOLSET, name));

describe('sync: a repair makes nothing worse', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const forget = (a: Client, id: SnapshotId): void =>
    a.meta.commit(VOLSET, [{ edit: 'delete', object: snapshotKey(id) }]);

  it('what was forgotten and lost its data is not whole when it comes back', async () => {
    const hub = await rig.hub();
    let a = (await rig.client('a')).start().origin(hub);
    const first = await a.save({ f: noise() });
    const lost = packs(a.engine.dir);
    await a.save({ f: noise() });
    await a.run('push');
    const b = (await rig.client('b')).origin(hub);
    await b.run('pull');
    b.set(`${snapshotKey(first)}:name`, 'kept');
    forget(a, first);
    await settle(a.engine, VOLSET);
    const { dir } = a.engine;
    await a.close();
    for (const path of lost) rmSync(path);
    a = await rig.client('a');
    a.meta.putRemote({ ...a.remote, enabled: false });
    await inspectStore(a.engine, { readData: true }, await repairStore(a.engine));
    a.meta.putRemote({ ...a.remote, enabled: true });
    await b.run('push');
    await a.run('pull', {}, { dryRun: false });
    assert.equal(a.meta.findSnapshot(VOLSET, first)?.name, 'kept');
    const reader = a.engine.blob.reader(VOLSET);
    const { root } = a.meta.findSnapshot(VOLSET, first)?.body ?? assert.fail();
    const isHere = reader.has(1, Buffer.from(root, 'hex'))[0] === 1;
    assert.equal(isHere, a.meta.missingBlobs(VOLSET, [first]).length === 0);
    assert.ok(dir);
  });

  it('without metadata and with a damaged pack: what it hurt is told and kept file by file', async () => {
    let a = (await rig.client('a')).start();
    const { dir } = a.engine;
    const kept = noise();
    await a.save({ kept });
    const old = new Set(packs(dir));
    const second = await a.save({ kept, lost: noise() });
    const hurt = packs(dir).filter((path) => !old.has(path));
    await a.save({ kept });
    await settle(a.engine, VOLSET);
    await a.close();
    remove(join(dir, 'meta.db'));
    for (const path of hurt) rmSync(path);
    const notes = await repairMetadata(dir, options);
    a = await rig.client('a');
    const { result, exits } = await inspectStore(a.engine, { readData: true }, await repairStore(a.engine));
    assert.deepEqual([exits, result.lost, result.losses[0]?.snapshots], [[14], 1, [second]], JSON.stringify(notes));
  });

  it('a branch that stands on what somebody else forgot stays there', async () => {
    let a = (await rig.client('a')).start();
    await a.save({ f: '1' });
    const last = await a.save({ f: '2' });
    await settle(a.engine, VOLSET);
    const { dir } = a.engine;
    await a.close();
    rig.copy('a', 'b');
    const b = await rig.client('b');
    const side = 'bb'.repeat(16) as never;
    await b.save({ f: '3' });
    b.branch(side, 'side', b.tip() as SnapshotId);
    forget(b, last);
    const vector = await settle(b.engine, VOLSET);
    a = await rig.client('a');
    const plan = b.meta.planDeltas(VOLSET, a.meta.vector(VOLSET), 0);
    const { generations } = b.meta.readDeltas(VOLSET, plan.cursor);
    // As a hub is pushed to: it is shown no refs.
    a.meta.apply(VOLSET, { peer: b.meta.self.store, generations, vector });
    assert.equal(a.tip(), last);
    assert.deepEqual(a.meta.forgotten(VOLSET), [last]);
    await settle(a.engine, VOLSET);
    await a.close();
    remove(join(dir, 'meta.db'));
    await repairMetadata(dir, options);
    a = await rig.client('a');
    assert.equal(a.tip(MAIN), last);
    assert.deepEqual(a.meta.missingBlobs(VOLSET, [last]), []);
    assert.deepEqual(a.meta.verify(), []);
  });

  it('what may have been promised to others is not dropped at once', async () => {
    let a = (await rig.client('a')).start();
    const first = await a.save({ f: '1' });
    await a.save({ f: '2' });
    await settle(a.engine, VOLSET);
    const { dir } = a.engine;
    await a.close();
    remove(join(dir, 'meta.db'));
    await repairMetadata(dir, options);
    a = await rig.client('a');
    const dryRun = true;
    assert.deepEqual(a.meta.dropBlobs(VOLSET, [first], { dryRun }).refused, [{ snapshot: first, reason: 'promised' }]);
    assert.deepEqual(a.meta.dropBlobs(VOLSET, [first], { dryRun, force: true }).dropped, [first]);
  });

  it('two repairs at once: one waits for the other', async () => {
    let a = (await rig.client('a')).start();
    const last = await a.save({ f: '1' });
    await settle(a.engine, VOLSET);
    const { dir } = a.engine;
    await a.close();
    sql(join(dir, 'meta.db'), 'DELETE FROM heads');
    const both = await Promise.all([repairMetadata(dir, options), repairMetadata(dir, options)]);
    assert.deepEqual(both.map(({ length }) => length).sort(), [0, 1]);
    a = await rig.client('a');
    assert.equal(a.tip(), last);
  });

  it('metadata that somebody has open is not exchanged', async () => {
    const a = (await rig.client('a')).start();
    await a.save({ f: '1' });
    await settle(a.engine, VOLSET);
    const { dir } = a.engine;
    await a.close();
    using meta = openMeta(dir, options);
    sql(join(dir, 'meta.db'), 'DELETE FROM heads');
    await assert.rejects(repairMetadata(dir, { ...options, lockWaitMs: 50 }), { code: 'busy' });
    assert.ok(meta.self.store);
  });

  it('a token that was revoked, or that the damaged metadata lacks, counts', async () => {
    const row = { hash: 'ab', label: 'l', volset: '*', can: ['read'], created: 5, expires: null, revoked: false };
    const a = (await rig.client('a')).start();
    a.meta.putToken({ ...row, id: 'one' });
    a.meta.putToken({ ...row, id: 'two' });
    await settle(a.engine, VOLSET);
    const { dir } = a.engine;
    const older = join(rig.dir, 'older.db');
    sql(join(dir, 'meta.db'), `DELETE FROM tokens WHERE id = 'two'; VACUUM INTO '${older}'`);
    a.meta.putToken({ ...row, id: 'two' });
    a.meta.revokeToken('one');
    a.branch('bb'.repeat(16) as never, 'side', await a.save({ f: '1' }));
    await settle(a.engine, VOLSET);
    await a.close();
    remove(join(dir, 'meta.db'));
    cpSync(older, join(dir, 'meta.db'));
    assert.match((await repairMetadata(dir, options))[0].what, /lacked/);
    const again = await rig.client('a');
    assert.deepEqual(
      again.meta.listTokens().map(({ id, revoked }) => [id, revoked]),
      [
        ['one', true],
        ['two', false],
      ],
    );
  });

  it('generations that fit nowhere do not make metadata anew each time', async () => {
    let a = (await rig.client('a')).start();
    await a.save({ f: '1' });
    await settle(a.engine, VOLSET);
    await a.close();
    rig.copy('a', 'b');
    const b = await rig.client('b');
    await b.save({ f: '2' });
    await settle(b.engine, VOLSET);
    await b.save({ f: '3' });
    b.meta.cut(VOLSET);
    a = await rig.client('a');
    const { dir } = a.engine;
    const { generation } = b.meta.unpackedGenerations(10)[0];
    const { encodeGeneration } = await import('../../../src/core/generation.ts');
    await a.engine.blob.appendLog(VOLSET, [encodeGeneration(generation)]);
    await a.close();
    const notes = await repairMetadata(dir, options);
    assert.deepEqual([notes, await repairMetadata(dir, options)], [[], []]);
  });
});
