import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VolsetId } from '../../src/core/ids.ts';
import { createVolume, findVolume } from '../../src/volume/index.ts';

describe('where stores and working directories may lie', () => {
  let top: string;
  beforeEach(() => {
    top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'plait-places-')));
    fs.mkdirSync(join(top, 'store'));
  });
  afterEach(() => fs.rmSync(top, { recursive: true, force: true }));

  const make = (store: string, dir: string) =>
    createVolume({
      store: join(top, store),
      dir: join(top, dir),
      id: 'b'.repeat(32),
      volset: 'a'.repeat(32) as VolsetId,
      branch: null,
    });

  it('a store is no part of the data, whatever it is called and however it is reached', () => {
    fs.mkdirSync(join(top, 'work/store'), { recursive: true });
    fs.symlinkSync('work', join(top, 'alias'));
    for (const store of ['work/store', 'work/not-yet', 'work', 'alias/store']) {
      assert.throws(() => make(store, 'work'), { code: 'usage' }, store);
    }
    for (const name of ['format', 'meta.db']) fs.writeFileSync(join(top, 'store', name), '');
    assert.throws(() => make('store/.plait', 'store'), { code: 'usage' });
    make('store', 'work');
  });

  it('a copied directory does not share the state of the original', () => {
    make('store', 'work');
    fs.cpSync(join(top, 'work'), join(top, 'copy'), { recursive: true });
    assert.throws(() => findVolume(join(top, 'copy')), { code: 'exists', message: /copy of the working directory/ });
    assert.equal(findVolume(join(top, 'work'))!.volume.state.dir, join(top, 'work'));
    fs.rmSync(join(top, 'work'), { recursive: true });
    assert.equal(findVolume(join(top, 'copy'))!.volume.state.dir, join(top, 'copy'));
  });
});
