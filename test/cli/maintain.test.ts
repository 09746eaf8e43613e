import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepMaintained, type MaintainWork, nextIn } from '../../src/cli/maintain.ts';
import type { MaintainLine } from '../../src/sync/maintain.ts';
import { createStore } from '../../src/sync/store.ts';
import { world } from '../sync/lab.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1e12;

describe('cli: maintenance of a hub', () => {
  const CASES: [string, number | null, number][] = [
    ['soon where there never was one', null, 5000],
    ['soon where the last is older than the interval', NOW - 2 * DAY, 5000],
    ['when the interval is over', NOW - 20 * HOUR, 4 * HOUR],
    ['an interval later at most, whatever a clock once said', NOW + 99 * DAY, DAY],
  ];
  for (const [what, last, wait] of CASES)
    it(`comes ${what}, and a bit later by chance`, () => {
      const at = (random: number) => nextIn({ everyMs: DAY, now: () => NOW, random: () => random }, last);
      assert.equal(at(0), wait);
      assert.ok(at(0.999) > wait && at(0.999) <= wait + DAY / 20);
    });

  it('comes at once where the interval is shorter than the first wait', () => {
    assert.equal(nextIn({ everyMs: 100, now: () => NOW, random: () => 0 }, null), 100);
  });

  describe('rounds', function () {
    this.timeout(60_000);
    let dir: string;
    let stop: () => Promise<void>;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), 'plait-maintain-'));
    });
    afterEach(async () => {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    });
    /** Resolves with the lines so far once one of them is this event. */
    const until = (event: string, times = 1): Promise<MaintainLine[]> => {
      const work: MaintainWork = { dir, store: { label: 'x', lockWaitMs: 1000 }, scrubBytes: 1e6, retireAfterMs: DAY };
      const lines: MaintainLine[] = [];
      return new Promise((resolve) => {
        stop = keepMaintained(work, {
          everyMs: 20,
          stamps: async () => [],
          now: Date.now,
          random: () => 0,
          log: (line) => {
            lines.push(line);
            if (lines.filter((one) => one.event === event).length === times) resolve(lines);
          },
        });
      });
    };

    it('do one thing after the other, again and again', async () => {
      createStore(dir, { world, label: 'x', lockWaitMs: 1000 });
      const lines = await until('maintain-ends', 2);
      const one = ['maintain-begins', 'maintain-gc', 'maintain-scrub', 'maintain-ends'];
      assert.deepEqual(
        lines.map(({ event }) => event),
        [...one, ...one],
      );
      assert.ok(lines.every(({ level }) => level === 'info'));
    });

    it('that fail are logged, and tried again', async () => {
      const lines = await until('maintain-failed', 2);
      assert.ok(lines.every(({ level, message }) => level === 'error' && /not a store/.test(String(message))));
    });
  });
});
