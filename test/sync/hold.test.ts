import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { forwardVolume } from '../../src/sync/forward-volume.ts';
import { hold, release } from '../../src/sync/hold.ts';
import { lockVolume } from '../../src/sync/hold-lock.ts';
import { merge } from '../../src/sync/merge.ts';
import { restore } from '../../src/sync/restore.ts';
import { type MadeLab, madeLab } from './lab.ts';
import { meddledWith, snapshots, until, Watching } from './watch-lab.ts';

const code = (expected: string, hint?: RegExp) => (error: unknown) =>
  error instanceof PlaitError && error.code === expected && (hint === undefined || hint.test(error.hint ?? ''));
const HOUR = 3_600_000;

describe('a held directory', () => {
  let { lab, engine } = {} as MadeLab;

  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
    lab.write('a', 'one');
  });

  afterEach(() => lab[Symbol.asyncDispose]());

  const at = (ms: number): Engine => ({ ...engine, world: { ...engine.world, now: () => ms } });

  it('counts its holds, and is free when all are released', async () => {
    assert.equal((await hold(engine, HOUR)).result.holds, 1);
    const second = (await hold(await lab.open(), 2 * HOUR)).result;
    assert.equal(second.holds, 2);
    assert.ok(Date.parse(second.until!) > Date.now() + HOUR);
    assert.deepEqual([release(engine).result.holds, release(engine).result.holds], [1, 0]);
    assert.throws(() => release(engine), code('not-found', /hold\.expires/));
  });

  it('is held over a restart, and free when the time of a forgotten hold is over', async () => {
    await hold(at(1000), 500);
    assert.equal((await hold(at(1499), 500)).result.holds, 2);
    const left = release(at(1600)).result;
    assert.deepEqual([left.holds, left.expired], [0, false]);
    const forgotten = release(at(1600)).result;
    assert.deepEqual([forgotten.holds, forgotten.expired], [0, true]);
    await hold(at(2000), 500);
    await hold(at(2000 + 48 * HOUR), 500);
    assert.equal(readdirSync(join(engine.volume!.stateDir, 'holds')).length, 1, 'old marks do not pile up');
  });

  it('is held however long a hold may last', async () => {
    const { holds, until } = (await hold(engine, 999_999_999 * 86_400_000)).result;
    assert.deepEqual([holds, Number.isNaN(Date.parse(until!))], [1, false]);
    await assert.rejects(lab.snapshot({ ...engine, lockWaitMs: 0 }), code('busy'));
    assert.equal(release(engine).result.holds, 0);
  });

  it('passes over what is no mark', async () => {
    await hold(engine, HOUR);
    const dir = join(engine.volume!.stateDir, 'holds');
    for (const name of ['x', '1-2', '99999999999999999999-99999999999999999999-0123456789abcdef']) {
      writeFileSync(join(dir, name), '');
    }
    assert.equal(release(engine).result.holds, 0);
  });

  it('gives one mark to each of many releases', async () => {
    for (let i = 0; i < 20; i++) await hold(engine, HOUR);
    const engines = await Promise.all([lab.open(), lab.open(), lab.open()]);
    const counts = Array.from({ length: 20 }, (_, i) => release(engines[i % 3]).result.holds);
    assert.deepEqual(
      counts,
      Array.from({ length: 20 }, (_, i) => 19 - i),
    );
  });

  it('is held only when the snapshot that is being made has ended', async () => {
    const other = await lab.open();
    let held = false;
    let wasHeldWhileRead = false;
    const read = () => {
      wasHeldWhileRead ||= held;
    };
    const holding: Promise<unknown>[] = [];
    const look = () => void holding.push(hold(other, HOUR).then(() => (held = true)));
    await lab.snapshot(meddledWith(engine, { look, read }));
    await Promise.all(holding);
    assert.deepEqual([held, wasHeldWhileRead, snapshots(engine)], [true, false, 1]);
  });

  it('makes hold wait no longer than asked', async () => {
    const lock = await lockVolume(engine, engine.volume!);
    const other = { ...(await lab.open()), lockWaitMs: 20 };
    await assert.rejects(hold(other, HOUR), code('busy'));
    lock.release();
    assert.equal((await hold(other, HOUR)).result.holds, 1);
  });

  it('gives no snapshot: one that is asked for waits, and then says how to go on', async () => {
    await hold(engine, HOUR);
    await assert.rejects(lab.snapshot({ ...engine, lockWaitMs: 120 }), code('busy', /plait release/));
    assert.equal(snapshots(engine), 0);
    const waiting = lab.snapshot({ ...(await lab.open()), lockWaitMs: 40_000 });
    release(engine);
    assert.equal((await waiting).result.created, true);
  });

  it('lets a waiting snapshot be interrupted', async () => {
    await hold(engine, HOUR);
    const stop = new AbortController();
    const waiting = lab.snapshot({ ...(await lab.open()), lockWaitMs: 40_000, signal: stop.signal });
    stop.abort(new PlaitError('interrupted', 'by the test'));
    await assert.rejects(waiting, code('interrupted'));
  });

  it('is not moved by a pull, and follows with the next one', async () => {
    const volume = engine.volume!;
    await lab.snapshot(engine);
    const { base, baseRoot } = volume.state;
    lab.write('a', 'two');
    await lab.snapshot(engine);
    await lab.checkout(engine, 'main~1');
    volume.update({ base, baseRoot, branch: engine.meta.listBranches(volume.state.volset)[0].id });
    for (const bracket of ['hold', 'lock file']) {
      const locked = bracket === 'hold' ? engine : { ...engine, lockFile: 'app.lock' };
      if (bracket === 'hold') await hold(engine, HOUR);
      else lab.write('app.lock', '');
      const forwarded = await forwardVolume(locked, volume.state.volset);
      assert.deepEqual([forwarded.moved, forwarded.unsaved, forwarded.held], [false, false, true]);
      assert.equal(forwarded.problems[0].what, 'held');
      assert.equal(lab.read('a'), 'one');
      if (bracket === 'hold') release(engine);
      else rmSync(lab.at('app.lock'));
    }
    assert.equal((await forwardVolume(engine, volume.state.volset)).moved, true);
    assert.equal(lab.read('a'), 'two');
  });

  it('is not written to by other commands: they wait, and then say how to go on', async () => {
    await lab.snapshot(engine);
    lab.write('a', 'two');
    await lab.snapshot(engine);
    const hasty = { ...(await lab.open()), lockWaitMs: 60 };
    const verbs: [verb: string, run: (engine: Engine) => Promise<unknown>][] = [
      ['checkout', (by) => lab.checkout(by, 'main~1')],
      ['checkout --force', (by) => lab.checkout(by, 'main~1', true)],
      ['restore', (by) => restore(by, { ref: 'main~1', paths: [], preserve: [], overwrite: true })],
      ['merge', (by) => merge(by, { ref: 'main~1', prefer: 'current', dryRun: false })],
    ];
    for (const [verb, run] of verbs) {
      await hold(engine, HOUR);
      await assert.rejects(run(hasty), code('busy', /plait release/), verb);
      assert.equal(lab.read('a'), 'two', verb);
      release(engine);
      lab.write('app.lock', '');
      await assert.rejects(run({ ...hasty, lockFile: 'app.lock' }), code('busy', /wait for the application/), verb);
      assert.equal(lab.read('a'), 'two', verb);
      rmSync(lab.at('app.lock'));
    }
    await hold(engine, HOUR);
    const waiting = lab.checkout({ ...(await lab.open()), lockWaitMs: 40_000 }, 'main~1');
    assert.equal((await merge(engine, { ref: 'main', prefer: 'current', dryRun: true })).exits.length, 0, 'a dry run');
    release(engine);
    await waiting;
    assert.equal(lab.read('a'), 'one');
  });

  it('stays as it is where something that was cut off is still to be written', async () => {
    const volume = engine.volume!;
    await lab.snapshot(engine);
    const { base, baseRoot, branch } = volume.state;
    lab.write('a', 'two');
    await lab.snapshot(engine);
    const tip = volume.state.base;
    await lab.checkout(engine, 'main~1');
    volume.update({ base, baseRoot, branch, moving: tip });
    await hold(engine, HOUR);
    assert.deepEqual(await lab.status(engine), []);
    await assert.rejects(lab.snapshot({ ...engine, lockWaitMs: 0 }), code('busy'));
    assert.equal(lab.read('a'), 'one');
    release(engine);
    assert.deepEqual(await lab.status(engine), []);
    assert.equal(lab.read('a'), 'two');
  });

  it('gives no snapshot to a watcher, which goes on after the release', async () => {
    await using watching = new Watching(engine);
    await watching.next('snapshot');
    await hold(await lab.open(), HOUR);
    lab.write('a', 'half');
    const told = await watching.next('held');
    assert.deepEqual([told.by, told.holds], ['hold', 1]);
    lab.write('b', 'half');
    assert.equal(snapshots(engine), 1);
    release(await lab.open());
    const made = await watching.next('snapshot');
    assert.deepEqual([made.new, made.changed], [1, 1]);
    assert.equal(watching.count('held'), 1, watching.story());
  });

  it('is free for a watcher when a forgotten hold ends by itself', async () => {
    await hold(engine, 300);
    await using watching = new Watching(await lab.open());
    await watching.next('held');
    await watching.next('snapshot');
    assert.equal(snapshots(engine), 1);
  });

  describe('by a lock file', () => {
    const locked = (): Engine => ({ ...engine, lockFile: 'sub/app.lock' });

    it('gives no snapshot while it is there', async () => {
      lab.write('sub/app.lock', '');
      await assert.rejects(lab.snapshot({ ...locked(), lockWaitMs: 60 }), code('busy', /wait for the application/));
      await using watching = new Watching(locked());
      assert.equal((await watching.next('held')).by, 'lock-file');
      assert.equal(snapshots(engine), 0);
      rmSync(lab.at('sub/app.lock'));
      await watching.next('snapshot');
    });

    for (const how of ['came', 'came and went']) {
      it(`drops what was read when it ${how} meanwhile, and reads again`, async () => {
        mkdirSync(lab.at('sub'));
        let [looks, reads] = [0, 0];
        const read = () => {
          if (reads++ > 0) return;
          lab.write('sub/app.lock', '');
          lab.write('a', 'half');
          if (how === 'came') return;
          lab.write('a', 'whole');
          rmSync(lab.at('sub/app.lock'));
        };
        const meddled = meddledWith(locked(), { look: () => void looks++, read });
        const made = lab.snapshot({ ...meddled, lockWaitMs: 40_000 });
        if (how === 'came') {
          await until('it is noticed', () => reads > 0);
          lab.write('a', 'whole');
          rmSync(lab.at('sub/app.lock'));
        }
        assert.equal((await made).result.created, true);
        assert.equal(looks, 2);
        assert.equal(snapshots(engine), 1);
        assert.deepEqual(await lab.status(await lab.open()), [], 'what was read is what lies there now');
      });
    }

    it('that was left over is told as a problem', async () => {
      lab.write('sub/app.lock', '');
      await using watching = new Watching(locked(), { staleMs: 50 });
      assert.match(
        (await watching.next('problem')).message,
        /app\.lock is there, or comes back .* no snapshot for long/,
      );
      assert.equal(watching.count('problem'), 1);
    });

    it('lies in the directory', async () => {
      for (const lockFile of ['../x', '..', '.', 'a/../../x']) {
        await assert.rejects(lab.snapshot({ ...engine, lockFile }), code('bad-config'));
        await using watching = new Watching({ ...engine, lockFile });
        await assert.rejects(watching.ended, code('bad-config'));
      }
    });
  });
});
