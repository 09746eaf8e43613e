import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SnapshotId } from '../../src/core/ids.ts';
import { verify } from '../../src/sync/verify.ts';
import { type Client, MAIN, Rig, VOLSET } from './rig.ts';

const whole = { readData: true };

describe('sync: verify', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('finds no fault in a store that got only half of what a block holds', async () => {
    const hub = await rig.hub();
    const a = (await rig.client('a')).start().origin(hub);
    const tree: Record<string, string> = {};
    for (let n = 0; n < 300; n++) tree[`f${String(n).padStart(4, '0')}`] = `content ${n}`;
    await a.save(tree);
    for (let n = 0; n < 100; n++) delete tree[`f${String(n).padStart(4, '0')}`];
    await a.save(tree);
    await a.run('push', { tips: true });
    const b = (await rig.client('b')).origin(hub);
    await b.run('pull');
    assert.ok(b.meta.findSnapshot(VOLSET, b.tip() as SnapshotId)?.hasBlob);
    assert.deepEqual((await verify(b.engine, whole)).result.damage, []);
    await hub.stop();
    assert.deepEqual((await verify((await rig.client('hub')).engine, whole)).result.damage, []);
  });

  const packs = (dir: string): string[] =>
    readdirSync(join(dir, 'packs', VOLSET))
      .filter((name) => name.endsWith('.pack'))
      .map((name) => join(dir, 'packs', VOLSET, name));
  const sql = (file: string, text: string): void => {
    const db = new DatabaseSync(file);
    db.exec(text);
    db.close();
  };
  const eachPack = (change: (path: string) => void) => (dir: string) => packs(dir).forEach(change);
  const planted: Record<string, (dir: string) => void> = {
    'packs that are gone': eachPack((path) => rmSync(path)),
    'packs that were cut': eachPack((path) => truncateSync(path, 100)),
    'a flipped bit in each pack': eachPack((path) => {
      const bytes = readFileSync(path);
      bytes[32 + 24 + 36 + 4] ^= 1;
      writeFileSync(path, bytes);
    }),
    'rows of the index that are gone': (dir) => sql(join(dir, 'index.db'), 'DELETE FROM objects WHERE kind = 0'),
    'a snapshot that is called complete and is not': (dir) =>
      sql(join(dir, 'index.db'), 'DELETE FROM objects WHERE kind = 1'),
  };
  for (const [what, plant] of Object.entries(planted)) {
    it(`finds ${what}, and says which snapshots it hurts`, async () => {
      const a = (await rig.client('a')).start();
      const made = [await a.save({ f: 'one', g: 'two' }), await a.save({ f: 'three', h: 'four' })];
      const { dir } = a.engine;
      await a.close();
      plant(dir);
      const { result, exits } = await verify((await rig.client('a')).engine, whole);
      assert.deepEqual([exits, result.ok], [[14], false]);
      assert.ok(result.damage.every((fault) => fault.volset === VOLSET));
      const hurt = new Set(result.damage.flatMap((fault) => fault.snapshots));
      assert.deepEqual([...hurt].sort(), made.sort(), JSON.stringify(result.damage));
      const paths = new Set(result.damage.flatMap((fault) => fault.paths.map(({ path }) => path)));
      if (what.startsWith('rows')) assert.deepEqual([...paths].sort(), ['f', 'g', 'h']);
    });
  }

  it('finds a branch at a snapshot that nobody knows', async () => {
    const a: Client = (await rig.client('a')).start();
    await a.save({ f: 'one' });
    const { dir } = a.engine;
    await a.close();
    sql(join(dir, 'meta.db'), `UPDATE refs SET snapshot = '${'0'.repeat(64)}' WHERE branch = '${MAIN}'`);
    const again = await rig.client('a');
    const { exits } = await verify(again.engine, whole).catch(({ exit }) => ({ exits: [exit] }));
    assert.deepEqual(exits, [14]);
  });
});
