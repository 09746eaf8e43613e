import assert from 'node:assert/strict';
import { currentVolset } from '../../src/sync/engine.ts';
import { newBranchId, newVolsetId } from '../../src/sync/fresh-ids.ts';
import { replicate } from '../../src/sync/replicate.ts';
import { Lab, world } from './lab.ts';

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
});
