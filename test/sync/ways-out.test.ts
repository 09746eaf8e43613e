import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BranchId } from '../../src/core/ids.ts';
import { checkout } from '../../src/sync/checkout.ts';
import { snapshot } from '../../src/sync/snapshot.ts';
import { status } from '../../src/sync/status.ts';
import { shape } from './outcomes.ts';
import { type Client, type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

const SIDE = 'bb'.repeat(16) as BranchId;

describe('sync: ways out of divergence', () => {
  let { rig, a, b } = {} as HubOfTwo;
  beforeEach(async () => {
    ({ rig, a, b } = await hubOfTwo());
    await a.save({ f: 'first' });
    await a.run('push');
    await b.run('pull');
  });
  afterEach(() => rig[Symbol.asyncDispose]());
  const branches = (client: Client) => new Map(client.meta.listBranches(VOLSET).map((view) => [view.name, view]));

  async function diverge(branch: BranchId = MAIN) {
    await b.save({ f: `theirs ${branch}` }, branch);
    await b.run('push');
    await a.save({ f: `ours ${branch}` }, branch);
  }

  it('is told with both tips and the fork point, as long as it lasts', async () => {
    const base = a.tip();
    await diverge();
    for (const verb of ['push', 'pull', 'sync', 'fetch'] as const) {
      const { result, exits } = await a.run(verb);
      assert.deepEqual(exits, [6], verb);
      assert.deepEqual(result.diverged, [{ branch: 'main', current: a.tip(), target: b.tip(), base }]);
    }
  });

  it('push --as: the line goes on under another name, in one command', async () => {
    await diverge();
    const ours = a.tip();
    const planned = await a.run('push', {}, { as: 'mine', dryRun: true });
    assert.equal(a.tip(), ours);
    const done = await a.run('push', {}, { as: 'mine' });
    assert.deepEqual(done.exits, []);
    assert.deepEqual(shape(done), ['main here replaced', 'mine remote new', 'mine here new']);
    assert.deepEqual([shape(planned), planned.exits], [shape(done), []]);
    assert.deepEqual([branches(a).get('mine')?.tip, a.tip()], [ours, b.tip()]);
    assert.equal(a.meta.findSnapshot(VOLSET, b.tip()!)?.hasBlob, true);
    const again = await a.run('sync');
    assert.deepEqual([again.exits, again.result.upToDate], [[], true]);
    assert.deepEqual((await b.run('sync')).exits, []);
    assert.equal(branches(b).get('mine')?.tip, ours);
  });

  it('push --as is about the selected branch, and refused where nothing has diverged', async () => {
    await assert.rejects(a.run('push', {}, { as: 'mine' }), { code: 'usage', message: /no line to rename/ });
    a.branch(SIDE, 'side', a.tip()!);
    await a.run('push');
    await b.run('pull');
    await diverge();
    await diverge(SIDE);
    await assert.rejects(a.run('push', {}, { as: 'mine' }), { code: 'usage', message: /several branches/ });
    await assert.rejects(a.run('push', { branches: ['side'] }, { as: 'main' }), { code: 'exists' });
    await assert.rejects(a.run('push', { branches: ['side'] }, { as: 'a b' }), { code: 'usage' });
    const side = a.tip(SIDE);
    const done = await a.run('push', { branches: ['side'] }, { as: 'mine' });
    assert.deepEqual(done.exits, []);
    assert.equal(branches(a).get('mine')?.tip, side);
    assert.deepEqual(
      (await a.run('sync')).result.diverged.map((row) => row.branch),
      ['main'],
    );
  });

  it('--as, --theirs and --pull-only belong to one verb each', async () => {
    await assert.rejects(a.run('pull', {}, { as: 'x' }), { code: 'usage' });
    await assert.rejects(a.run('sync', {}, { theirs: true }), { code: 'usage' });
    await assert.rejects(a.run('push', {}, { pullOnly: true }), { code: 'usage' });
  });

  it('pull --theirs: the branch follows, its line is kept', async () => {
    a.branch(SIDE, 'side', a.tip()!);
    await a.run('push');
    await b.run('pull');
    await diverge();
    await diverge(SIDE);
    const [ours, side] = [a.tip(), a.tip(SIDE)];
    const planned = await a.run('pull', {}, { theirs: true, dryRun: true });
    assert.equal(a.tip(), ours);
    const done = await a.run('pull', {}, { theirs: true });
    assert.deepEqual(done.exits, []);
    const [kept, keptSide] = [`main.kept-${ours!.slice(0, 4)}`, `side.kept-${side!.slice(0, 4)}`];
    const rows = [`${kept} here new`, `${keptSide} here new`, 'main here replaced', 'side here replaced'];
    assert.deepEqual(shape(done).sort(), rows.sort());
    assert.deepEqual(shape(planned).sort(), rows);
    assert.deepEqual([a.tip(), a.tip(SIDE)], [b.tip(), b.tip(SIDE)]);
    assert.deepEqual([branches(a).get(kept)?.tip, branches(a).get(keptSide)?.tip], [ours, side]);
    assert.deepEqual((await a.run('sync')).exits, []);
    assert.equal((await a.run('sync')).result.upToDate, true);
  });

  describe('with a working directory', () => {
    let dir: string;
    const read = (name: string) => readFileSync(join(dir, name), 'utf8');
    beforeEach(async () => {
      dir = a.directory();
      await checkout(a.engine, 'main', false);
      await b.save({ f: 'theirs' });
      await b.run('push');
      writeFileSync(join(dir, 'f'), 'ours');
      await snapshot(a.engine, { skipUnchanged: false, maxDelete: 1 });
    });

    it('push --as takes the directory along, and touches no file', async () => {
      writeFileSync(join(dir, 'unsaved'), 'x');
      const base = a.engine.volume!.state.base;
      assert.deepEqual((await a.run('push', {}, { as: 'mine' })).exits, []);
      assert.deepEqual([read('f'), read('unsaved')], ['ours', 'x']);
      const { state } = a.engine.volume!;
      assert.deepEqual([state.base, state.branch], [base, branches(a).get('mine')?.id]);
      const next = await snapshot(a.engine, { skipUnchanged: false, maxDelete: 1 });
      assert.deepEqual([next.result.branch, next.exits], ['mine', []]);
      assert.deepEqual((await a.run('sync')).exits, []);
    });

    it('push --as that was killed behind its commit is finished by the same command', async () => {
      const { volume } = a.engine;
      const { update } = volume!;
      volume!.update = () => {
        throw new Error('killed');
      };
      await assert.rejects(a.run('push', {}, { as: 'mine' }), /killed/);
      volume!.update = update;
      assert.equal(volume!.state.branch, MAIN);
      assert.deepEqual((await a.run('push', {}, { as: 'mine' })).exits, []);
      assert.equal(volume!.state.branch, branches(a).get('mine')?.id);
      assert.equal((await a.run('sync')).result.upToDate, true);
    });

    it('pull --theirs moves the directory', async () => {
      assert.deepEqual((await a.run('pull', {}, { theirs: true })).exits, []);
      assert.equal(read('f'), 'theirs');
      const { base, branch } = a.engine.volume!.state;
      assert.deepEqual([base, branch], [b.tip(), MAIN]);
    });

    it('pull --theirs leaves branch and directory alone where there is an unsaved change', async () => {
      writeFileSync(join(dir, 'unsaved'), 'x');
      const [ours, count] = [a.tip(), branches(a).size];
      assert.deepEqual((await a.run('pull', {}, { theirs: true })).exits, [6, 8]);
      assert.deepEqual([a.tip(), branches(a).size, read('f'), read('unsaved')], [ours, count, 'ours', 'x']);
    });

    it('pull --theirs that was killed behind the directory is finished by the same command', async () => {
      const { meta } = a.engine;
      const killed = Object.create(meta, { commit: { value: () => assert.fail('killed') } });
      a.engine = { ...a.engine, meta: killed };
      await assert.rejects(a.run('pull', {}, { theirs: true }), /killed/);
      a.engine = { ...a.engine, meta };
      assert.deepEqual([read('f'), a.tip() === b.tip()], ['theirs', false]);
      assert.deepEqual((await a.run('pull', {}, { theirs: true })).exits, []);
      assert.equal(a.tip(), b.tip());
      assert.deepEqual((await a.run('sync')).exits, []);
    });

    it('the branch of the directory is deleted elsewhere: its files stay', async () => {
      await a.run('push', {}, { as: 'mine' });
      await b.run('pull');
      b.delete(branches(b).get('mine')!.id);
      await b.run('push');
      const done = await a.run('sync');
      assert.deepEqual([done.exits, shape(done)], [[], ['main remote up-to-date', 'mine here deleted']]);
      assert.ok(existsSync(join(dir, 'f')));
      assert.match(a.warnings.join(), /branch of this working directory was deleted/);
      assert.equal((await status(a.engine, { remote: false, exitCode: false })).result.branch, null);
      await assert.rejects(snapshot(a.engine, { skipUnchanged: false, maxDelete: 1 }), {
        code: 'usage',
        hint: /-b NAME/,
      });
      const saved = await snapshot(a.engine, { skipUnchanged: false, maxDelete: 1, newBranch: 'again' });
      assert.deepEqual([saved.result.branch, (await a.run('sync')).exits], ['again', []]);
    });
  });
});
