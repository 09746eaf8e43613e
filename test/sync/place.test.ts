/** A directory whose store lies elsewhere, and which is unmounted or moved away while it is read. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import { createVolume } from '../../src/volume/index.ts';
import { type MadeLab, madeLab } from './lab.ts';
import { meddledWith, snapshots } from './watch-lab.ts';

describe('snapshot: a directory that goes while it is read', () => {
  let { lab, engine } = {} as MadeLab;

  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });

  afterEach(() => lab[Symbol.asyncDispose]());

  it('is not taken for one whose files were deleted', async () => {
    const dir = join(lab.top, 'mounted');
    const away = join(lab.top, 'away');
    const { volset, branch } = engine.volume!.state;
    mkdirSync(dir);
    const volume = createVolume({ store: lab.store, dir, id: 'a'.repeat(32), volset, branch });
    const there = { ...engine, volume };
    for (const name of ['b', 'c', 'd', 'e']) writeFileSync(join(dir, name), 'x');
    await lab.snapshot(there);
    writeFileSync(join(dir, 'a'), 'new');
    const read = (): void => {
      renameSync(dir, away);
      mkdirSync(dir);
    };
    const taken = lab.snapshot(meddledWith(there, { read }), { maxDelete: 1 });
    await assert.rejects(taken, (error) => error instanceof PlaitError && error.code === 'not-found');
    assert.equal(snapshots(there), 1);
    rmSync(dir, { recursive: true });
    renameSync(away, dir);
    assert.deepEqual(await lab.status(there), ['A a']);
  });
});
