import assert from 'node:assert/strict';
import type { BranchId } from '../../src/core/ids.ts';
import { currentVolset } from '../../src/sync/engine.ts';
import { newBranchId, newVolsetId } from '../../src/sync/fresh-ids.ts';
import { replicate } from '../../src/sync/replicate.ts';
import { Lab, world } from './lab.ts';
import { type HubOfTwo, hubOfTwo, MAIN, VOLSET } from './rig.ts';

describe('what a command takes for its own', () => {
  it('makes no snapshot where nothing of the branch was ever checked out', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    lab.write('f', 'x');
    await lab.snapshot(engine);
    // As `clone --no-checkout` leaves it.
    engine.volume!.update({ base: null, baseRoot: null });
    await assert.rejects(lab.snapshot(engine), { code: 'guard' });
    assert.equal((await lab.snapshot(engine, { newBranch: 'fresh' })).result.branch, 'fresh');
  });

  it('makes no snapshot on a base that has no data here any more', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    lab.write('f', 'x');
    const { snapshot: base } = (await lab.snapshot(engine)).result;
    lab.write('f', 'y');
    await lab.snapshot(engine);
    await lab.checkout(engine, 'main~1');
    const { volset, base: stands } = engine.volume!.state;
    assert.equal(stands, base);
    engine.meta.dropBlobs(volset, [base!], { force: true });
    await assert.rejects(lab.snapshot(engine, { newBranch: 'on' }), { code: 'blob-absent' });
  });

  it('does not take another volset of the store for the one of the working directory', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    const { state } = engine.volume!;
    const other = { ...engine.volume!, state: { ...state, volset: newVolsetId(world) } };
    assert.throws(() => currentVolset({ ...engine, volume: other }), { code: 'not-found' });
  });

  it('does not push another volset than that of the working directory', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    const volset = newVolsetId(world);
    engine.meta.commit(volset, [
      { edit: 'create-volset', name: 'other', creator: world.creator },
      { edit: 'create-branch', branch: newBranchId(world), name: 'main', creator: world.creator },
    ]);
    const remote = { name: 'origin', url: 'http://127.0.0.1:1', volset, enabled: true };
    const peer = { [Symbol.asyncDispose]: async () => {} };
    const offline = { ...engine, openPeer: async () => peer as never };
    const options = { selection: {}, dryRun: false, maxDelete: 1, failIfUnchanged: false };
    for (const verb of ['push', 'sync'] as const) {
      await assert.rejects(replicate(offline, verb, remote, options), { code: 'usage', message: /another volset/ });
    }
  });

  describe('a volume set that was deleted elsewhere', () => {
    const SIDE = 'bb'.repeat(16) as BranchId;
    let { rig, a, b } = {} as HubOfTwo;
    beforeEach(async () => {
      ({ rig, a, b } = await hubOfTwo());
      const first = await a.save({ f: '1' });
      a.branch(SIDE, 'side', first);
      await a.run('push');
      await b.run('pull');
      b.meta.commit(VOLSET, [{ edit: 'delete', object: 'volset' }]);
      await b.run('push');
    });
    afterEach(() => rig[Symbol.asyncDispose]());
    const careful = () => a.run('sync', {}, { maxDelete: 0.5 });
    const names = () => a.meta.listBranches(VOLSET).map(({ name }) => name);

    it('is told as what it is, and goes if that is said to be right', async () => {
      await assert.rejects(careful(), {
        code: 'guard',
        message: 'volume set data was deleted at origin, with all its branches (2 of 2 here); nothing was changed',
        hint: /^if it shall go here, too, say so with --max-delete 100%; a branch is kept if it gets a snapshot or another name/,
        data: { deleted: 2, total: 2, maxDelete: 0.5, volset: true },
      });
      assert.deepEqual(names(), ['main', 'side']);
      await a.run('sync');
      assert.equal(a.meta.findVolset(VOLSET), undefined);
    });

    const keeps: [string, () => unknown][] = [
      ['a snapshot', () => a.save({ f: '2' })],
      ['another name', () => a.set(`branch:${MAIN}:name`, 'kept')],
    ];
    for (const [what, edit] of keeps) {
      it(`${what} keeps the branch, as the hint says`, async () => {
        await assert.rejects(careful(), { code: 'guard' });
        await edit();
        assert.deepEqual((await careful()).exits, [5]);
        assert.equal(names().length, 1);
        assert.equal(a.tip() !== null, true);
      });
    }

    it('a description alone keeps no branch: the guard stays', async () => {
      a.set('volset:description', 'x');
      await assert.rejects(careful(), { code: 'guard', message: /^origin would delete 2 of 2 branches here/ });
    });
  });
});
