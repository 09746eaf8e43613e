import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, type Hub, Lab } from './helpers/lab.ts';

describe('e2e: branches, remotes and stores', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  let ids: string[];
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    ids = [];
    for (const text of ['one', 'two', 'three']) {
      writeFileSync(join(work, 'text'), text);
      ids.push((await lab.in('work', ['snapshot', '-m', text, '--name', `name-${text}`])).snapshot);
    }
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());
  const at = (...argv: string[]) => lab.in('work', argv);

  it('branch: create, rename, delete, travel', async () => {
    await at('branch', 'create', 'experiment', '--from', 'name-two');
    writeFileSync(join(work, 'text'), 'only there');
    await at('checkout', 'experiment', '--force');
    writeFileSync(join(work, 'text'), 'only there');
    await at('snapshot');
    await at('checkout', 'main');
    await at('branch', 'create', 'from-one', '--from', 'name-one');
    await at('branch', 'rename', 'from-one', 'renamed');
    await lab.in('work', ['branch', 'create', 'renamed'], 2);
    for (const bad of ['-x', '.x', 'a b', 'a~b', 'a:b', 'deadbeef', 'origin/x', 'a@b']) {
      await lab.in('work', ['branch', 'create', '--', bad], 2);
    }
    await at('push');
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    const names = async () => (await lab.in('copy', ['branch', 'list'])).branches.map((b: Document) => b.name).sort();
    assert.deepEqual(await names(), ['experiment', 'main', 'renamed']);
    await lab.in('work', ['branch', 'delete', 'main'], 2);
    await lab.in('work', ['branch', 'delete', 'experiment'], 9);
    await at('branch', 'delete', 'experiment', '--force');
    await at('branch', 'delete', 'renamed');
    await lab.in('work', ['branch', 'delete', 'renamed'], 10);
    assert.deepEqual(
      (await at('branch', 'list')).branches.map((b: Document) => b.name),
      ['main'],
    );
    await lab.in('work', ['checkout', 'renamed'], 10);
  });

  it('remote: add, show, rename, set-url, remove; the default remote', async () => {
    await at('remote', 'add', 'second', hub.url);
    const shown = await at('remote', 'show', 'second');
    assert.deepEqual(
      shown.volsets.map((v: Document) => v.name),
      ['data'],
    );
    assert.match(shown.identity, /^[0-9a-f]{32}\.\d+$/);
    await lab.run(['remote', 'show', hub.url]);
    await at('remote', 'rename', 'second', 'third');
    await lab.in('work', ['remote', 'show', 'second'], 10);
    await at('remote', 'set-url', 'third', 'http://127.0.0.1:1');
    await lab.in('work', ['push', 'third'], 13);
    await at('remote', 'set-selection', 'third', '--branch', 'main');
    await at('remote', 'remove', 'third');
    await lab.in('work', ['push', 'third'], 10);
    assert.equal((await at('push')).remote, 'origin');
    await lab.run(['init', lab.path('lonely')]);
    await lab.in('lonely', ['push'], 2);
  });

  it('the store may lie elsewhere, with a pointer left behind', async () => {
    await lab.run(['init', lab.path('light'), '--store', lab.path('heavy')]);
    writeFileSync(lab.path('light', 'x'), 'x');
    await lab.in('light', ['snapshot']);
    assert.equal(existsSync(lab.path('light', '.plait', 'meta.db')), false);
    assert.equal((await lab.run(['--store', lab.path('heavy'), 'log'])).snapshots.length, 1);
    assert.equal((await lab.run(['-C', lab.path('light'), 'status'])).clean, true);
    await lab.run(['init', lab.path('light', 'inner')], 2);
  });
});
