import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';

describe('e2e: update', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  let tip: string;
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    writeFileSync(join(work, 'text'), 'one');
    tip = (await lab.in('work', ['snapshot', '--attr', 'draft=yes'])).snapshot;
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());
  const update = (...argv: string[]) => lab.in('work', ['update', ...argv]);
  const text = (...argv: string[]) => lab.text(['-C', work, 'update', ...argv]);

  it('the volume set: description and attributes, each field for itself', async () => {
    const done = await update('--description', 'nightly', '--attr', 'team=physics', '--attr', 'empty=');
    assert.deepEqual(
      [done.object, done.name, done.description, done.attrs, done.changed],
      ['volset', 'data', 'nightly', { team: 'physics', empty: '' }, ['description', 'attr:team', 'attr:empty']],
    );
    assert.equal(
      await text('--unset-attr', 'empty', '--attr', 'team=optics'),
      'volume set data\n  team: optics\n  empty: taken away\n',
    );
    assert.equal(await text('--attr', 'team=optics'), 'volume set data: nothing has changed\n');
    const [row] = (await lab.in('work', ['volset', 'list'])).volsets;
    assert.deepEqual([row.description, row.attrs], ['nightly', { team: 'optics' }]);
    assert.deepEqual((await update('--description', '')).description, null);
  });

  it('a snapshot: name, description and attributes, found by any reference', async () => {
    const done = await update('snapshot:main', '--name', 'v1', '--description', 'good', '--unset-attr', 'draft');
    assert.equal(done.object, `snapshot:${tip}`);
    assert.deepEqual([done.name, done.description, done.attrs], ['v1', 'good', {}]);
    assert.deepEqual(done.changed, ['name', 'description', 'attr:draft']);
    const [row] = (await lab.in('work', ['log', 'v1'])).snapshots;
    assert.deepEqual([row.snapshot, row.name, row.description, row.attrs], [tip, 'v1', 'good', {}]);
    assert.equal((await update(`snapshot:${tip.slice(0, 9)}`, '--name', '')).name, null);
    await lab.in('work', ['log', 'v1'], 10);
  });

  it('a branch has a name, which travels', async () => {
    await lab.in('work', ['branch', 'create', 'side']);
    const done = await update('branch:side', '--name', 'other');
    assert.deepEqual([done.name, done.description, done.changed], ['other', null, ['name']]);
    await lab.in('work', ['push']);
    const there = await lab.run(['--store', hub.store, 'branch', 'list']);
    assert.deepEqual(there.branches.map((b: { name: string }) => b.name).sort(), ['main', 'other']);
  });

  it('works in a bare store, where volset:NAME says which', async () => {
    await lab.run(['init', '--bare', lab.path('bare'), '--volset', 'a']);
    assert.equal((await lab.run(['--store', lab.path('bare'), 'update', '--name', 'b'])).name, 'b');
    const done = await lab.run(['--store', lab.path('bare'), 'update', 'volset:b', '--attr', 'x=1']);
    assert.deepEqual(done.attrs, { x: '1' });
  });

  it('moves no data and touches no file', async () => {
    writeFileSync(join(work, 'unsaved'), 'edit');
    await update('--attr', 'x=1');
    const pushed = await lab.in('work', ['push']);
    assert.deepEqual([pushed.pushed.snapshots, pushed.pushed.chunks, pushed.upToDate], [0, 0, false]);
    assert.deepEqual(
      (await lab.in('work', ['status'])).added.map((row: { path: string }) => row.path),
      ['unsaved'],
    );
  });

  const bad: [string, string[], RegExp][] = [
    ['nothing asked for', [], /nothing to update/],
    ['no object', ['main', '--name', 'x'], /is not an object/],
    ['a name that is none', ['--name', 'a b'], /no name for a volume set/],
    ['an empty name of a branch', ['branch:main', '--name', ''], /no name for a branch/],
    ['a snapshot name like an id', ['snapshot:main', '--name', 'f'.repeat(64)], /no name for a snapshot/],
    ['a description of a branch', ['branch:main', '--description', 'x'], /a branch has a name/],
    ['set and taken away', ['--attr', 'k=1', '--unset-attr', 'k'], /to be set and taken away/],
    ['no attribute', ['--attr', 'k'], /is no attribute/],
    ['a control character in a key', ['--attr', 'a\u0007=1'], /is no key of an attribute/],
    ['a value that is too long', ['--description', 'x'.repeat(65_537)], /too long/],
  ];
  for (const [what, argv, message] of bad) {
    it(`exit 2: ${what}`, () => fails(['-C', work, 'update', ...argv], { exit: 2, code: 'usage', message }));
  }

  it('exit 2 where another branch has the name, exit 10 where there is no such object', async () => {
    await lab.in('work', ['branch', 'create', 'taken']);
    await fails(['-C', work, 'update', 'branch:main', '--name', 'taken'], {
      exit: 2,
      code: 'exists',
      message: /taken/,
    });
    for (const object of ['branch:nothere', 'snapshot:nothere', 'volset:nothere']) {
      await fails(['-C', work, 'update', object, '--name', 'x'], { exit: 10, code: 'not-found', message: /nothere/ });
    }
  });
});
