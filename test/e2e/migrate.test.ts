/** A store of the previous format through the program: it can be read, nothing writes to it, and `plait migrate`. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Lab } from './helpers/lab.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/store-format-3.tar.gz', import.meta.url));

describe('e2e: a store of the previous format', function () {
  this.timeout(120_000);
  let lab: Lab;
  let store: string;
  beforeEach(() => {
    lab = new Lab();
    execFileSync('tar', ['-xzf', FIXTURE, '-C', lab.dir]);
    store = lab.path('work', '.plait');
  });
  afterEach(() => lab[Symbol.asyncDispose]());
  const read = (argv: string[], exit: number | number[] = 0) => lab.run(['--store', store, ...argv], exit);

  it('every command that reads works, every one that writes ends with 17 and the way out', async () => {
    assert.equal((await read(['log', 'main'])).snapshots.length, 6);
    assert.equal((await read(['status'])).volset, 'trail-camera');
    assert.ok((await read(['ls', 'main'])).entries.length > 0);
    assert.equal(await lab.text(['--store', store, 'cat', 'day-1', 'notes.txt']), 'the first day\n');
    assert.ok((await read(['diff', 'day-1', 'main'])).added.length > 0);
    await read(['restore', 'main', '--to', lab.path('out')]);
    assert.match(readFileSync(lab.path('out', 'notes.txt'), 'utf8'), /third day/);
    assert.equal((await read(['verify', '--read-data'])).ok, true);
    await lab.text(['--store', store, 'export', 'main', lab.path('bundle')]);
    assert.equal((await read(['queue', 'list'])).remotes.length, 1);
    assert.equal((await read(['conflicts', 'list'])).conflicts.length, 1);

    mkdirSync(lab.path('other'));
    for (const argv of [
      ['update', '--description', 'x'],
      ['branch', 'create', 'x', '--from', 'main'],
      ['forget', 'day-1'],
      ['config', 'set', 'label', 'x'],
      ['token', 'create'],
      ['gc'],
      ['import', lab.path('bundle')],
    ]) {
      const { error } = await read(argv, 17);
      assert.deepEqual([error.code, /plait migrate/.test(error.hint)], ['format', true], argv.join(' '));
    }
    // Whoever asks is written down, so a hub writes.
    const served = await lab.run(['serve', store, '--listen', '127.0.0.1:0'], 17);
    assert.match(served.error.hint, /plait migrate/);
    const cloned = await lab.run(['clone', store, lab.path('copy'), '--volset', 'trail-camera'], 17);
    assert.match(cloned.error.hint, /plait migrate/);
  });

  it('migrated it goes on where it was, working directory and hub', async () => {
    assert.deepEqual((await read(['migrate', '--dry-run'])).migrated, true);
    await read(['update', '--description', 'x'], 17);
    const done = await read(['migrate']);
    assert.deepEqual([done.found, done.format, done.migrated, done.dryRun], [3, 4, true, false]);
    assert.deepEqual((await read(['migrate'])).migrated, false);
    await lab.run(['--store', lab.path('hub'), 'migrate']);
    const hub = await lab.hub('hub', '--no-auth');
    await read(['remote', 'set-url', 'origin', `${hub.url}/trail-camera`]);
    await read(['sync', 'origin', '--accept-new-identity'], [0, 5]);
    await lab.run(['clone', `${hub.url}/trail-camera`, lab.path('fresh')]);
    assert.equal((await lab.in('fresh', ['log'])).snapshots.length, 6);
    writeFileSync(lab.path('fresh', 'new'), 'new');
    await lab.in('fresh', ['snapshot', '-m', 'new']);
    await lab.in('fresh', ['push', 'origin']);
    for (const each of [store, lab.path('hub')]) await lab.verify(each);
  });
});
