import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hubDoctor } from '../../src/cli/hub-doctor.ts';
import { storeConfig } from '../../src/cli/store-config.ts';
import { createStore, openMeta, openMetaToRead, openStore, type StoreOptions } from '../../src/sync/store.ts';
import { world } from '../sync/lab.ts';

const options: StoreOptions = { world, label: 'x', lockWaitMs: 1000 };
const work = (dir: string) => ({ dir, store: { label: 'x', lockWaitMs: 1000 } });

/** All files, but for the memory that connections share. */
function contents(dir: string): Record<string, string> {
  const files = globSync('**/*', { cwd: dir }).filter((name) => statSync(join(dir, name)).isFile());
  const kept = files.filter((name) => !name.endsWith('-shm')).sort();
  const hashOf = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(dir, name)))
      .digest('hex');
  return Object.fromEntries(kept.map((name) => [name, hashOf(name)]));
}

describe('cli: a doctor beside a hub', function () {
  this.timeout(30_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-hub-doctor-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('looks at a store that is in use, and leaves every byte as it was', async () => {
    createStore(dir, options);
    const opened = await openStore(dir, options);
    await using _blob = opened.blob;
    using meta = opened.meta;
    storeConfig(meta, dir).write('doctor.min-free', '8000T');
    const before = contents(dir);
    const doctor = hubDoctor(work(dir));
    const rows = await doctor.look();
    assert.deepEqual(
      rows.map(({ name, ok }) => [name, ok]),
      [
        ['remotes', true],
        ['queue', true],
        ['conflicts', true],
        ['diverged', true],
        ['damage', true],
        ['scrub', true],
        ['disk', false],
        ['clock', true],
        ['identity', true],
        ['format', true],
      ],
      'by the settings of the store',
    );
    assert.equal(rows.find(({ name }) => name === 'scrub')?.detail, 'no data yet');
    assert.deepEqual(contents(dir), before);
    await doctor.stop();
  });

  it('that cannot look says why, and looks again when it is asked again', async () => {
    const doctor = hubDoctor(work(dir));
    await assert.rejects(doctor.look(), /is not a store of plait/);
    createStore(dir, options);
    assert.ok((await doctor.look()).length > 5);
    await doctor.stop();
  });

  it('that has no data to look into says so in a row of its own', async () => {
    createStore(dir, options);
    const rows = await hubDoctor(work(dir)).look();
    assert.deepEqual(
      rows.filter(({ ok }) => !ok).map(({ name, detail }) => [name, detail]),
      [['scrub', `the index of the data, ${join(dir, 'index.db')}, is missing`]],
    );
  });

  it('is ended with the hub', async () => {
    createStore(dir, options);
    const doctor = hubDoctor(work(dir));
    const [looking, same] = [doctor.look(), doctor.look()];
    const refused = Promise.all([assert.rejects(looking, /ended/), assert.rejects(same, /ended/)]);
    await doctor.stop();
    await refused;
    await assert.rejects(doctor.look(), /stopping/);
  });
});

describe('cli: metadata that is only read', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'plait-to-read-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('refuses what writes, sees what others write', () => {
    createStore(dir, options);
    using reading = openMetaToRead(dir, options);
    using writing = openMeta(dir, options);
    assert.throws(() => reading.putSetting('a', 'b'), /for reading only/);
    writing.putSetting('a', 'c');
    assert.equal(reading.settings().a, 'c');
    assert.equal(reading.self.store, writing.self.store);
  });
});
