import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeWork, makeWork, moments, runAndKill } from './helpers/kill.ts';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';
import { changeKinds, makeKinds, noise } from './helpers/trees.ts';

describe('e2e: merge', function () {
  this.timeout(120_000);
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const put = (dir: string, name: string, text: string) => writeFileSync(lab.path(dir, name), text);
  const read = (dir: string, name: string) => readFileSync(lab.path(dir, name), 'utf8');

  /** Two clones of one hub at one snapshot; `b` can also push to a second hub, from which `a` hears of it. */
  async function twoStores(): Promise<{ hub: Hub; other: Hub }> {
    const [hub, other] = [await lab.hub('hub'), await lab.hub('other')];
    await lab.volume('a', hub);
    put('a', 'both', '0');
    await lab.in('a', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'b']);
    for (const dir of ['a', 'b']) await lab.in(dir, ['remote', 'add', 'other', `${other.url}/data`]);
    return { hub, other };
  }

  /** Each makes a snapshot; both hear of both. */
  async function diverge(): Promise<{ a: Document; b: Document }> {
    const a = await lab.in('a', ['snapshot', '--push', 'origin']);
    const b = await lab.in('b', ['snapshot', '--push', 'other']);
    await lab.in('a', ['pull', 'other'], 6);
    const diverged = await lab.in('b', ['sync', 'origin'], 6);
    assert.equal(diverged.diverged[0].branch, 'main');
    return { a, b };
  }

  it('of the same tips on two stores is the same snapshot, and then there is nothing to sync', async () => {
    await twoStores();
    put('a', 'of-a', '1');
    put('b', 'of-b', '2');
    const { a, b } = await diverge();
    const onA = await lab.in('a', ['merge', 'other/main']);
    const onB = await lab.in('b', ['merge', 'origin/main']);
    assert.deepEqual([onA.merged, onA.dryRun, onA.conflicts, onA.added], [true, false, [], 1]);
    assert.deepEqual(onA.parents, [a.snapshot, b.snapshot].sort());
    assert.equal(onA.snapshot, onB.snapshot);
    assertSame(lab.path('a'), lab.path('b'));
    // The second of a brings that b has made the same.
    for (const dir of ['a', 'b', 'a']) await lab.in(dir, ['sync', 'origin']);
    for (const dir of ['a', 'b']) {
      const last = await lab.in(dir, ['sync', 'origin']);
      assert.deepEqual([last.upToDate, last.diverged, last.conflicts], [true, [], []]);
      assert.equal(await lab.text(['-C', lab.path(dir), 'sync', 'origin']), 'up to date with origin\n');
      assert.equal((await lab.in(dir, ['status'])).clean, true);
    }
    assert.deepEqual((await lab.in('a', ['log', '-n', '1'])).snapshots[0].creator, 'merge');
    for (const store of ['hub', 'a/.plait', 'b/.plait']) await lab.verify(lab.path(store));
  });

  it('with a conflict: exit 5, ours in place, theirs to be restored, settled, and a sync with exit 0', async () => {
    await twoStores();
    put('a', 'both', 'of a');
    put('b', 'both', 'of b');
    const { a, b } = await diverge();
    const plan = await lab.in('b', ['merge', 'origin/main', '--dry-run'], 5);
    assert.deepEqual([plan.merged, plan.dryRun, plan.conflicts[0].field, plan.snapshot], [false, true, 'both', null]);
    const text = await lab.text(['-C', lab.path('b'), 'merge', 'origin/main'], 5);
    assert.equal(read('b', 'both'), 'of b');
    const { conflicts } = await lab.in('b', ['conflicts', 'list']);
    const [{ id, kind, field, initial, current, target, resolution }] = conflicts;
    assert.deepEqual([conflicts.length, kind, field, current, target], [1, 'path', 'both', b.snapshot, a.snapshot]);
    assert.deepEqual([initial, resolution, id], [a.parents[0], 'current', plan.conflicts[0].id]);
    assert.match(text, new RegExp(`plait conflicts resolve ${id.slice(0, 12)} --current\\|--target`));
    const [, shown] = text.match(/plait restore ([0-9a-f]{12}) PATH --to DIR/) as RegExpMatchArray;
    await lab.in('b', ['restore', shown, 'both', '--to', lab.path('seen')]);
    assert.equal(read('seen', 'both'), 'of a');
    await lab.in('b', ['conflicts', 'resolve', id, '--target']);
    assert.equal(read('b', 'both'), 'of a');
    await lab.in('b', ['snapshot']);
    assert.deepEqual((await lab.in('b', ['conflicts', 'list'])).conflicts, []);
    await lab.in('b', ['sync', 'origin']);
    await lab.in('a', ['sync', 'origin']);
    assertSame(lab.path('a'), lab.path('b'));
    assert.equal((await lab.in('a', ['sync', 'origin'])).upToDate, true);
  });

  it('keeps to its exit codes', async () => {
    await twoStores();
    put('b', 'of-b', '2');
    await lab.in('b', ['merge', 'origin/main'], 8);
    await lab.in('b', ['merge', 'nowhere'], 10);
    await lab.in('b', ['merge', 'main', '--prefer', 'theirs'], 2);
    await lab.in('b', ['merge'], 2);
    await lab.in('b', ['snapshot']);
    assert.equal((await lab.in('b', ['merge', 'origin/main'])).merged, false);
    await lab.in('b', ['checkout', 'main~1']);
    await lab.in('b', ['merge', 'main'], 2);
  });

  it('takes and keeps every kind of entry', async () => {
    const hub = await lab.hub();
    await lab.volume('a', hub);
    makeKinds(lab.path('a'));
    await lab.in('a', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'b']);
    changeKinds(lab.path('a'));
    await lab.in('a', ['snapshot', '--push', 'origin']);
    put('b', 'of-b', '2');
    put('b', 'old', 'new');
    await lab.in('b', ['snapshot']);
    await lab.in('b', ['sync'], 6);
    await lab.in('b', ['merge', 'origin/main']);
    assert.equal((await lab.in('b', ['status'])).clean, true);
    await lab.in('b', ['sync']);
    await lab.in('a', ['sync']);
    assertSame(lab.path('a'), lab.path('b'));
    assert.deepEqual([read('a', 'old'), read('a', 'a/empty')], ['new', 'a file now']);
  });

  it('is finished by the next command after kill -9 at any moment', async function () {
    this.timeout(300_000);
    const work = await lab.volume('work');
    makeWork(work);
    await lab.in('work', ['snapshot']);
    changeWork(work, 1);
    await lab.in('work', ['snapshot', '-b', 'side']);
    await lab.in('work', ['checkout', 'main']);
    for (let i = 0; i < 300; i++) writeFileSync(join(work, `ours-${i}`), noise(500, i + 1));
    await lab.in('work', ['snapshot']);
    const copy = (name: string) => execFileSync('cp', ['-a', work, lab.path(name)]);
    copy('whole');
    const { snapshot } = await lab.in('whole', ['merge', 'side']);
    let killed = 0;
    for (const moment of [...moments(5, 3), ...[180, 230, 280].map((afterMs) => ({ line: 0, afterMs }))]) {
      copy('cut');
      if (await runAndKill(['-C', lab.path('cut'), 'merge', 'side'], { cwd: lab.dir }, moment)) killed++;
      const { clean, base, tip } = await lab.in('cut', ['status']);
      assert.deepEqual([clean, base], [true, tip], JSON.stringify(moment));
      if (tip !== snapshot) assert.equal((await lab.in('cut', ['merge', 'side'])).snapshot, snapshot);
      assertSame(lab.path('whole'), lab.path('cut'));
      rmSync(lab.path('cut'), { recursive: true });
    }
    assert.ok(killed >= 3, `only ${killed} of 8 were still running`);
  });
});
