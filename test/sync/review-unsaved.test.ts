import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snapshotLines } from '../../src/cli/render/snapshot.ts';
import { syncLines } from '../../src/cli/render/sync.ts';
import type { BranchId, SnapshotId } from '../../src/core/ids.ts';
import { hold, release } from '../../src/sync/hold.ts';
import { snapshot } from '../../src/sync/snapshot.ts';
import { Lab } from './lab.ts';
import { type HubOfTwo, hubOfTwo } from './rig.ts';

const unchanged = { skipUnchanged: false, maxDelete: 1 };

describe('sync: a directory with unsaved changes', () => {
  let { rig, a, b } = {} as HubOfTwo;
  let dir: string;
  beforeEach(async () => {
    ({ rig, a, b } = await hubOfTwo());
    await b.run('fetch').catch(() => {});
    dir = a.directory();
    writeFileSync(join(dir, 'f'), 'first');
    await snapshot(a.engine, unchanged);
    await a.run('push');
    await b.run('pull');
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('stays behind: exit 8, and words for it; its snapshot tells how to join both lines', async () => {
    await b.save({ f: 'theirs' });
    await b.run('push');
    writeFileSync(join(dir, 'f'), 'mine');
    for (const verb of ['pull', 'sync'] as const) {
      const { result, exits } = await a.run(verb);
      assert.equal(exits[0], 8);
      assert.deepEqual(
        result.problems.map(({ what, branch }) => [what, branch]),
        [['unsaved-changes', 'main']],
      );
      const text = syncLines(verb, result);
      assert.ok(
        text.some((line) => /^! the working directory stays behind main .*`plait snapshot`/.test(line)),
        text.join('\n'),
      );
      assert.equal(readFileSync(join(dir, 'f'), 'utf8'), 'mine');
    }
    const { result, exits } = await snapshot(a.engine, unchanged);
    assert.deepEqual([exits, result.forkedFrom], [[6], 'main']);
    const text = snapshotLines(result).join('\n');
    assert.match(text, /! main has moved on/);
    assert.ok(text.includes(`\`plait checkout main\`, then \`plait merge ${result.branch}\``), text);
  });

  for (const [what, edits, theirs] of [
    ['a branch that moves on', false, false],
    ['a branch that gives way', true, true],
  ] as const) {
    it(`a dry run tells it too, and writes nothing: ${what}`, async () => {
      await b.save({ f: 'theirs' });
      await b.run('push');
      if (edits) {
        writeFileSync(join(dir, 'f'), 'ours');
        await snapshot(a.engine, unchanged);
      }
      const plan = async () => (await a.run('pull', {}, { theirs, dryRun: true })).exits.includes(8);
      assert.equal(await plan(), false, 'nothing is unsaved');
      writeFileSync(join(dir, 'f'), 'unsaved');
      const before = [a.tip(), JSON.stringify(a.engine.volume!.state)];
      const { result, exits } = await a.run('pull', {}, { theirs, dryRun: true });
      assert.ok(exits.includes(8), `${exits}`);
      const words = theirs ? /^! main would stay where it is/m : /^! the working directory would stay behind main/m;
      assert.match(syncLines('pull', result).join('\n'), words);
      assert.deepEqual([a.tip(), JSON.stringify(a.engine.volume!.state)], before);
      assert.ok(!(await a.run('fetch', {}, { dryRun: true })).exits.includes(8), 'a fetch moves no directory');
      assert.ok((await a.run('pull', {}, { theirs })).exits.includes(8), 'as it was told');
    });
  }

  it('with --theirs keeps its branch: exit 8, and words for that', async () => {
    await b.save({ f: 'theirs' });
    await b.run('push');
    writeFileSync(join(dir, 'f'), 'ours');
    await snapshot(a.engine, unchanged);
    writeFileSync(join(dir, 'f'), 'unsaved');
    const { result, exits } = await a.run('pull', {}, { theirs: true });
    assert.ok(exits.includes(8), `${exits}`);
    assert.match(syncLines('pull', result).join('\n'), /^! main stays where it is, .*unsaved changes/m);
  });

  it('with --theirs keeps its branch while an application writes', async () => {
    await b.save({ f: 'theirs' });
    await b.run('push');
    writeFileSync(join(dir, 'f'), 'ours');
    await snapshot(a.engine, unchanged);
    const before = a.tip();
    await hold(a.engine, 3_600_000);
    const held = await a.run('pull', {}, { theirs: true });
    assert.deepEqual([held.exits.includes(3), a.tip(), readFileSync(join(dir, 'f'), 'utf8')], [true, before, 'ours']);
    assert.match(syncLines('pull', held.result).join('\n'), /held by `plait hold`/);
    release(a.engine);
    await a.run('pull', {}, { theirs: true });
    assert.equal(readFileSync(join(dir, 'f'), 'utf8'), 'theirs');
  });
});

describe('snapshot: a tip that moves while the directory is read', () => {
  it('what was read goes to a line of its own: exit 6', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    lab.write('f', 'first');
    await lab.snapshot(engine);
    lab.write('f', 'second');
    const second = (await snapshot(engine, unchanged)).result.snapshot as SnapshotId;
    const { volset, branch } = engine.volume!.state;
    const first = engine.meta.parentsOf(volset, [second])[second][0];
    const { patchAsync } = engine.manifest;
    const manifest = {
      ...engine.manifest,
      patchAsync: async (...args: Parameters<typeof patchAsync>) => {
        const root = await patchAsync(...args);
        engine.meta.commit(volset, [{ edit: 'move-ref', branch: branch as BranchId, from: second, to: first }]);
        return root;
      },
    };
    lab.write('f', 'third');
    const { result, exits } = await snapshot({ ...engine, manifest }, unchanged);
    assert.deepEqual([exits, result.forkedFrom, result.parents], [[6], 'main', [second]]);
    assert.equal(engine.volume!.state.base, result.snapshot);
    assert.equal(engine.meta.listBranches(volset).find(({ name }) => name === result.branch)?.tip, result.snapshot);
    assert.deepEqual(await lab.status(engine), []);
  });

  it('--skip-unchanged names the branch that is there', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    lab.write('f', 'first');
    await lab.snapshot(engine);
    lab.write('f', 'second');
    const second = (await snapshot(engine, unchanged)).result.snapshot as SnapshotId;
    const { volset, branch } = engine.volume!.state;
    const first = engine.meta.parentsOf(volset, [second])[second][0];
    engine.meta.commit(volset, [{ edit: 'move-ref', branch: branch as BranchId, from: second, to: first }]);
    const { result } = await snapshot(engine, { ...unchanged, skipUnchanged: true });
    assert.deepEqual([result.created, result.branch], [false, 'main']);
  });
});
