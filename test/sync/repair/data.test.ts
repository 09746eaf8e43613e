import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SnapshotId, VolsetId } from '../../../src/core/ids.ts';
import { showPath } from '../../../src/core/paths.ts';
import type { Engine } from '../../../src/sync/engine.ts';
import { inspectStore } from '../../../src/sync/repair/outcome.ts';
import { repairStore } from '../../../src/sync/repair/repair.ts';
import type { Tree } from '../../transfer/support/history.ts';
import { type Client, MAIN, Rig, VOLSET } from '../rig.ts';

const OTHER = 'ee'.repeat(16) as VolsetId;

const repair = async (engine: Engine) => inspectStore(engine, { readData: true }, await repairStore(engine));

const packs = (dir: string, volset = VOLSET): string[] =>
  readdirSync(join(dir, 'packs', volset))
    .filter((name) => name.endsWith('.pack'))
    .map((name) => join(dir, 'packs', volset, name));

/** Incompressible, so that a flipped bit falls into one file's bytes. */
const noise = (n: number): string => randomBytes(n / 2).toString('hex');

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  writeFileSync(path, bytes);
}

const damages: Record<string, (path: string) => void> = {
  deleted: (path) => rmSync(path),
  truncated: (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  'cut to nothing': (path) => truncateSync(path, 0),
  'flipped in its first block': (path) => flip(path, 300),
  'flipped in its directory': (path) => flip(path, -80),
  zeroed: (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length)),
};

/** Files of a snapshot that can be read, byte for byte. */
function readable(engine: Engine, id: SnapshotId): Record<string, string> {
  const reader = engine.blob.reader(VOLSET);
  const files: Record<string, string> = {};
  const root = engine.meta.findSnapshot(VOLSET, id)?.body.root ?? assert.fail();
  try {
    for (const { path, content } of engine.manifest.entries(reader, root)) {
      if (!content) continue;
      try {
        files[showPath(path)] = Buffer.concat([...reader.readFile(content)]).toString();
      } catch (error) {
        assert.match((error as { code: string }).code, /^(blob-absent|integrity)$/);
      }
    }
  } catch (error) {
    assert.match((error as { code: string }).code, /^(blob-absent|integrity)$/);
  }
  return files;
}

