import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { encodeGeneration } from '../../../src/core/generation.ts';
import type { BranchId } from '../../../src/core/ids.ts';
import type { MetaStore } from '../../../src/meta/contract.ts';
import { openMetaStore } from '../../../src/meta/index.ts';
import { repairMetadata } from '../../../src/sync/repair/metadata.ts';
import { settle } from '../../../src/sync/settle.ts';
import { verify } from '../../../src/sync/verify.ts';
import { type Client, MAIN, Rig, VOLSET } from '../rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const world = { now: Date.now, random: randomBytes, creator: 'test' };
const signal = new AbortController().signal;
const options = { world, label: 'test', lockWaitMs: 300, signal };

const remove = (path: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
};
const sql = (path: string, text: string): void => {
  using db = new DatabaseSync(path);
  db.exec(text);
};

/** All that counts of a store but its epoch. */
function told(meta: MetaStore) {
  const snapshots = meta.snapshotPage(VOLSET, null, 1000).map((id) => meta.findSnapshot(VOLSET, id));
  const settings = Object.fromEntries(Object.entries(meta.settings()).filter(([key]) => !key.startsWith('peer.')));
  return {
    install: meta.self.install,
    label: meta.self.label,
    branches: meta.listBranches(VOLSET),
    volset: meta.findVolset(VOLSET),
    vector: meta.vector(VOLSET),
    snapshots,
    remotes: meta.listRemotes(),
    tokens: meta.listTokens(),
    settings,
  };
}

