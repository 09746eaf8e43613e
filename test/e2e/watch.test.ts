import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from './helpers/lab.ts';
import { plait, startPlait } from './helpers/plait.ts';
import { databaseRounds, killRounds, Watcher } from './watch-rounds.ts';

describe('e2e: watch', function () {
  this.timeout(300_000);
  let lab: Lab;
  let work: string;
  beforeEach(async () => {
    lab = new Lab();
    work = await lab.volume('work');
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`tells events as JSON lines, and ends with 0 at ${signal}`, async () => {
      writeFileSync(join(work, 'a'), 'x');
      const watcher = new Watcher(work);
      const watching = await watcher.next('watching');
      assert.deepEqual([watching.type, watching.dir, watching.pushTo, watching.volset], ['status', work, null, 'data']);
      const made = await watcher.next('snapshot');
      assert.deepEqual([made.type, made.branch, made.new], ['new', 'main', 1]);
      assert.equal(made.object, `snapshot:${made.snapshot}`);
      assert.ok(made.rev > watching.rev);
      mkdirSync(join(work, 'sub'));
      assert.equal((await watcher.next('changed')).path, 'sub');
      await watcher.next('snapshot');
      await watcher.stop(signal);
      const { snapshots } = await lab.in('work', ['log']);
      assert.equal(snapshots.length, 2);
    });
  }

  it('is one line an event without --json, and takes its flags from environment and configuration', async () => {
    await lab.in('work', ['config', 'set', 'watch.quiet-period', '1h']);
    await lab.in('work', ['config', 'set', 'watch.max-delay', '50ms'], 2);
    const running = startPlait(['-C', work, 'watch'], { input: '', env: { PLAIT_WATCH_MAX_DELAY: '0.1s' } });
    await running.output(/^watching .*work$/m);
    await running.output(/^snapshot [0-9a-f]+ on main: 0 new, 0 changed, 0 deleted/m);
    writeFileSync(join(work, 'a'), 'x');
    await running.output(/^changed: a$/m);
    await running.output(/^snapshot [0-9a-f]+ on main: 1 new/m);
    running.child.kill('SIGTERM');
    const end = await running.ended;
    assert.deepEqual([end.exit, end.stderr], [0, '']);
  });

  it('is refused where there is one already, and where there is no branch', async () => {
    const watcher = new Watcher(work);
    const { snapshot } = await watcher.next('snapshot');
    assert.equal((await plait(['-C', work, 'watch'])).exit, 11);
    await watcher.stop();
    await lab.in('work', ['checkout', snapshot]);
    const { error } = await lab.in('work', ['watch'], 2);
    assert.match(error.hint, /snapshot -b NAME/);
  });

  it('ends when its directory is removed', async () => {
    const watcher = new Watcher(work);
    await watcher.next('snapshot');
    rmSync(work, { recursive: true });
    assert.match((await watcher.next('problem')).message, /is gone/);
    assert.equal((await watcher.running.ended).exit, 10);
  });

  it('hold and release say who holds, and keep a snapshot away', async () => {
    const held = await lab.in('work', ['hold']);
    assert.deepEqual([held.dir, held.holds], [work, 1]);
    const { error } = await lab.in('work', ['--lock-wait', '0.2s', 'snapshot'], 11);
    assert.equal(error.data.heldBy, 'hold');
    assert.match(error.hint, /plait release/);
    assert.match(await lab.text(['-C', work, 'release']), /work is free$/m);
    await lab.in('work', ['release'], 10);
    await lab.in('work', ['snapshot']);
    await lab.in('work', ['config', 'set', 'hold.expires', '4h']);
    const { until } = await lab.in('work', ['hold']);
    assert.ok(Date.parse(until) > Date.now() + 3.9 * 3_600_000);
    for (const [key, value] of [
      ['hold.expires', 'soon'],
      ['watch.lock-file', '/etc/passwd'],
      ['watch.lock-file', '../x'],
    ]) {
      await lab.in('work', ['config', 'set', key, value], 2);
    }
  });

  it('misses nothing when it is killed and started again while files change', async () => {
    await killRounds(lab, work, 5, 5);
  });

  for (const bracket of ['hold', 'lock-file'] as const) {
    it(`has no torn database in its snapshots where ${bracket} brackets what is written`, async () => {
      const said = await databaseRounds(lab, work, bracket, 4);
      assert.deepEqual(new Set(said), new Set(['ok']));
    });
  }
});
