import assert from 'node:assert/strict';
import { forwardVolume } from '../../src/sync/forward-volume.ts';
import { Lab } from './lab.ts';

describe('a working directory after a pull', () => {
  it('stays where an ignored file is in the way, and is forwarded when that is gone', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    const volume = engine.volume!;
    lab.write('.plaitignore', 'local\n');
    await lab.snapshot(engine);
    const { base, baseRoot } = volume.state;
    lab.write('.plaitignore', '');
    lab.write('local', 'theirs');
    await lab.snapshot(engine);
    await lab.checkout(engine, 'main~1');
    volume.update({ base, baseRoot, branch: engine.meta.listBranches(volume.state.volset)[0].id });
    lab.write('local', 'mine');
    assert.deepEqual(await lab.status(engine), []);
    const stays = { moved: false, unsaved: true, problems: [] };
    assert.deepEqual(await forwardVolume(engine, volume.state.volset), stays);
    assert.equal(lab.read('local'), 'mine');
    lab.write('local', 'theirs');
    assert.equal((await forwardVolume(engine, volume.state.volset)).moved, true);
    assert.deepEqual(await lab.status(engine), []);
  });
});
