import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { fails } from './helpers/outcome.ts';

/** Paths that a merge left as ours are: each can be settled either way, in the working directory. */
describe('e2e: conflicts over paths', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let conflicts: Document[];
  const put = (dir: string, name: string, text: string) => writeFileSync(lab.path(dir, name), text);
  const read = (name: string) => readFileSync(lab.path('copy', name), 'utf8');
  const resolve = (id: string, flag: string, exit = 0) => lab.in('copy', ['conflicts', 'resolve', id, flag], exit);
  const byPath = (path: string): Document => {
    const found = conflicts.find((row) => row.field === path);
    assert.ok(found, JSON.stringify(conflicts));
    return found;
  };
  const open = async () => (await lab.in('copy', ['conflicts', 'list'])).conflicts.map((row: Document) => row.field);

  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('work', hub);
    for (const name of ['both', 'gone there', 'gone here', 'calm']) put('work', name, 'before');
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    put('work', 'both', 'theirs');
    put('work', 'gone here', 'theirs');
    put('work', 'added', 'theirs');
    rmSync(lab.path('work', 'gone there'));
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['push']);
    put('copy', 'both', 'ours');
    put('copy', 'gone there', 'ours');
    put('copy', 'added', 'ours');
    rmSync(lab.path('copy', 'gone here'));
    await lab.in('copy', ['snapshot']);
    await lab.in('copy', ['sync'], 6);
    conflicts = (await lab.in('copy', ['merge', 'origin/main'], 5)).conflicts;
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('merge leaves ours in place and records both versions', async () => {
    assert.deepEqual(await open(), ['added', 'both', 'gone here', 'gone there'], 'in path order');
    for (const { kind, object, resolved } of conflicts) {
      assert.deepEqual([kind, object.split(':')[0], resolved], ['path', 'snapshot', false]);
    }
    assert.deepEqual(
      [byPath('gone there').target, byPath('gone here').current, byPath('added').initial],
      [null, null, null],
    );
    assert.deepEqual(
      [read('both'), read('gone there'), existsSync(lab.path('copy', 'gone here'))],
      ['ours', 'ours', false],
    );
  });

  it('--target restores theirs, --current keeps ours, and the branch ends in a sync with exit 0', async () => {
    const done = await resolve(byPath('both').id, '--target');
    assert.deepEqual([done.resolved, done.resolution, done.problems, read('both')], [true, 'target', [], 'theirs']);
    await resolve(byPath('gone here').id, '--target');
    assert.equal(read('gone here'), 'theirs');
    await resolve(byPath('gone there').id, '--target');
    assert.ok(!existsSync(lab.path('copy', 'gone there')));
    await resolve(byPath('added').id, '--current');
    assert.deepEqual([read('added'), await open()], ['ours', []]);
    await lab.in('copy', ['snapshot', '-m', 'settled']);
    await lab.in('copy', ['sync']);
    await lab.in('work', ['sync']);
    assert.equal(readFileSync(lab.path('work', 'added'), 'utf8'), 'ours');
    assert.deepEqual(await lab.in('work', ['sync']).then(({ upToDate }) => upToDate), true);
  });

  it('never deletes an edit: exit 8, and the conflict stays open', async () => {
    const { id } = byPath('gone there');
    put('copy', 'gone there', 'an edit that nobody has saved');
    const unsaved = { exit: 8, code: 'unsaved-changes', message: /"?gone there"? was not deleted: it has unsaved/ };
    await fails(['-C', lab.path('copy'), 'conflicts', 'resolve', id, '--target'], unsaved);
    assert.equal(read('gone there'), 'an edit that nobody has saved');
    assert.ok((await open()).includes('gone there'));
    rmSync(lab.path('copy', 'gone there'));
    assert.equal((await resolve(id, '--target')).resolved, true);
  });

  it('a directory with files is not deleted either', async () => {
    rmSync(lab.path('copy', 'gone there'));
    mkdirSync(lab.path('copy', 'gone there'));
    put('copy', 'gone there/inside', 'x');
    await resolve(byPath('gone there').id, '--target', 8);
    assert.equal(read('gone there/inside'), 'x');
  });

  it('has two sides only, and needs a working directory for theirs', async () => {
    const { id } = byPath('both');
    const noValue = { exit: 2, code: 'usage', message: /a path has two sides/, hint: /--current or --target/ };
    await fails(['-C', lab.path('copy'), 'conflicts', 'resolve', id, '--value', 'x'], noValue);
    const store = lab.path('copy', '.plait');
    const noVolume = { exit: 10, code: 'no-store', message: /not a working directory/ };
    await fails(['--store', store, 'conflicts', 'resolve', id, '--target'], noVolume);
    assert.equal((await lab.run(['--store', store, 'conflicts', 'resolve', id, '--current'])).resolved, true);
  });

  it('tells people how to look at theirs and what each choice does', async () => {
    const { id, target } = byPath('both');
    const shown = await lab.text(['-C', lab.path('copy'), 'conflicts', 'show', id.slice(0, 12)]);
    assert.match(shown, /^path both: changed on both sides$/m);
    const cat = `plait cat ${target.slice(0, 12)} both`;
    assert.ok(shown.includes(cat), shown);
    assert.equal(await lab.text(['-C', lab.path('copy'), ...cat.split(' ').slice(1)]), 'theirs');
    assert.match(
      shown,
      /--current {3}\(leave the file as it is\)\n.*--target {3}\(restore theirs into the working directory\)/,
    );
    const gone = await lab.text(['-C', lab.path('copy'), 'conflicts', 'show', byPath('gone there').id]);
    assert.match(gone, /--target {3}\(delete the file\)/);
    assert.match(
      await lab.text(['-C', lab.path('copy'), 'conflicts', 'list']),
      /path added +as in snapshot [0-9a-f]{12} +as in/,
    );
  });
});
