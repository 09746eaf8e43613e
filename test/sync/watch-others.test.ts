/** Watchers whose directory goes away, is held by others, moved on, or not fit to be kept. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../src/core/errors.ts';
import { type MadeLab, madeLab } from './lab.ts';
import { meddledWith, snapshots, until, volsetOf, Watching } from './watch-lab.ts';

const code = (expected: string) => (error: unknown) => error instanceof PlaitError && error.code === expected;

describe('watch: others at the directory', () => {
  let { lab, engine } = {} as MadeLab;

  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });

  afterEach(() => lab[Symbol.asyncDispose]());

  /** All that is there is in the last snapshot. */
  const allSaved = async (): Promise<void> => assert.deepEqual(await lab.status(await lab.open()), []);

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
});