describe('sync: metadata is repaired', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const token = {
    id: 't',
    hash: 'ab',
    label: 'l',
    volset: '*',
    can: ['read'],
    created: 5,
    expires: null,
    revoked: false,
  };

  /** With two branches, a setting, a remote and a token; `middle` is called before the last snapshot. */
  async function made(middle: (a: Client) => Promise<void> | void = () => {}): Promise<Client> {
    const a = (await rig.client('a')).start();
    const first = await a.save({ f: '1', g: 'x' });
    a.branch(SIDE, 'side', first);
    a.meta.putSetting('config.max-delete', '10%');
    a.meta.putRemote({ name: 'origin', url: 'http://127.0.0.1:1', volset: VOLSET, enabled: true });
    a.meta.putToken(token);
    await settle(a.engine, VOLSET);
    await middle(a);
    await a.save({ f: '2', g: 'x' });
    await a.save({ f: '1', h: 'y' }, SIDE);
    await settle(a.engine, VOLSET);
    return a;
  }

  const ways: Record<string, (path: string) => void> = {
    gone: remove,
    zeroed: (path) => {
      const { length } = readFileSync(path);
      remove(path);
      writeFileSync(path, Buffer.alloc(length));
    },
    empty: (path) => {
      remove(path);
      writeFileSync(path, '');
    },
    'something else': (path) => {
      remove(path);
      writeFileSync(path, 'no database at all, but longer than a header of one would be: '.repeat(50));
    },
    'without its heads': (path) => sql(path, 'DELETE FROM heads'),
    'without its snapshots': (path) => sql(path, 'DELETE FROM snapshots'),
    'with records changed': (path) => sql(path, `UPDATE records SET body = replace(body, 'data', 'dota')`),
    'with refs changed': (path) => sql(path, `UPDATE refs SET snapshot = '${'0'.repeat(64)}'`),
    'with settings changed': (path) => sql(path, `UPDATE settings SET value = '99%'`),
    'with tokens changed': (path) => sql(path, `UPDATE tokens SET value = '{}'`),
    'without blobs': (path) => sql(path, 'DELETE FROM blobs; DELETE FROM numbers'),
  };
  for (const [way, damage] of Object.entries(ways)) {
    it(`that is ${way}: everything is as it was, under a new epoch`, async () => {
      const a = await made();
      const before = told(a.meta);
      const { epoch } = a.meta.self;
      const { dir } = a.engine;
      await a.close();
      const path = join(dir, 'meta.db');
      damage(path);
      const notes = await repairMetadata(dir, options);
      assert.equal(notes.length, 1, JSON.stringify(notes));
      assert.match(notes[0].what, /^metadata was made anew/);
      const again = await rig.client('a');
      assert.deepEqual(told(again.meta), before);
      assert.ok(again.meta.self.epoch > epoch);
      assert.deepEqual(again.meta.verify(), []);
      assert.deepEqual((await verify(again.engine, { readData: true })).result.damage, []);
      await again.save({ f: '3' });
      await again.close();
      assert.deepEqual(await repairMetadata(dir, options), []);
      assert.equal(existsSync(join(dir, 'damaged')), way !== 'gone');
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.startsWith('meta.db.')),
        [],
      );
    });
  }

  it('that is older than its log gets what it lacks, tips included', async () => {
    let old = '';
    const a = await made((client) => {
      old = join(client.engine.dir, '..', 'old.db');
      sql(join(client.engine.dir, 'meta.db'), `VACUUM INTO '${old}'`);
    });
    const before = told(a.meta);
    const { dir } = a.engine;
    await a.close();
    remove(join(dir, 'meta.db'));
    copyFileSync(old, join(dir, 'meta.db'));
    const [note] = await repairMetadata(dir, options);
    assert.match(note.what, /lacked \d+ generations/);
    const again = await rig.client('a');
    assert.deepEqual(told(again.meta), before);
    assert.deepEqual(again.meta.verify(), []);
  });

  it('of a store that never told its state: one branch with one end is put there, and a hub stays closed', async () => {
    const a = (await rig.client('a')).start();
    await a.save({ f: '1' });
    const last = await a.save({ f: '2' });
    const { dir } = a.engine;
    a.meta.cut(VOLSET);
    // As plait wrote it before there were states.
    await a.engine.blob.appendLog(
      VOLSET,
      a.meta.unpackedGenerations(100).map(({ generation }) => encodeGeneration(generation)),
    );
    await a.close();
    remove(join(dir, 'meta.db'));
    const notes = await repairMetadata(dir, options);
    const again = await rig.client('a');
    assert.equal(again.tip(), last);
    assert.match(JSON.stringify(notes), /stays closed/);
    assert.deepEqual(
      again.meta.listTokens().map(({ revoked }) => revoked),
      [true],
    );
  });

  it('keeps out of the way of whoever has the store open', async () => {
    const a = await made();
    sql(join(a.engine.dir, 'meta.db'), 'DELETE FROM heads');
    await assert.rejects(repairMetadata(a.engine.dir, options), { code: 'busy' });
  });

  const cuts: Record<string, (dir: string) => void> = {
    'before the old one was moved': () => {},
    'when the old one was away': (dir) => remove(join(dir, 'meta.db')),
  };
  for (const [when, cut] of Object.entries(cuts)) {
    it(`is taken up where it was cut off ${when}`, async () => {
      const a = await made();
      const before = told(a.meta);
      const { dir } = a.engine;
      await a.close();
      const path = join(dir, 'meta.db');
      sql(path, 'DELETE FROM heads');
      copyFileSync(path, `${path}.kept`);
      await repairMetadata(dir, options);
      copyFileSync(path, `${path}.repaired`);
      remove(path);
      copyFileSync(`${path}.kept`, path);
      rmSync(`${path}.kept`);
      writeFileSync(`${path}.repair`, 'half of one');
      cut(dir);
      const [note] = await repairMetadata(dir, options);
      assert.match(note.what, /made anew/);
      const again = await rig.client('a');
      assert.deepEqual(told(again.meta), before);
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.startsWith('meta.db.')),
        [],
      );
    });
  }

  it('a hub keeps its tokens, a revoked one stays revoked', async () => {
    const hub = await rig.hub('hub', 0, { auth: true });
    const text = await hub.token('one');
    const a = (await rig.client('a')).start().origin(hub);
    a.token = text;
    await a.save({ f: '1' });
    await a.run('push');
    await hub.stop();
    const path = join(hub.dir, 'meta.db');
    let tokens: unknown[];
    {
      using meta = openMetaStore({ path });
      tokens = meta.listTokens();
    }
    assert.equal(tokens.length, 1);
    remove(path);
    await repairMetadata(hub.dir, options);
    const again = await rig.hub('hub', 0, { auth: true });
    assert.deepEqual(await again.thread.meta.listTokens(), tokens);
    a.origin(again);
    await a.save({ f: '2' });
    // It is the same store, and may go on as such.
    await a.run('push');
    assert.equal((await again.thread.meta.findBranch(VOLSET, MAIN))?.tip, a.tip());
  });
});
