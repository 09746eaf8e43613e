import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, Lab } from './helpers/lab.ts';
import { plait } from './helpers/plait.ts';
import { changeKinds, makeKinds, noise } from './helpers/trees.ts';

describe('e2e: export and import, without any network', function () {
  this.timeout(60_000);
  let lab: Lab;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    work = await lab.volume('work');
    makeKinds(work);
    await lab.in('work', ['snapshot', '-m', 'first', '--attr', 'k=v']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('goes into an empty store elsewhere, again, and in increments', async () => {
    await lab.text(['-C', work, 'export', 'main', lab.path('one.plait')]);
    await lab.run(['init', '--bare', lab.path('far')]);
    const far = (argv: string[], exit = 0) => lab.run(['--store', lab.path('far'), ...argv], exit);
    const first = await far(['import', lab.path('one.plait')]);
    assert.deepEqual([first.volset, first.snapshots, first.branches], ['data', 1, ['main']]);
    const row = (await far(['log'])).snapshots[0];
    assert.deepEqual([row.description, row.attrs, row.hasBlob], ['first', { k: 'v' }, true]);
    const again = await far(['import', lab.path('one.plait')]);
    assert.deepEqual([again.branches, again.volset], [[], 'data']);
    assert.equal((await far(['log'])).snapshots.length, 1);
    changeKinds(work);
    writeFileSync(join(work, 'more'), noise(50_000, 9));
    const second = await lab.in('work', ['snapshot', '-m', 'second']);
    await lab.text(['-C', work, 'export', 'main', '--base', 'main~1', lab.path('two.plait')]);
    await lab.text(['-C', work, 'export', 'main', lab.path('all.plait')]);
    const sizes = ['two.plait', 'all.plait'].map((name) => statSync(lab.path(name)).size);
    assert.ok(sizes[0] < sizes[1] / 2, `${sizes}`);
    const next = await far(['import', lab.path('two.plait')]);
    assert.deepEqual([next.snapshots, next.branches], [1, ['main']]);
    assert.equal((await far(['branch', 'list'])).branches[0].tip, second.snapshot);
    await far(['restore', 'main', '--to', lab.path('out')]);
    assertSame(work, lab.path('out'));
    await lab.verify(lab.path('far'));
  });

  it('a branch that went another way here stays, exit 6', async () => {
    await lab.text(['-C', work, 'export', 'main', lab.path('one.plait')]);
    const stores = ['left', 'right'].map((name) => lab.path(name));
    for (const store of stores) {
      await lab.run(['init', '--bare', store]);
      await lab.run(['--store', store, 'import', lab.path('one.plait')]);
    }
    const hub = await lab.hub('left');
    await lab.run(['clone', hub.url, 'copy']);
    writeFileSync(lab.path('copy', 'ours'), 'ours');
    const ours = await lab.in('copy', ['snapshot', '--push', 'origin']);
    writeFileSync(join(work, 'theirs'), 'theirs');
    const theirs = await lab.in('work', ['snapshot']);
    await lab.text(['-C', work, 'export', 'main', lab.path('two.plait')]);
    const done = await lab.in('copy', ['import', lab.path('two.plait')], 6);
    assert.deepEqual([done.branches, done.diverged], [[], ['main']]);
    assert.equal((await lab.in('copy', ['branch', 'list'])).branches[0].tip, ours.snapshot);
    assert.equal(await lab.text(['-C', lab.path('copy'), 'cat', theirs.snapshot, 'theirs']), 'theirs');
    assert.match(await lab.text(['-C', lab.path('copy'), 'import', lab.path('two.plait')], 6), /main/);
  });

  it('an increment without its base is refused and leaves nothing', async () => {
    writeFileSync(join(work, 'more'), 'more');
    await lab.in('work', ['snapshot']);
    await lab.text(['-C', work, 'export', 'main', '--base', 'main~1', lab.path('two.plait')]);
    await lab.run(['init', '--bare', lab.path('far')]);
    const end = await lab.run(['--store', lab.path('far'), 'import', lab.path('two.plait')], [10, 14]);
    assert.ok(end.error.hint, JSON.stringify(end));
    await lab.verify(lab.path('far'));
  });

  it('through a pipe, into a store that is then served and cloned', async () => {
    const { stdout } = await lab.run(['-C', work, 'status']).then(async () => {
      await lab.text(['-C', work, 'export', lab.path('x.plait')]);
      return { stdout: readFileSync(lab.path('x.plait')) };
    });
    await lab.run(['init', '--bare', lab.path('far')]);
    const end = await plait(['--json', '--store', lab.path('far'), 'import', '-'], { cwd: lab.dir, input: stdout });
    assert.equal(end.exit, 0, JSON.stringify(end));
    const hub = await lab.hub('far');
    await lab.run(['clone', hub.url, 'copy']);
    assertSame(work, lab.path('copy'));
  });

  it('a bundle that was cut or changed is refused, and nothing of it is kept', async () => {
    await lab.text(['-C', work, 'export', 'main', lab.path('one.plait')]);
    const bytes = readFileSync(lab.path('one.plait'));
    await lab.run(['init', '--bare', lab.path('far')]);
    const cut = bytes.subarray(0, bytes.length * 0.6);
    const flipped = Buffer.from(bytes);
    flipped[Math.floor(bytes.length / 2)] ^= 1;
    for (const bad of [cut, flipped, Buffer.from('no bundle at all'), Buffer.alloc(0)]) {
      writeFileSync(lab.path('bad.plait'), bad);
      const end = await lab.run(['--store', lab.path('far'), 'import', lab.path('bad.plait')], [2, 14, 17]);
      assert.ok(end.error.message);
      await lab.verify(lab.path('far'));
    }
    await lab.run(['--store', lab.path('far'), 'import', lab.path('one.plait')]);
    await lab.run(['--store', lab.path('far'), 'import', lab.path('missing.plait')], [2, 10]);
  });

  it('into the store of another working directory', async () => {
    writeFileSync(join(work, 'more'), 'more');
    const tip = await lab.in('work', ['snapshot', '-m', 'second']);
    await lab.text(['-C', work, 'export', 'main', lab.path('all.plait')]);
    await lab.run(['init', lab.path('mine'), '--volset', 'mine']);
    await lab.in('mine', ['import', lab.path('all.plait')]);
    const volsets = (await lab.in('mine', ['volset', 'list'])).volsets.map((v: { name: string }) => v.name);
    assert.deepEqual(volsets.toSorted(), ['data', 'mine']);
    assert.equal((await lab.in('mine', ['status'])).volset, 'mine');
    assert.ok(tip.snapshot);
  });
});
