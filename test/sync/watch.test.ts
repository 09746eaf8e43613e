import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchDirectory } from '../../src/volume/index.ts';
import { type MadeLab, madeLab } from './lab.ts';
import { meddledWith, snapshots, until, Watching } from './watch-lab.ts';

describe('watch: a directory', () => {
  let { lab, engine } = {} as MadeLab;

  beforeEach(async () => {
    ({ lab, engine } = await madeLab());
  });

  afterEach(() => lab[Symbol.asyncDispose]());

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
