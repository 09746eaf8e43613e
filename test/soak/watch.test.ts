/** Watchers for a long time and with much to do. PLAIT_KILLS: of the watcher, PLAIT_SNAPSHOTS: of a database. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../e2e/helpers/lab.ts';
import { databaseRounds, killRounds, Watcher } from '../e2e/watch-rounds.ts';

const MIB = 1 << 20;
const KILLS = Number(process.env['PLAIT_KILLS'] ?? 100);
const SNAPSHOTS = Number(process.env['PLAIT_SNAPSHOTS'] ?? 100);
const FILES = 100_000;

interface Use {
  rss: number;
  cpuMs: number;
  watches: number;
}

/** Of a process; its inotify watches are lines of fdinfo. */
function useOf(pid: number): Use {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const ticks = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return {
    rss: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024,
    cpuMs: (Number(ticks[11]) + Number(ticks[12])) * 10,
    watches: watchesOf(pid),
  };
}

function watchesOf(pid: number): number {
  let most = 0;
  for (let fd = 3; fd < 200; fd++) {
    try {
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
      most = Math.max(most, info.split('\n').filter((line) => line.startsWith('inotify wd:')).length);
    } catch {
      // No such descriptor.
    }
  }
  return most;
}

const show = (use: Use): string =>
  `${Math.round(use.rss / MIB)} MiB at most, ${use.cpuMs} ms of CPU, ${use.watches} watches`;

describe('soak: watch', () => {
  it(`misses nothing, killed ${KILLS} times while files change`, async () => {
    await using lab = new Lab();
    await killRounds(lab, await lab.volume('work'), KILLS, Number(process.env['PLAIT_SEED'] ?? 1));
  });

  for (const bracket of ['hold', 'lock-file'] as const) {
    it(`has ${SNAPSHOTS} snapshots of a database that is written all the time in brackets (${bracket}), all whole`, async () => {
      await using lab = new Lab();
      const said = await databaseRounds(lab, await lab.volume('work'), bracket, SNAPSHOTS);
      assert.equal(said.length, SNAPSHOTS);
      assert.deepEqual(new Set(said), new Set(['ok']));
    });
  }

  it('has torn ones among them without brackets', async () => {
    await using lab = new Lab();
    const said = await databaseRounds(lab, await lab.volume('work'), 'none', 20);
    const torn = said.filter((text) => text !== 'ok').length;
    console.log(`      ${torn} of ${said.length} torn`);
    assert.ok(torn > 0);
  });

  it(`takes a burst of ${FILES} files in a few snapshots and little memory`, async () => {
    await using lab = new Lab({ timeout: 0 });
    const work = await lab.volume('work');
    const watcher = new Watcher(work, []);
    const pid = watcher.running.child.pid!;
    await watcher.next('snapshot');
    const idle = useOf(pid);
    for (let i = 0; i < FILES; i++) {
      if (i % 100 === 0) mkdirSync(join(work, `d${i / 100}`));
      writeFileSync(join(work, `d${Math.floor(i / 100)}`, `f${i}`), `${i}`);
    }
    let [files, snapshots] = [0, 0];
    const started = performance.now();
    while (files < FILES) {
      files += (await watcher.next('snapshot', 300_000)).new;
      snapshots++;
    }
    const burst = useOf(pid);
    console.log(`      idle: ${show(idle)}`);
    console.log(`      burst: ${show(burst)}, ${snapshots} snapshots, ${Math.round(performance.now() - started)} ms`);
    assert.equal(files, FILES);
    assert.ok(snapshots <= 3, `${snapshots} snapshots`);
    assert.equal(burst.watches, 1001);
    assert.ok(burst.rss < 500 * MIB);
    writeFileSync(join(work, 'd500', 'one more'), 'x');
    const began = performance.now();
    await watcher.next('changed');
    const one = await watcher.next('snapshot');
    console.log(
      `      one change of ${FILES}: ${one.durationMs} ms, ${Math.round(performance.now() - began)} ms after it was made`,
    );
    assert.equal(one.new, 1);
    await watcher.stop();
    const { snapshots: all } = await lab.run(['-C', work, 'log']);
    assert.equal(all.length, snapshots + 2);
  });

  it(`spends nothing on ${FILES} files that are ignored`, async () => {
    await using lab = new Lab({ timeout: 0 });
    const work = await lab.volume('work');
    writeFileSync(join(work, '.plaitignore'), 'node_modules/\n*.log\n');
    mkdirSync(join(work, 'src'));
    const watcher = new Watcher(work, ['--quiet-period', '0.5s']);
    const pid = watcher.running.child.pid!;
    await watcher.next('snapshot');
    const before = useOf(pid);
    for (let i = 0; i < FILES; i++) {
      if (i % 100 === 0) mkdirSync(join(work, 'node_modules', `d${i / 100}`), { recursive: true });
      writeFileSync(join(work, 'node_modules', `d${Math.floor(i / 100)}`, `f${i}`), `${i}`);
      writeFileSync(join(work, 'src', `${i % 10}.log`), `${i}`);
    }
    writeFileSync(join(work, 'src', 'kept'), 'x');
    const made = await watcher.next('snapshot');
    const after = useOf(pid);
    console.log(`      before: ${show(before)}; after: ${show(after)}; the look took ${made.durationMs} ms`);
    assert.deepEqual([made.new, made.files], [1, 2]);
    assert.equal(after.watches, 2);
    assert.ok(after.rss - before.rss < 60 * MIB);
    await watcher.stop();
  });
});
