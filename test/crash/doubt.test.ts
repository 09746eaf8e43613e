/** Files of a large checkout that were not on the disk when the power went; and what its user did meanwhile. */
import assert from 'node:assert/strict';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SYNCED_AT_MOST } from '../../src/disk/sync-tree.ts';
import { noise } from '../e2e/helpers/trees.ts';
import { afterReboot, World } from './world.ts';

const COUNT = SYNCED_AT_MOST + 10;

/** Changes what is in a file and leaves all else. */
function tear(path: string, how: (path: string) => void): void {
  const { mtimeMs } = statSync(path);
  how(path);
  utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
}

describe('crash: files of a large checkout that the system had not written', function () {
  this.timeout(60_000);
  let world: World;
  beforeEach(async () => {
    world = new World();
    await world.ok('init', world.path('work'), '--volset', 'data');
    for (let i = 0; i < COUNT; i++) writeFileSync(world.path('work', `f${i}`), noise(60, i));
    await world.ok('-C', world.path('work'), 'snapshot');
    await world.ok('init', '--bare', world.path('hub'));
    await world.ok('-C', world.path('work'), 'remote', 'add', 'origin', `${world.path('hub')}/data`);
    await world.ok('-C', world.path('work'), 'push');
    await world.ok('clone', `${world.path('hub')}/data`, world.path('copy'));
  });
  afterEach(() => world.close());

  const at = (name: string): string => world.path('copy', name);
  const status = async (): Promise<number[]> => {
    const { added, modified, deleted } = await world.ok('-C', world.path('copy'), 'status');
    return [added.length, modified.length, deleted.length];
  };
  const notes = (): string[] => {
    const volumes = world.path('copy', '.plait', 'volumes');
    return readdirSync(volumes).filter((id) => existsSync(join(volumes, id, 'unsynced.json')));
  };

  it('are written again after another boot; edits and deletions stay', async () => {
    assert.equal(notes().length, 1);
    writeFileSync(at('f1'), 'mine');
    rmSync(at('f2'));
    tear(at('f3'), (path) => writeFileSync(path, Buffer.alloc(60)));
    tear(at('f4'), (path) => truncateSync(path, 0));
    tear(at('f5'), (path) => truncateSync(path, 20));
    afterReboot(world.root);
    assert.deepEqual(await status(), [0, 1, 1]);
    assert.equal(existsSync(at('f2')), false);
    for (const i of [3, 4, 5]) assert.deepEqual(readFileSync(at(`f${i}`)), readFileSync(world.path('work', `f${i}`)));
    assert.equal(readFileSync(at('f1'), 'utf8'), 'mine');
    assert.deepEqual(notes(), [], 'all that was written again is synced');
    await world.verify();
  });

  it('so too after a snapshot and another checkout in between, and with a note that cannot be read', async () => {
    writeFileSync(at('f1'), 'mine');
    await world.ok('-C', world.path('copy'), 'snapshot');
    await world.ok('-C', world.path('copy'), 'checkout', 'main~1');
    await world.ok('-C', world.path('copy'), 'checkout', 'main');
    const [id] = notes();
    tear(at('f3'), (path) => writeFileSync(path, Buffer.alloc(60)));
    writeFileSync(world.path('copy', '.plait', 'volumes', id, 'unsynced.json'), 'torn');
    assert.deepEqual(await status(), [0, 0, 0]);
    assert.deepEqual(readFileSync(at('f3')), readFileSync(world.path('work', 'f3')));
  });

  it('are nobody’s business in the same boot', async () => {
    tear(at('f3'), (path) => writeFileSync(path, Buffer.alloc(60)));
    assert.deepEqual(await status(), [0, 1, 0]);
    assert.equal(notes().length, 1);
  });

  it('are all written again where there are many, which is then as uncertain as before', async () => {
    for (let i = 0; i < COUNT; i++) tear(at(`f${i}`), (path) => writeFileSync(path, Buffer.alloc(60)));
    afterReboot(world.root);
    assert.deepEqual(await status(), [0, 0, 0]);
    assert.deepEqual(world.tree('copy'), world.tree('work'));
    assert.equal(notes().length, 1);
  });
});
