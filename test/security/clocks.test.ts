/**
 * Class 25: clocks that step, times that are coarse, inodes that come again. Whatever is done to a file's times, an edit
 * of the same size is in the next snapshot.
 */
import assert from 'node:assert/strict';
import { renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Engine } from '../../src/sync/engine.ts';
import { seeded } from '../support/seed.ts';
import { Lab, world } from '../sync/lab.ts';

type Way = 'in place' | 'renamed over' | 'made anew' | 'swapped';
const WAYS: Way[] = ['in place', 'renamed over', 'made anew', 'swapped'];
/** Seconds that times are cut to, as FAT, ext3 and network file systems do; 0: the file keeps the time it had. */
const GRAINS = [0, 1, 2] as const;
const HOUR = 3_600_000;

const step = fc.record({
  way: fc.constantFrom(...WAYS),
  grain: fc.constantFrom(...GRAINS),
  /** Of the clock, before the next snapshot. */
  clockMs: fc.constantFrom(0, 0, -HOUR, HOUR, -365 * 24 * HOUR, 1),
});

describe('security: clocks and times of files', function () {
  this.timeout(60_000);

  /** Another text of the same length, with times that say that nothing happened. */
  function edit(lab: Lab, way: Way, grain: (typeof GRAINS)[number], text: string): void {
    const [file, other] = [lab.at('f'), lab.at('g')];
    const { mtimeMs } = statSync(file);
    if (way === 'in place') writeFileSync(file, text);
    if (way === 'renamed over' || way === 'swapped') {
      writeFileSync(`${file}.new`, text);
      if (way === 'swapped') renameSync(file, other);
      renameSync(`${file}.new`, file);
      rmSync(other, { force: true });
    }
    if (way === 'made anew') {
      // The inode is free at once: most file systems give it to the next file.
      rmSync(file);
      writeFileSync(file, text);
    }
    const at = grain === 0 ? mtimeMs / 1000 : Math.floor(mtimeMs / 1000 / grain) * grain;
    utimesSync(file, at, at);
  }

  it('an edit of the same size is found, however the clock steps between two snapshots', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
        await using lab = new Lab();
        let skew = 0;
        await lab.make();
        const open = async (): Promise<Engine> => ({
          ...(await lab.open()),
          world: { ...world, now: () => Date.now() + skew },
        });
        let engine = await open();
        lab.write('f', 'text 000');
        utimesSync(lab.at('f'), 1_700_000_000, 1_700_000_000);
        await lab.snapshot(engine, { skipUnchanged: true });
        for (const [n, { way, grain, clockMs }] of steps.entries()) {
          skew += clockMs;
          // Another process each time: what it knows of files is what the last one wrote down.
          engine = await open();
          edit(lab, way, grain, `text ${String(n + 1).padStart(3, '0')}`);
          const { result } = await lab.snapshot(engine, { skipUnchanged: true });
          assert.deepEqual([result.created, result.changed], [true, 1], `${way}, cut to ${grain} s, clock ${skew}`);
          const again = await lab.snapshot(await open(), { skipUnchanged: true });
          assert.equal(again.result.created, false, 'nothing was edited');
        }
      }),
      seeded(12),
    );
  });
});
