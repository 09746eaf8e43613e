import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDiskBlobs } from '../../src/blob/index.ts';
import { decodeGeneration } from '../../src/core/generation.ts';
import { KIND } from '../../src/core/hash.ts';
import type { BranchId } from '../../src/core/ids.ts';
import type { MetaStore } from '../../src/meta/contract.ts';
import { openMetaStore, rebuildMeta } from '../../src/meta/index.ts';
import { packGenerations } from '../../src/sync/settle.ts';
import { MAIN, Rig, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;
const GONE = 'cc'.repeat(16) as BranchId;

/** All that is replicated. Refs, peers, remotes, settings and tokens are not. */
function replicated(meta: MetaStore) {
  const snapshots = meta.snapshotPage(VOLSET, null, 1000).map((id) => {
    const { hasBlob: _, ...view } = meta.findSnapshot(VOLSET, id) ?? assert.fail();
    return { ...view, lineage: meta.lineage(VOLSET, [id]) };
  });
  const branches = meta.listBranches(VOLSET).map(({ id, name }) => ({ id, name }));
  return { volset: meta.findVolset(VOLSET), branches, snapshots, vector: meta.vector(VOLSET) };
}

async function rebuilt(dir: string, identity: { install: MetaStore['self']['install']; epoch: number }) {
  await using blob = await openDiskBlobs(dir);
  const found = [];
  for await (const { volset, bytes } of blob.scanObjects(KIND.generation)) {
    found.push({ volset, generation: decodeGeneration(volset, bytes) });
  }
  const meta = openMetaStore({ path: join(dir, 'meta.db'), create: true, identity });
  return { meta, report: rebuildMeta(meta, found) };
}

describe('sync: metadata made again from packs', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** Two clients and a hub that hold records of three stores. */
  async function history() {
    const hub = await rig.hub();
    const a = (await rig.client('a')).start().origin(hub);
    const b = (await rig.client('b')).origin(hub);
    const first = await a.save({ f: '1' });
    a.branch(SIDE, 'side', first);
    a.branch(GONE, 'gone', first);
    await a.run('push');
    await b.run('pull');
    b.delete(GONE);
    await b.save({ f: '2' }, SIDE);
    b.meta.commit(VOLSET, [
      { edit: 'set', register: `branch:${SIDE}:name`, value: 'renamed' },
      { edit: 'set', register: `snapshot:${first}:attr:k`, value: 'v' },
    ]);
    await b.run('push');
    await hub.thread.meta.commit(VOLSET, [{ edit: 'set', register: 'volset:description', value: 'at the hub' }]);
    await hub.thread.meta.cut(VOLSET);
    await a.save({ f: '3' });
    await a.run('sync');
    await b.run('pull');
    return { hub, a, b };
  }

  it('every store, hub and pull-only ones too, has all records in its packs', async () => {
    const { hub, a, b } = await history();
    const stores = [
      { dir: hub.dir, close: () => hub.stop() },
      { dir: a.engine.dir, close: () => a.close() },
      { dir: b.engine.dir, close: () => b.close() },
    ];
    for (const { dir, close } of stores) {
      await close();
      const path = join(dir, 'meta.db');
      const old = openMetaStore({ path });
      const [before, { install }] = [replicated(old), old.self];
      old[Symbol.dispose]();
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
      const { meta, report } = await rebuilt(dir, { install, epoch: 2 });
      using _open = meta;
      assert.deepEqual(report.left, []);
      assert.deepEqual(replicated(meta), before);
      assert.deepEqual(meta.verify(), []);
      // What packs do not tell: where our branches stood, and which data is whole.
      assert.equal(meta.findBranch(VOLSET, MAIN)?.tip, null);
      assert.equal(meta.missingBlobs(VOLSET).length, before.snapshots.length);
    }
  });

  it('a flipped bit in log.open costs no other generation, whoever appends next', async () => {
    const { a } = await history();
    const { dir } = a.engine;
    const generations = Object.values(a.meta.vector(VOLSET)).reduce((sum, { generation }) => sum + generation, 0);
    await a.close();
    const log = join(dir, 'packs', VOLSET, 'log.open');
    const fd = openSync(log, 'r+');
    const byte = Buffer.alloc(1);
    // Within the first block, behind the header of the pack and its own.
    readSync(fd, byte, 0, 1, 32 + 24 + 36 + 8);
    writeSync(fd, Buffer.from([byte[0] ^ 1]), 0, 1, 32 + 24 + 36 + 8);
    closeSync(fd);
    const again = await rig.client('a');
    again.meta.commit(VOLSET, [{ edit: 'set', register: 'volset:description', value: 'later' }]);
    again.meta.cut(VOLSET);
    await packGenerations(again.engine);
    const found = new Set<string>();
    for await (const { id } of again.engine.blob.scanObjects(KIND.generation))
      found.add(Buffer.from(id).toString('hex'));
    // The damaged block held one generation.
    assert.equal(found.size, generations);
  });
});
