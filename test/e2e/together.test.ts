import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, type Document, type Hub, Lab } from './helpers/lab.ts';
import { startPlait } from './helpers/plait.ts';
import { noise } from './helpers/trees.ts';

describe('e2e: two processes on one store', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
    for (let i = 0; i < 200; i++) writeFileSync(join(work, `file-${i}`), noise(20_000, i + 1));
  });
  afterEach(() => lab[Symbol.asyncDispose]());
  const rows = (document: Document) => document.snapshots.map((row: { snapshot: string }) => row.snapshot);
  const whole = async () => {
    await lab.verify(join(work, '.plait'));
    await lab.verify(hub.store);
  };

  it('two snapshots at once make one line of two', async () => {
    const made = await Promise.all([lab.in('work', ['snapshot', '-m', 'a']), lab.in('work', ['snapshot', '-m', 'b'])]);
    const ids = made.map((one) => one.snapshot);
    assert.deepEqual(
      made.map((one) => [one.created, one.branch]),
      [
        [true, 'main'],
        [true, 'main'],
      ],
    );
    const log = await lab.in('work', ['log']);
    assert.deepEqual(rows(log).toSorted(), ids.toSorted());
    assert.equal((await lab.in('work', ['branch', 'list'])).branches.length, 1);
    assert.equal((await lab.in('work', ['status'])).clean, true);
    await whole();
  });

  it('a snapshot during a push', async () => {
    await lab.in('work', ['snapshot']);
    const push = startPlait(['--json', '--progress', 'json', '-C', work, 'push'], { input: '' });
    await push.output(/"phase":"pushing"/);
    writeFileSync(join(work, 'file-1'), 'changed meanwhile');
    const made = await lab.in('work', ['snapshot']);
    assert.equal((await push.ended).exit, 0);
    assert.equal(made.changed, 1);
    const second = await lab.in('work', ['push']);
    assert.equal(second.pushed.snapshots, 1);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    assertSame(work, lab.path('copy'));
    await whole();
  });

  it('two pushes at once, from one store and from two', async () => {
    await lab.in('work', ['snapshot']);
    await Promise.all([lab.in('work', ['push']), lab.in('work', ['push'])]);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    await lab.in('copy', ['branch', 'create', 'other']);
    await lab.in('copy', ['checkout', 'other']);
    for (const dir of ['work', 'copy']) {
      writeFileSync(lab.path(dir, `from-${dir}`), noise(100_000, 3));
      await lab.in(dir, ['snapshot']);
    }
    await Promise.all([lab.in('work', ['push']), lab.in('copy', ['push'])]);
    await lab.in('work', ['pull']);
    assert.equal(await lab.text(['-C', work, 'cat', 'other', 'from-copy']).then((text) => text.length > 0), true);
    await whole();
  });

  it('two stores that push the same branch at once: one wins, the other hears exit 6', async () => {
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    for (const dir of ['work', 'copy']) {
      writeFileSync(lab.path(dir, `from-${dir}`), dir);
      await lab.in(dir, ['snapshot']);
    }
    const both = await Promise.all([lab.in('work', ['push'], [0, 6]), lab.in('copy', ['push'], [0, 6])]);
    const actions = both.map((one) => one.branches[0].action);
    assert.deepEqual(actions.toSorted(), ['fast-forward', 'rejected']);
    // The loser hears it again, now with both tips.
    const loser = actions[0] === 'rejected' ? 'work' : 'copy';
    assert.equal((await lab.in(loser, ['push'], 6)).diverged.length, 1);
    await whole();
  });

  it('pull, snapshot and status at once leave a directory that stands somewhere', async () => {
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await lab.run(['clone', `${hub.url}/data`, 'copy']);
    for (let i = 0; i < 50; i++) writeFileSync(join(work, `file-${i}`), noise(30_000, i + 500));
    await lab.in('work', ['snapshot', '--push', 'origin']);
    await Promise.all([
      lab.in('copy', ['pull']),
      lab.in('copy', ['snapshot', '--skip-unchanged']),
      lab.in('copy', ['status']),
    ]);
    await lab.in('copy', ['pull']);
    assertSame(work, lab.path('copy'));
    assert.equal((await lab.in('copy', ['status'])).clean, true);
    assert.equal(readFileSync(lab.path('copy', 'file-3')).length, 30_000);
  });
});
