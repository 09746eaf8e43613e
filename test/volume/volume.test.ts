import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { createVolume, findVolume, listVolumes, openVolume } from '../../src/volume/index.ts';
import { openJson } from '../../src/volume/state.ts';

const volset = 'a'.repeat(32) as VolsetId;
const id = 'b'.repeat(32);

describe('volumes', () => {
  let top: string;
  beforeEach(() => {
    top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'plait-volume-')));
  });
  afterEach(() => fs.rmSync(top, { recursive: true, force: true }));

  it('with the store inside are found from below, and remember what they are told', () => {
    const store = join(top, 'work/.plait');
    fs.mkdirSync(store, { recursive: true });
    createVolume({ store, dir: join(top, 'work'), id, volset, branch: null });
    fs.mkdirSync(join(top, 'work/deep/er'), { recursive: true });
    const found = findVolume(join(top, 'work/deep/er'))!;
    assert.equal(found.store, store);
    assert.equal(found.volume.state.dir, join(top, 'work'));
    found.volume.update({ base: 'c'.repeat(64) as SnapshotId });
    assert.equal(openVolume(store, id).state.base, 'c'.repeat(64));
    assert.equal(findVolume(top), undefined);
  });

  it('with the store elsewhere leave a pointer', () => {
    const store = join(top, 'store');
    fs.mkdirSync(store);
    createVolume({ store, dir: join(top, 'work'), id, volset, branch: null });
    assert.deepEqual(openJson(fs.readFileSync(join(top, 'work/.plait'), 'utf8')), { store, volume: id });
    assert.equal(findVolume(join(top, 'work'))!.volume.state.id, id);
    assert.deepEqual(
      listVolumes(store).map((v) => v.state.id),
      [id],
    );
  });

  it('are not made inside one another', () => {
    const store = join(top, 'store');
    createVolume({ store, dir: join(top, 'work'), id, volset, branch: null });
    for (const dir of [join(top, 'work'), join(top, 'work/sub/dir')]) {
      const more = { store: join(top, 'other'), dir, id: 'd'.repeat(32), volset, branch: null };
      assert.throws(() => createVolume(more), { code: 'exists' });
    }
    assert.deepEqual(fs.readdirSync(join(top, 'work')), ['.plait']);
  });

  it('follow their directory when it is moved with its store', () => {
    const store = join(top, 'work/.plait');
    fs.mkdirSync(store, { recursive: true });
    createVolume({ store, dir: join(top, 'work'), id, volset, branch: null });
    fs.renameSync(join(top, 'work'), join(top, 'moved'));
    assert.equal(findVolume(join(top, 'moved'))!.volume.state.dir, join(top, 'moved'));
    assert.equal(openVolume(join(top, 'moved/.plait'), id).state.dir, join(top, 'moved'));
  });

  for (const [what, text] of [
    ['no JSON', '{'],
    ['a list', '[]'],
    ['another version', JSON.stringify({ version: 2 })],
    [
      'a strange id',
      JSON.stringify({
        version: 1,
        id: '../../x',
        dir: '/x',
        volset,
        branch: null,
        base: null,
        baseRoot: null,
        preserve: [],
      }),
    ],
    [
      'a relative folder',
      JSON.stringify({ version: 1, id, dir: 'x', volset, branch: null, base: null, baseRoot: null, preserve: [] }),
    ],
  ]) {
    it(`refuse a state that is ${what}`, () => {
      const dir = join(top, 'store/volumes', id);
      fs.mkdirSync(dir, { recursive: true });
      fs.writeFileSync(join(dir, 'volume.json'), text);
      assert.throws(() => openVolume(join(top, 'store'), id), { code: 'format' });
    });
  }

  it('with a flipped bit in a path or an id are refused', () => {
    const path = join(top, 'work/.plait');
    createVolume({ store: join(top, 'store'), dir: join(top, 'work'), id, volset, branch: null });
    for (const file of [path, join(top, 'store/volumes', id, 'volume.json')]) {
      const text = fs.readFileSync(file, 'utf8');
      fs.writeFileSync(file, text.replace('bbbb', 'bbab').replace('/store', '/stOre'));
      assert.throws(() => findVolume(join(top, 'work')), { code: 'format' }, file);
      fs.writeFileSync(file, text);
    }
    assert.ok(findVolume(join(top, 'work')));
  });

  it('are not guessed at', () => {
    assert.throws(() => openVolume(top, id), { code: 'not-found' });
    fs.writeFileSync(join(top, '.plait'), JSON.stringify({ store: 'relative', volume: id }));
    assert.throws(() => findVolume(top), { code: 'format' });
  });
});
