/** Who a store is: restored backups, copies, hubs that were moved, replaced or put back, clones for one job. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { assertJobsLeaveNoTrace } from './helpers/jobs.ts';
import { type Document, type Hub, Lab } from './helpers/lab.ts';
import { plait } from './helpers/plait.ts';
import { assertEqualStores, assertQuiet } from './helpers/stores.ts';

/** test/soak/jobs.test.ts runs more. */
const JOBS = Number(process.env['PLAIT_JOBS'] ?? 10);

describe('e2e: identity of stores', function () {
  this.timeout(120_000);
  let lab: Lab;
  let hub: Hub;
  beforeEach(async () => {
    lab = new Lab();
    hub = await lab.hub();
    await lab.volume('a', hub);
    await save('a', 'file', 'one');
    await lab.in('a', ['push']);
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const save = async (dir: string, name: string, text: string): Promise<string> => {
    writeFileSync(lab.path(dir, name), text);
    return (await lab.in(dir, ['snapshot'])).snapshot;
  };
  const copy = (from: string, to: string) => {
    rmSync(lab.path(to), { recursive: true, force: true });
    execFileSync('cp', ['-a', lab.path(from), lab.path(to)]);
  };
  const attrs = (dir: string, ...pairs: string[]) =>
    lab.in(dir, ['update', ...pairs.flatMap((pair) => ['--attr', pair])]);
  const attrsOf = async (dir: string) => (await lab.in(dir, ['volset', 'list'])).volsets[0].attrs;
  /** Where a store keeps its identity outside of itself: another one has lost it. */
  const elsewhere = (name: string) => ({ env: { XDG_STATE_HOME: lab.path(name) } });

  /** The bytes of the backup in the files that are there: inode and birth time stay. */
  const putBackInPlace = () => {
    for (const suffix of ['-wal', '-shm']) rmSync(lab.path('a', '.plait', `meta.db${suffix}`), { force: true });
    copyFileSync(lab.path('backup', '.plait', 'meta.db'), lab.path('a', '.plait', 'meta.db'));
  };
  const restores: [string, () => void, { env?: Record<string, string> }, string?][] = [
    ['copied back', () => copy('backup', 'a'), {}],
    ['put back in place', putBackInPlace, {}],
    ['put back in place, its state directory lost: generation numbers are given twice', putBackInPlace, { env: {} }],
  ];
  for (const [how, restore, setup] of restores) {
    it(`a backup of a store, ${how}: what was done since and before survives`, async () => {
      if (setup.env) setup.env = elsewhere('lost').env;
      copy('a', 'backup');
      await lab.in('a', ['update', '--description', 'before the loss', '--attr', 'lost=1']);
      const lost = await save('a', 'file', 'before the loss');
      await lab.in('a', ['sync']);
      restore();
      await lab.in('a', ['update', '--description', 'after it', '--attr', 'restored=1'], 0, setup);
      const met = await lab.in('a', ['sync'], [5, 8], setup);
      assert.deepEqual(
        met.conflicts.map((c: Document) => [c.field, c.current, c.target]),
        [['description', 'after it', 'before the loss']],
      );
      await lab.in('a', ['checkout', 'main', '--force'], 0, setup);
      const { volset, branches } = await assertEqualStores(lab, ['hub', 'a']);
      assert.deepEqual([volset.attrs, branches[0].tip], [{ lost: '1', restored: '1' }, lost]);
      // Where the session itself began the new epoch, what that has is told to the hub in the next one.
      const next = await lab.in('a', ['sync'], 0, setup);
      assert.deepEqual([next.upToDate, next.pushed.bytes, next.requests <= 2], [true, 0, true]);
      const quiet = await lab.in('a', ['sync'], 0, setup);
      assert.deepEqual([quiet.upToDate, quiet.requests], [true, 1]);
      await Promise.all(['hub', 'a/.plait'].map((store) => lab.verify(lab.path(store))));
    });
  }

  const twins: [string, () => void][] = [
    ['a copy', () => {}],
    [
      'a clone of the disk, which nothing tells apart',
      () => {
        using db = new DatabaseSync(lab.path('twin', '.plait', 'meta.db'));
        db.exec("DELETE FROM self WHERE key IN ('inode', 'birth')");
      },
    ],
  ];
  for (const [what, makeAlike] of twins) {
    it(`${what} of a store beside the original, met first by a third party: the edits of both survive`, async () => {
      copy('a', 'twin');
      makeAlike();
      const second = await lab.hub('second');
      const twin = (argv: string[], exit: number | number[] = 0) => lab.in('twin', argv, exit, elsewhere('twins'));
      await twin(['remote', 'add', 'second', `${second.url}/data`]);
      await twin(['update', '--attr', 'twin=1']);
      await twin(['push', 'second']);
      await attrs('a', 'original=1');
      await lab.in('a', ['push']);
      await lab.run(['clone', `${second.url}/data`, 'c']);
      await lab.in('c', ['remote', 'add', 'first', `${hub.url}/data`]);
      await lab.in('c', ['sync', 'first']);
      assert.deepEqual(await attrsOf('c'), { original: '1', twin: '1' });
      await lab.in('c', ['sync', 'origin']);
      await twin(['sync', 'second']);
      await lab.in('a', ['sync']);
      writeFileSync(lab.path('twin', 'of-twin'), 'x');
      await twin(['snapshot']);
      await twin(['sync', 'origin']);
      await attrs('a', 'original=2');
      await lab.in('a', ['sync']);
      for (const remote of ['first', 'origin']) await lab.in('c', ['sync', remote]);
      await twin(['sync', 'origin']);
      const { volset } = await assertEqualStores(lab, ['hub', 'second', 'a', 'c']);
      assert.deepEqual([volset.attrs, await attrsOf('twin')], [{ original: '2', twin: '1' }, volset.attrs]);
      await assertQuiet(lab, ['a']);
      await assertQuiet(lab, ['c'], ['first', 'origin']);
      const all = ['hub', 'second', 'a/.plait', 'c/.plait', 'twin/.plait'];
      await Promise.all(all.map((store) => lab.verify(lab.path(store))));
    });
  }

  /** Stops the hub, changes what is served, and serves it at the same URL. */
  const serveInstead = async (name: string) => {
    await hub.stop();
    const { host } = new URL(hub.url);
    hub = { ...(await lab.hub(name, '--listen', host)), url: hub.url };
  };

  it('a hub that was copied elsewhere and is served at the old URL: clients go on, with a notice', async () => {
    await lab.run(['clone', `${hub.url}/data`, 'b']);
    await hub.stop();
    copy('hub', 'moved');
    await serveInstead('moved');
    const tip = await save('a', 'file', 'two');
    const end = await plait(['-C', lab.path('a'), 'sync']);
    assert.equal(end.exit, 0, JSON.stringify(end));
    assert.match(end.stderr, /origin goes on as a new store/);
    await lab.in('b', ['sync']);
    const { branches } = await assertEqualStores(lab, ['moved', 'a', 'b']);
    assert.equal(branches[0].tip, tip);
    for (const dir of ['a', 'b']) {
      const quiet = await plait(['-C', lab.path(dir), 'sync']);
      assert.deepEqual([quiet.exit, quiet.stdout, quiet.stderr], [0, 'up to date with origin\n', '']);
    }
  });

  it('a hub that was replaced by another store: exit 16, until it is accepted', async () => {
    await serveInstead('other');
    const tip = await save('a', 'file', 'two');
    for (const verb of ['push', 'pull', 'sync', 'fetch']) {
      const { error } = await lab.in('a', [verb], 16);
      assert.deepEqual([error.code, /--accept-new-identity/.test(error.hint)], ['identity', true], verb);
    }
    assert.deepEqual((await lab.run(['--store', lab.path('other'), 'volset', 'list'])).volsets, []);
    await lab.in('a', ['sync', '--accept-new-identity']);
    const { branches } = await assertEqualStores(lab, ['other', 'a']);
    assert.equal(branches[0].tip, tip);
    await assertQuiet(lab, ['a']);
  });

  it('a hub that was put back to an older copy: exit 16, until it is accepted; then it has again what it lost', async () => {
    await hub.stop();
    copy('hub', 'older');
    await serveInstead('hub');
    await attrs('a', 'k=1');
    const tip = await save('a', 'file', 'two');
    await lab.in('a', ['sync']);
    await hub.stop();
    copy('older', 'hub');
    await serveInstead('hub');
    for (const verb of ['push', 'pull', 'sync', 'fetch']) {
      const { error } = await lab.in('a', [verb], 16);
      assert.deepEqual([error.code, /--accept-rollback/.test(error.hint)], ['rollback', true], verb);
    }
    await lab.in('a', ['sync', '--accept-rollback', '--dry-run']);
    await lab.in('a', ['sync'], 16);
    await lab.in('a', ['sync', '--accept-rollback']);
    const { volset, branches } = await assertEqualStores(lab, ['hub', 'a']);
    assert.deepEqual([volset.attrs, branches[0].tip], [{ k: '1' }, tip]);
    await assertQuiet(lab, ['a']);
    await lab.verify(lab.path('hub'));
  });

  it(`${JOBS} jobs from one cached ephemeral clone leave the vector of the hub as long as it was`, async () => {
    await assertJobsLeaveNoTrace(lab, hub, 'a', JOBS);
  });
});
