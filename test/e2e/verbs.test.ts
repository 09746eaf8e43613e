import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, type Hub, Lab, rsyncDifference } from './helpers/lab.ts';
import { makeKinds } from './helpers/trees.ts';

describe('e2e: looking around and going back', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  let ids: string[];
  before(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    makeKinds(work);
    ids = [];
    for (const text of ['one', 'two', 'three']) {
      writeFileSync(join(work, 'text'), text);
      ids.push((await lab.in('work', ['snapshot', '-m', text, '--name', `name-${text}`])).snapshot);
    }
    await lab.in('work', ['push']);
  });
  after(() => lab[Symbol.asyncDispose]());
  const at = (...argv: string[]) => lab.in('work', argv);
  const text = (...argv: string[]) => lab.text(['-C', work, ...argv]);
  const read = (name: string) => readFileSync(join(work, name), 'utf8');

  it('finds a snapshot by every kind of reference', async () => {
    for (const ref of [
      'main',
      'origin/main',
      'name-three',
      ids[2],
      ids[2].slice(0, 7),
      'branch:main',
      'snapshot:name-three',
    ]) {
      assert.equal(await text('cat', ref, 'text'), 'three', ref);
    }
    for (const ref of ['main~2', 'origin/main~2', 'name-three~2', `${ids[1]}~1`, 'name-one', 'name-one~0']) {
      assert.equal(await text('cat', ref, 'text'), 'one', ref);
    }
  });

  it('refuses unknown, ambiguous and malformed references', async () => {
    const unknown = await lab.in('work', ['log', 'mian'], 10);
    assert.match(unknown.error.hint, /"main"/);
    for (const ref of ['main~9', 'origin/nothing', 'fffffff', 'snapshot:main']) await lab.in('work', ['ls', ref], 10);
    for (const ref of ['main~', 'main~x', 'main~1~1', 'volset:data']) await lab.in('work', ['ls', ref], 2);
    await at('snapshot', '--name', 'twice');
    await at('snapshot', '--name', 'twice');
    const ambiguous = await lab.in('work', ['ls', 'twice'], 2);
    assert.equal(ambiguous.error.code, 'ambiguous-reference');
    assert.equal(ambiguous.error.data.candidates.length, 2);
    await at('push');
  });

  it('log, diff and ls show what is there', async () => {
    const described = (document: Document) => document.snapshots.map((row: Document) => row.description);
    assert.deepEqual(described(await at('log', 'name-three')), ['three', 'two', 'one']);
    assert.deepEqual(described(await at('log', 'name-three', '-n', '2')), ['three', 'two']);
    assert.deepEqual(described(await at('log', 'name-three', '--', 'a')), ['one']);
    assert.match(await text('log', 'name-three', '--graph'), /^\* [0-9a-f]{12}.* three\n\* [0-9a-f]{12}.* two\n\* /);
    const paths = (rows: Document[]) => rows.map((row) => row.path);
    const diff = await lab.in('work', ['diff', 'name-one', 'name-two', '--exit-code'], 7);
    assert.deepEqual([paths(diff.modified), diff.added, diff.deleted], [['text'], [], []]);
    assert.equal(await text('diff', 'name-one', 'name-two', '--name-only'), 'text\n');
    await lab.in('work', ['diff', 'name-one', 'name-two', '--exit-code', '--', 'a'], 0);
    assert.deepEqual(paths((await at('ls', 'main', 'a')).entries), ['a/b', 'a/empty', 'a/one.txt', 'a/self']);
    assert.match(await text('ls', 'main'), /link -> a\/one\.txt/);
    assert.deepEqual(paths((await at('ls', 'main', 'a/one.txt')).entries), ['a/one.txt']);
    await lab.in('work', ['ls', 'main', 'no/such'], 10);
    await lab.text(['-C', work, 'cat', 'main', 'a'], 2);
    await lab.text(['-C', work, '--json', 'cat', 'main', 'text'], 2);
  });

  it('restore: in place, elsewhere, over edits', async () => {
    await at('restore', 'name-one', 'text');
    assert.equal(read('text'), 'one');
    await at('restore', 'main', 'text', '--overwrite');
    writeFileSync(join(work, 'text'), 'an unsaved edit');
    const stopped = await lab.in('work', ['restore', 'name-one', 'text'], 8);
    assert.deepEqual(stopped.error.data.paths, ['text']);
    assert.equal(read('text'), 'an unsaved edit');
    await at('restore', 'name-three', '--to', lab.path('out'));
    assert.equal(readFileSync(lab.path('out', 'text'), 'utf8'), 'three');
    await at('restore', 'main', 'text', '--overwrite');
    assert.equal(read('text'), 'three');
    assert.equal((await at('status')).clean, true);
    // Putting a file in place has moved the time of the directory that it lies in.
    assert.match(rsyncDifference(work, lab.path('out')), /^(\.d\.\.t\S* \.\/\n)?$/);
    await lab.in('work', ['restore', 'main', 'nothing-there'], 10);
  });

  it('checkout: detached, back, and not over edits', async () => {
    const there = await at('checkout', 'name-one');
    assert.deepEqual([there.branch, there.snapshot, read('text')], [null, ids[0], 'one']);
    const status = await at('status');
    assert.deepEqual([status.branch, status.clean], [null, true]);
    writeFileSync(join(work, 'text'), 'edited here');
    const refused = await lab.in('work', ['snapshot'], 2);
    assert.match(refused.error.hint, /-b/);
    await lab.in('work', ['checkout', 'main'], 8);
    assert.equal(read('text'), 'edited here');
    const made = await at('snapshot', '-b', 'experiment');
    assert.deepEqual([made.branch, made.parents], ['experiment', [ids[0]]]);
    writeFileSync(join(work, 'text'), 'edited again');
    await lab.in('work', ['checkout', 'main'], 8);
    await at('checkout', 'main', '--force');
    assert.equal(read('text'), 'three');
    assert.equal((await at('status')).branch, 'main');
    await at('checkout', 'origin/main');
    assert.equal((await at('status')).branch, null);
    await at('checkout', 'main');
  });
});
