import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { holdVolume } from '../../src/sync/hold-volume.ts';
import { compareWithBase } from '../../src/sync/working-tree.ts';
import { Lab } from './lab.ts';

describe('two commands in one working directory', () => {
  it('a status beside a snapshot leaves the notes of the snapshot alone', async () => {
    await using lab = new Lab();
    const engine = await lab.make();
    for (const name of ['a', 'b']) lab.write(name, 'old');
    await lab.snapshot(engine);
    for (const name of ['a', 'b']) lab.write(name, 'new');

    // Between the last read of a snapshot and its commit the user edits a file and a prompt asks for the status.
    const volume = engine.volume!;
    const other = await lab.open();
    const held = await holdVolume(engine, volume);
    await using writer = engine.blob.writer(volume.state.volset);
    const { changes, reader, baseRoot } = compareWithBase(engine, volume, writer);
    const root = await engine.manifest.patchAsync(reader, writer, baseRoot!, changes);
    lab.write('b', 'newest');
    fs.utimesSync(lab.at('b'), 1e9, 1e9);
    // Old enough for its stat to be relied on.
    while (Date.now() - fs.statSync(lab.at('b')).ctimeMs < 40) await setImmediate();
    assert.deepEqual(await lab.status(other), ['M a', 'M b']);
    changes.keepCache(root);
    volume.update({ baseRoot: root });
    held[Symbol.dispose]();

    assert.deepEqual(await lab.status(engine), ['M b']);
  });
});