describe('sync: damaged packs are repaired', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** Three snapshots, each in a pack of its own. */
  async function made(a: Client): Promise<{ ids: SnapshotId[]; trees: Tree[] }> {
    const trees: Tree[] = [{ f: noise(9000), g: noise(9000) }];
    trees.push({ ...trees[0], h: noise(9000) });
    trees.push({ ...trees[1], f: noise(9000) });
    const ids: SnapshotId[] = [];
    for (const tree of trees) ids.push(await a.save(tree));
    return { ids, trees };
  }

  for (const [way, damage] of Object.entries(damages)) {
    it(`${way}: all of it comes back from a remote`, async () => {
      const hub = await rig.hub();
      let a = (await rig.client('a')).start().origin(hub);
      const { ids, trees } = await made(a);
      await a.run('push');
      const { dir } = a.engine;
      await a.close();
      for (const path of packs(dir)) damage(path);
      a = await rig.client('a');
      const { result, exits } = await repair(a.engine);
      assert.deepEqual([exits, result.damage, result.lost, result.losses], [[], [], 0, []]);
      assert.ok(result.repaired > 0 && result.repairs.length === result.repaired);
      for (const [n, id] of ids.entries()) assert.deepEqual(readable(a.engine, id), trees[n]);
      assert.deepEqual(a.meta.damagedBlobs(VOLSET), []);
      const second = await repair(a.engine);
      assert.deepEqual([second.exits, second.result.repaired], [[], 0], JSON.stringify(second.result.repairs));
    });

    it(`${way}, of three the second: without help all is kept that is not in it, and what is lost is named`, async () => {
      let a = (await rig.client('a')).start();
      const { dir } = a.engine;
      const seen = new Set<string>();
      const trees: Tree[] = [{ f: noise(9000), g: noise(9000) }];
      trees.push({ ...trees[0], h: noise(9000) });
      trees.push({ ...trees[1], f: noise(9000), h: noise(9000) });
      const ids: SnapshotId[] = [];
      const made: string[] = [];
      for (const tree of trees) {
        ids.push(await a.save(tree));
        for (const path of packs(dir)) if (!seen.has(path)) made.push(path);
        for (const path of made) seen.add(path);
      }
      await a.close();
      damage(made[1]);
      a = await rig.client('a');
      const { result, exits } = await repair(a.engine);
      // Of a pack whose directory alone is damaged everything can be saved.
      if (way === 'flipped in its directory') {
        assert.deepEqual([exits, result.lost], [[], 0], JSON.stringify(result, null, 1));
        for (const [n, id] of ids.entries()) assert.deepEqual(readable(a.engine, id), trees[n]);
        return;
      }
      assert.deepEqual(exits, [14]);
      assert.deepEqual(readable(a.engine, ids[0]), trees[0]);
      assert.deepEqual(readable(a.engine, ids[2]), trees[2]);
      assert.deepEqual(a.meta.damagedBlobs(VOLSET), [ids[1]]);
      assert.deepEqual(
        result.losses.map(({ volset, snapshots }) => [volset, snapshots]),
        [[VOLSET, [ids[1]]]],
      );
      assert.equal(result.lost, 1);
      // It is no base, and is not told to be here.
      assert.deepEqual(a.meta.missingBlobs(VOLSET, ids), [ids[1]]);
      const second = await repair(a.engine);
      assert.deepEqual([second.exits, second.result.repaired, second.result.lost], [[14], 0, 1]);
      // A remote that has it is found later.
      await a.save(trees[1]);
      const last = await repair(a.engine);
      assert.deepEqual([last.exits, last.result.lost], [[], 0]);
      assert.deepEqual(readable(a.engine, ids[1]), trees[1]);
    });
  }

  it('what another volset of the store holds is copied', async () => {
    let a = (await rig.client('a')).start();
    const tree = { f: noise(9000), g: noise(9000) };
    const id = await a.save(tree);
    a.start(OTHER, 'other', 'cc'.repeat(16) as never);
    const { dir } = a.engine;
    await using writer = a.engine.blob.writer(OTHER);
    const reader = a.engine.blob.reader(VOLSET);
    const root = a.meta.findSnapshot(VOLSET, id)?.body.root ?? assert.fail();
    for (const { kind, id: object } of a.engine.manifest.reachable(reader, root))
      writer.putObject(kind, reader.readObject(kind, object));
    await writer.finish();
    await a.close();
    for (const path of packs(dir)) rmSync(path);
    a = await rig.client('a');
    const { result, exits } = await repair(a.engine);
    assert.deepEqual([exits, result.lost], [[], 0], JSON.stringify(result));
    assert.deepEqual(readable(a.engine, id), tree);
  });

  it('log.open that was flipped, cut or deleted is written again from metadata, index.db from packs', async () => {
    const log = (dir: string): string => join(dir, 'packs', VOLSET, 'log.open');
    for (const damage of [...Object.values(damages).filter((_, n) => n !== 4), (path: string) => flip(path, 120)]) {
      let a = await rig.client('a');
      if (a.meta.listVolsets().length === 0) a.start();
      const id = await a.save({ f: noise(100) });
      a.meta.cut(VOLSET);
      await repairStore(a.engine);
      const { dir } = a.engine;
      await a.close();
      damage(log(dir));
      {
        using db = new DatabaseSync(join(dir, 'index.db'));
        db.exec('DELETE FROM objects');
      }
      a = await rig.client('a');
      const { result, exits } = await repair(a.engine);
      assert.deepEqual([exits, result.damage, a.tip()], [[], [], id], JSON.stringify(result, null, 1));
      assert.ok(result.repaired > 0);
      const second = await repair(a.engine);
      assert.deepEqual([second.exits, second.result.repaired], [[], 0], JSON.stringify(second.result.repairs));
      await a.close();
    }
  });

  it('a pull brings back what a repair could not', async () => {
    const hub = await rig.hub();
    let a = (await rig.client('a')).start().origin(hub);
    const { ids, trees } = await made(a);
    await a.run('push');
    const { dir } = a.engine;
    await a.close();
    for (const path of packs(dir)) rmSync(path);
    a = await rig.client('a');
    a.meta.putRemote({ ...a.remote, enabled: false });
    assert.equal((await repair(a.engine)).result.lost, 3);
    a.meta.putRemote({ ...a.remote, enabled: true });
    await a.run('pull');
    assert.deepEqual(a.meta.damagedBlobs(VOLSET), []);
    assert.deepEqual((await repair(a.engine)).exits, []);
    for (const [n, id] of ids.entries()) assert.deepEqual(readable(a.engine, id), trees[n]);
  });

  it('a damaged hub gives nobody what it lacks, and a push brings it back', async () => {
    let hub = await rig.hub();
    const a = (await rig.client('a')).start().origin(hub);
    const { ids, trees } = await made(a);
    await a.run('push');
    await hub.stop();
    for (const path of packs(hub.dir)) rmSync(path);
    const there = await rig.client('hub');
    assert.equal((await repair(there.engine)).result.lost, 3);
    await there.close();
    hub = await rig.hub();
    a.origin(hub);
    const b = (await rig.client('b')).origin(hub);
    await b.run('pull');
    assert.deepEqual(b.meta.missingBlobs(VOLSET, ids).length, 3);
    await a.run('push');
    await b.run('pull');
    assert.deepEqual(b.meta.missingBlobs(VOLSET, ids), []);
    for (const [n, id] of ids.entries()) assert.deepEqual(readable(b.engine, id), trees[n]);
    assert.equal(b.tip(MAIN), ids[2]);
  });
});
