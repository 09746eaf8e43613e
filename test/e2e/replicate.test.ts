import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, type Hub, Lab } from './helpers/lab.ts';
import { noise } from './helpers/trees.ts';

const MiB = 1 << 20;

describe('e2e: push, pull and two sides that change', function () {
  this.timeout(60_000);
  let lab: Lab;
  let hub: Hub;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    work = await lab.volume('work', hub);
  });
  afterEach(() => lab[Symbol.asyncDispose]());
  const put = (dir: string, name: string, text: string | Buffer) => writeFileSync(lab.path(dir, name), text);
  const save = async (dir: string, ...flags: string[]) => (await lab.in(dir, ['snapshot', ...flags])).snapshot;
  const clone = (dir = 'copy') => lab.run(['clone', `${hub.url}/data`, dir]);
  const shape = (rows: { name: string; side: string; action: string }[]) =>
    rows.map(({ name, side, action }) => `${name} ${side} ${action}`);

  it('appending to and inserting into a file of 64 MiB sends less than 1 MiB', async () => {
    const big = noise(64 * MiB);
    put('work', 'big', big);
    await save('work');
    const first = await lab.in('work', ['push']);
    assert.ok(first.pushed.bytes > 64 * MiB);
    await clone();
    put('work', 'big', Buffer.concat([big, Buffer.from('appended')]));
    await save('work');
    const second = await lab.in('work', ['push']);
    put('work', 'big', Buffer.concat([big.subarray(0, 32 * MiB), Buffer.from('!'), big.subarray(32 * MiB)]));
    await save('work');
    const third = await lab.in('work', ['push']);
    for (const { pushed } of [second, third]) assert.ok(pushed.bytes > 0 && pushed.bytes < MiB, `${pushed.bytes}`);
    const { pulled } = await lab.in('copy', ['pull']);
    assert.ok(pulled.bytes > 0 && pulled.bytes < 2 * MiB, `${pulled.bytes}`);
    assertSame(work, lab.path('copy'));
  });

  it('an unchanged push, pull, fetch and sync is one request without data', async () => {
    put('work', 'a', 'a');
    await save('work');
    await lab.in('work', ['push']);
    await clone();
    for (const dir of ['work', 'copy']) {
      for (const verb of ['push', 'pull', 'sync', 'fetch']) {
        const done = await lab.in(dir, [verb]);
        assert.deepEqual(
          [verb, done.requests, done.upToDate, done.pushed.bytes, done.pulled.bytes],
          [verb, 1, true, 0, 0],
        );
        await lab.in(dir, [verb, '--fail-if-unchanged'], 4);
      }
    }
  });

  it('both sides changed: exit 6 for that branch, the others go through', async () => {
    put('work', 'a', 'a');
    const base = await save('work');
    await lab.in('work', ['branch', 'create', 'side']);
    await lab.in('work', ['push']);
    await clone();
    put('work', 'a', 'a, ours');
    const ours = await save('work');
    await lab.in('work', ['push']);
    put('copy', 'b', 'b, theirs');
    const theirs = await save('copy');
    await lab.in('copy', ['checkout', 'side']);
    put('copy', 'c', 'on the side');
    const side = await save('copy');
    const pushed = await lab.in('copy', ['push'], 6);
    assert.deepEqual(pushed.diverged, [{ branch: 'main', current: theirs, target: ours, base }]);
    assert.deepEqual(shape(pushed.branches), ['main remote rejected', 'side remote fast-forward']);
    const rows = await lab.text(['-C', lab.path('copy'), 'push', '--porcelain'], 6);
    assert.deepEqual(
      rows,
      `!\tmain\t${ours}\t${ours}\tremote rejected\n=\tside\t${side}\t${side}\tremote up-to-date\n`,
    );
    const pulled = await lab.in('copy', ['pull'], 6);
    assert.deepEqual(pulled.diverged.length, 1);
    assert.equal((await lab.in('copy', ['sync'], 6)).diverged.length, 1);
    // Nothing of either line is lost, on any side.
    assert.equal(await lab.text(['-C', lab.path('copy'), 'cat', 'origin/main', 'a']), 'a, ours');
    assert.equal(await lab.text(['-C', lab.path('copy'), 'cat', 'main', 'b']), 'b, theirs');
    await lab.in('work', ['pull']);
    assert.equal(
      (await lab.in('work', ['branch', 'list'])).branches.find((b: { name: string }) => b.name === 'side').tip,
      side,
    );
    const text = await lab.text(['-C', lab.path('copy'), 'push'], 6);
    for (const id of [ours, theirs, base]) assert.ok(text.includes(id.slice(0, 12)), text);
    await lab.verify(hub.store);
  });

  it('pull into an unsaved edit does all but the directory; a snapshot there reverts nothing', async () => {
    put('work', 'shared', 'one');
    put('work', 'theirs', 'one');
    await save('work');
    await lab.in('work', ['push']);
    await clone();
    put('work', 'shared', 'two');
    const pushedTip = await save('work');
    await lab.in('work', ['push']);
    put('copy', 'mine', 'unsaved');
    const pulled = await lab.in('copy', ['pull'], 8);
    assert.equal(pulled.pulled.snapshots, 1);
    assert.deepEqual(shape(pulled.branches), ['main here fast-forward']);
    assert.equal(readFileSync(lab.path('copy', 'shared'), 'utf8'), 'one');
    const made = await lab.in('copy', ['snapshot'], 6);
    assert.match(made.branch, /^main\.[0-9a-f]{4}$/);
    assert.equal((await lab.in('copy', ['status'])).branch, made.branch);
    const branches = (await lab.in('copy', ['branch', 'list'])).branches;
    assert.equal(branches.find((b: { name: string }) => b.name === 'main').tip, pushedTip);
    assert.equal(await lab.text(['-C', lab.path('copy'), 'cat', 'main', 'shared']), 'two');
    assert.equal(await lab.text(['-C', lab.path('copy'), 'cat', made.branch, 'mine']), 'unsaved');
    // Without --json it says what happened and how to go on.
    put('copy', 'mine', 'again');
    await lab.in('copy', ['snapshot']);
    await lab.in('copy', ['push']);
    await lab.in('work', ['pull']);
    assert.equal(await lab.text(['-C', work, 'cat', made.branch, 'mine']), 'again');
    await lab.in('copy', ['checkout', 'main']);
    assertSame(work, lab.path('copy'));
  });

  it('a hub that is restarted elsewhere on the same store goes on; another store is refused', async () => {
    put('work', 'a', 'a');
    await save('work');
    await lab.in('work', ['push']);
    await hub.stop();
    const down = await lab.in('work', ['push'], 13);
    assert.ok(down.error.hint.length > 0);
    const again = await lab.hub();
    await lab.in('work', ['remote', 'set-url', 'origin', `${again.url}/data`]);
    assert.equal((await lab.in('work', ['push'])).upToDate, true);
    const other = await lab.hub('other');
    await lab.in('work', ['remote', 'set-url', 'origin', `${other.url}/data`]);
    assert.equal((await lab.in('work', ['push'], 16)).error.exit, 16);
  });

  it('snapshot --push does both, and pushes in spite of problems', async () => {
    put('work', 'a', 'a');
    const made = await lab.in('work', ['snapshot', '--push', 'origin', '-m', 'one']);
    assert.equal(made.push.pushed.snapshots, 1);
    const again = await lab.in('work', ['snapshot', '--push', 'origin', '--skip-unchanged']);
    assert.deepEqual([again.created, again.snapshot, again.push.upToDate], [false, made.snapshot, true]);
    await clone();
    assertSame(work, lab.path('copy'));
    assert.equal((await lab.in('copy', ['log'])).snapshots[0].description, 'one');
    assert.ok(join(work));
  });
});
