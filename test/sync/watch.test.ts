import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import type { Engine } from '../../src/sync/engine.ts';
import { watchDirectory } from '../../src/volume/index.ts';
import { Lab } from './lab.ts';
import { meddledWith, until, Watching } from './watch-lab.ts';

const code = (expected: string) => (error: unknown) => error instanceof PlaitError && error.code === expected;
const snapshots = (engine: Engine): number => engine.meta.findVolset(volsetOf(engine))?.snapshots ?? 0;
const volsetOf = (engine: Engine) => engine.volume!.state.volset;

describe('watch: a directory', () => {
  let lab: Lab;
  let engine: Engine;

  beforeEach(async () => {
    lab = new Lab();
    engine = await lab.make();
  });

  afterEach(async () => {
    await lab[Symbol.asyncDispose]();
  });

  /** All that is there is in the last snapshot. */
  const allSaved = async (): Promise<void> => assert.deepEqual(await lab.status(await lab.open()), []);

  it('finds what changed while nobody watched, and makes no snapshot where nothing did', async () => {
    lab.write('a', 'one');
    await using first = new Watching(engine);
    assert.equal((await first.next('snapshot')).new, 1);
    await first.stop();
    lab.write('b', 'two');
    await using second = new Watching(await lab.open());
    assert.equal((await second.next('snapshot')).new, 1);
    await second.stop();
    await using third = new Watching(await lab.open());
    await third.next('watching');
    lab.write('c', 'three');
    await third.next('snapshot');
    assert.equal(third.count('snapshot'), 1, third.story());
    assert.equal(snapshots(engine), 3);
    await allSaved();
  });

  it('looks at a change that is none, and makes no snapshot of it', async () => {
    lab.write('a', 'one');
    let looks = 0;
    await using watching = new Watching(meddledWith(engine, { look: () => void looks++ }));
    await watching.next('snapshot');
    for (let round = 0; round < 3; round++) {
      const before = looks;
      chmodSync(lab.at('a'), 0o700);
      chmodSync(lab.at('a'), 0o644);
      await until('a look', () => looks > before);
    }
    chmodSync(lab.at('a'), 0o600);
    assert.equal((await watching.next('snapshot')).changed, 1);
    assert.equal(snapshots(engine), 2, watching.story());
  });

  it('waits until all is quiet, and makes one snapshot of many changes', async () => {
    await using watching = new Watching(engine, { quietMs: 300 });
    await watching.next('snapshot');
    for (let i = 0; i < 200; i++) lab.write(`d${i % 7}/f${i}`, `${i}`);
    assert.equal((await watching.next('snapshot')).new, 200, watching.story());
  });

  it('does not wait for quiet longer than the longest delay', async () => {
    await using watching = new Watching(engine, { quietMs: 3_600_000, maxDelayMs: 50 });
    await watching.next('snapshot');
    lab.write('a', 'one');
    assert.equal((await watching.next('snapshot')).new, 1);
    await allSaved();
  });

  const moves: { what: string; make: () => void; later: () => void }[] = [
    {
      what: 'a directory that was moved in with all it holds',
      make: () => {
        const outside = join(lab.top, 'outside');
        mkdirSync(join(outside, 'deep/er'), { recursive: true });
        writeFileSync(join(outside, 'deep/er/file'), 'x');
        renameSync(outside, lab.at('in'));
      },
      later: () => lab.write('in/deep/er/file', 'changed later'),
    },
    {
      what: 'a directory that was renamed',
      make: () => renameSync(lab.at('tree'), lab.at('other')),
      later: () => lab.write('other/below/leaf', 'changed later'),
    },
    {
      what: 'a directory that became a file',
      make: () => {
        rmSync(lab.at('tree'), { recursive: true });
        lab.write('tree', 'a file');
      },
      later: () => {
        rmSync(lab.at('tree'));
        lab.write('tree/below/leaf', 'a directory again');
      },
    },
    {
      what: 'a directory that was made anew under its name',
      make: () => {
        rmSync(lab.at('tree'), { recursive: true });
        lab.write('tree/below/leaf', 'new');
      },
      later: () => lab.write('tree/below/leaf', 'changed later'),
    },
    {
      what: 'a directory that was swapped with another',
      make: () => {
        renameSync(lab.at('tree'), lab.at('aside'));
        renameSync(lab.at('twin'), lab.at('tree'));
        renameSync(lab.at('aside'), lab.at('twin'));
      },
      later: () => lab.write('twin/below/leaf', 'changed later'),
    },
  ];
  for (const { what, make, later } of moves) {
    it(`goes on with ${what}`, async () => {
      lab.write('tree/below/leaf', 'first');
      lab.write('twin/below/leaf', 'the other');
      await using watching = new Watching(engine);
      await watching.next('snapshot');
      make();
      await watching.next('snapshot');
      await allSaved();
      later();
      await watching.next('snapshot');
      await allSaved();
    });
  }

  it('sees what changes while it reads', async () => {
    lab.write('a', 'one');
    let reads = 0;
    const read = () => {
      if (reads++ === 0) lab.write('sub/late', 'late');
    };
    const meddled = meddledWith(engine, { read });
    await using watching = new Watching(meddled);
    await watching.next('snapshot');
    await watching.next('snapshot');
    assert.equal(lab.read('sub/late'), 'late');
    await allSaved();
  });

  it('finds by itself what no event told of', async () => {
    const deaf = () => ({ close() {} });
    await using watching = new Watching(engine, { watchDirectory: deaf, rescanMs: 30 });
    await watching.next('snapshot');
    lab.write('unheard', 'x');
    assert.equal((await watching.next('snapshot')).new, 1);
    assert.equal(watching.count('changed'), 0);
  });

  it('goes on looking where the system watches no more directories, and says so once', async () => {
    lab.write('a/b/c', 'x');
    let left = 1;
    const scarce: typeof watchDirectory = (...args) => {
      if (left-- > 0) return watchDirectory(...args);
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    await using watching = new Watching(engine, { watchDirectory: scarce, maxDelayMs: 30 });
    await watching.next('snapshot');
    assert.match((await watching.next('problem')).message, /no more directories \(ENOSPC\)/);
    for (const text of ['y', 'z']) {
      lab.write('a/b/c', text);
      assert.equal((await watching.next('snapshot')).changed, 1);
    }
    assert.equal(watching.count('problem'), 1, watching.story());
    left = 1000;
    lab.write('a/b/c', 'watched again');
    await watching.next('snapshot');
    await allSaved();
  });

  it('reads again after a watch has failed', async () => {
    lab.write('d/a', 'x');
    const fail: (() => void)[] = [];
    const shaky: typeof watchDirectory = (at, onEvent, onError) => {
      fail.push(() => onError(new Error('broken')));
      return watchDirectory(at, onEvent, onError);
    };
    await using watching = new Watching(engine, { watchDirectory: shaky });
    await watching.next('snapshot');
    const before = fail.length;
    for (const one of [...fail]) one();
    await watching.next('changed');
    lab.write('d/a', 'y');
    await watching.next('snapshot');
    assert.ok(fail.length >= 2 * before, 'the watches were set again');
  });

  it('ends with a clear error when the directory is gone, even with its store', async () => {
    lab.write('a', 'x');
    await using watching = new Watching(engine);
    await watching.next('snapshot');
    renameSync(lab.dir, join(lab.top, 'elsewhere'));
    await assert.rejects(watching.ended, code('not-found'));
    assert.match((await watching.next('problem')).message, /is gone: it was removed, moved or unmounted/);
  });

  it('takes nothing from another directory in the place of its own', async () => {
    lab.write('a', 'x');
    await using watching = new Watching(engine);
    await watching.next('snapshot');
    renameSync(lab.dir, join(lab.top, 'elsewhere'));
    mkdirSync(lab.dir);
    lab.write('stranger', 'x');
    await assert.rejects(watching.ended, code('not-found'));
    assert.equal(snapshots(engine), 1);
  });

  it('lets only one watch a directory', async () => {
    await using first = new Watching(engine);
    await first.next('watching');
    await using second = new Watching(await lab.open());
    await assert.rejects(second.ended, code('busy'));
    await first.stop();
    await using third = new Watching(await lab.open());
    await third.next('watching');
  });

  it('tells of what cannot be kept once, and again only when it comes back', async () => {
    lab.write('sub/.plait/x', 'a store inside');
    await using watching = new Watching(engine);
    assert.equal((await watching.next('problem')).what, 'nested-store');
    for (const text of ['1', '2', '3']) {
      lab.write('sub/other', text);
      await watching.next('snapshot');
    }
    assert.equal(watching.count('problem'), 1, watching.story());
    rmSync(lab.at('sub/.plait'), { recursive: true });
    lab.write('sub/other', 'gone');
    await watching.next('snapshot');
    mkdirSync(lab.at('sub/.plait'));
    lab.write('sub/other', 'back');
    assert.equal((await watching.next('problem')).path, 'sub/.plait');
    assert.equal(watching.count('problem'), 2);
  });

  it('stops at a mass deletion, says so once, and goes on when it was meant', async () => {
    for (let i = 0; i < 20; i++) lab.write(`f${i}`, 'x');
    await using watching = new Watching(engine);
    await watching.next('snapshot');
    for (let i = 0; i < 15; i++) rmSync(lab.at(`f${i}`));
    const told = await watching.next('problem');
    assert.equal(told.code, 'guard');
    lab.write('f19', 'changed');
    await watching.next('changed');
    await lab.snapshot(await lab.open(), { maxDelete: 1 });
    lab.write('f19', 'changed again');
    await watching.next('snapshot');
    assert.equal(watching.count('problem'), 1, watching.story());
    assert.equal(snapshots(engine), 3);
    await allSaved();
  });

  it('waits for other commands on the directory', async () => {
    lab.write('a', 'x');
    const { lockVolume } = await import('../../src/sync/hold-lock.ts');
    const lock = await lockVolume(engine, engine.volume!);
    await using watching = new Watching({ ...(await lab.open()), lockWaitMs: 20 });
    assert.equal((await watching.next('waiting')).reason.code, 'busy');
    lock.release();
    await watching.next('snapshot');
    assert.equal(watching.count('waiting'), 1, watching.story());
  });

  it('makes no snapshot of what a checkout wrote', async () => {
    lab.write('a', 'one');
    const other = await lab.open();
    const { result } = await lab.snapshot(other);
    lab.write('a', 'two');
    lab.write('b/c', 'two');
    await lab.snapshot(other);
    lab.write('b/c', 'two and a half');
    let looks = 0;
    await using watching = new Watching(meddledWith(engine, { look: () => void looks++ }));
    await watching.next('snapshot');
    const { meta } = other;
    const [{ id, tip }] = meta.listBranches(volsetOf(other));
    meta.commit(volsetOf(other), [
      { edit: 'create-branch', branch: 'bb'.repeat(16) as never, name: 'old', creator: 'x' },
      { edit: 'move-ref', branch: 'bb'.repeat(16) as never, from: null, to: result.snapshot! },
    ]);
    for (const branch of ['old', 'main']) {
      const before = looks;
      await lab.checkout(other, branch);
      await until('a look', () => looks > before);
    }
    lab.write('b/c', 'three');
    const made = await watching.next('snapshot');
    assert.equal(snapshots(engine), 4, watching.story());
    assert.equal(made.branch, 'main');
    assert.deepEqual(meta.findSnapshot(volsetOf(other), made.snapshot)?.body.parents, [tip]);
    assert.equal(meta.findBranch(volsetOf(other), id)?.tip, made.snapshot);
  });

  it('needs a branch at the start, and without one later waits for it', async () => {
    lab.write('a', 'one');
    const other = await lab.open();
    const { result } = await lab.snapshot(other);
    await using watching = new Watching(engine);
    await watching.next('watching');
    await lab.checkout(other, result.snapshot!);
    lab.write('a', 'two');
    assert.equal((await watching.next('problem')).code, 'usage');
    await using second = new Watching(await lab.open());
    await assert.rejects(second.ended, code('busy'));
    await lab.checkout(other, 'main', true);
    lab.write('a', 'three');
    assert.equal((await watching.next('snapshot')).branch, 'main');
    assert.equal(watching.count('problem'), 1, watching.story());
    await watching.stop();
    await lab.checkout(other, result.snapshot!);
    await using third = new Watching(await lab.open());
    await assert.rejects(
      third.ended,
      (error) => code('usage')(error) && /snapshot -b/.test((error as PlaitError).hint!),
    );
  });

  it('goes on on a branch of its own where its branch has moved on', async () => {
    lab.write('a', 'one');
    const other = await lab.open();
    const { result } = await lab.snapshot(other);
    await using watching = new Watching(engine);
    await watching.next('watching');
    lab.write('a', 'two');
    const second = await lab.snapshot(other);
    const { meta } = other;
    const [{ id }] = meta.listBranches(volsetOf(other));
    other.volume!.update({ base: result.snapshot, baseRoot: result.root as never });
    lab.write('a', 'three');
    const fork = await watching.next('snapshot');
    assert.equal(fork.forkedFrom, 'main');
    assert.equal((await watching.next('problem')).code, 'diverged');
    lab.write('a', 'four');
    const next = await watching.next('snapshot');
    assert.equal(next.branch, fork.branch);
    assert.equal(next.forkedFrom, undefined);
    assert.equal(meta.findBranch(volsetOf(other), id)?.tip, second.result.snapshot);
  });

  it('leaves a whole store behind when it is stopped while it reads', async () => {
    for (let i = 0; i < 50; i++) lab.write(`f${i}`, `${i}`.repeat(1000));
    const stopping: { now: () => void } = { now: () => {} };
    await using watching = new Watching(meddledWith(engine, { read: () => stopping.now() }));
    stopping.now = () => void watching.stop();
    await watching.ended;
    assert.equal(snapshots(engine), 0);
    await using again = new Watching(await lab.open());
    assert.equal((await again.next('snapshot')).new, 50);
    await allSaved();
  });

  it('reads a file again that was written to while it was read, though nothing was heard of it', async () => {
    lab.write('busy', 'one');
    lab.write('other', 'one');
    let times = 0;
    const meddled = meddledWith(engine, { isBusy: (path) => path === 'busy' && times++ < 2 });
    const deaf = () => ({ close() {} });
    await using watching = new Watching(meddled, { watchDirectory: deaf, maxDelayMs: 30 });
    assert.equal((await watching.next('snapshot')).files, 1);
    assert.equal((await watching.next('problem')).what, 'changed-while-read');
    assert.equal((await watching.next('snapshot')).files, 2);
    assert.equal(times, 3);
    await allSaved();
  });
});
