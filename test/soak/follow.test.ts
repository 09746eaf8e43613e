/** Three working directories and two hubs that all follow each other. PLAIT_MINUTES: how long somebody edits (10). */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { shown } from '../e2e/follow-shown/shown.ts';
import { replayedSeed } from '../support/seed.ts';

const MINUTES = Number(process.env['PLAIT_MINUTES'] ?? 10);

describe('soak: stores that follow each other while everything fails', () => {
  const seed = replayedSeed ?? randomInt(2 ** 31);

  it(`${MINUTES} minutes: equal and quiet 10 s after the last edit, nothing lost, no memory`, async () => {
    const start = performance.now();
    const minutes = (): number => (performance.now() - start) / 60_000;
    let compacted = 0;
    const report = await shown({
      seed,
      dirs: ['a', 'b', 'c'],
      hubs: ['one', 'two'],
      goesOn: () => minutes() < MINUTES,
      compacts: () => minutes() > compacted + 1 && ++compacted > 0,
      spares: () => minutes() > MINUTES / 5,
      watches: () => minutes() > (2 * MINUTES) / 5,
      longest: 30,
      quietMs: 25_000,
      say: (text) => console.log(`      ${minutes().toFixed(1)} min: ${text}`),
    });
    const said = `PLAIT_SEED=${seed} ${JSON.stringify(report)}`;
    console.log(said);
    assert.ok(report.dropped > 0, said);
    assert.ok(report.equalMs < 10_000 && report.quietMs < 10_000, said);
    // Two a second; counted over five, as clocks are read late here.
    assert.ok(report.attempts.all > 0 && report.attempts.inFiveSeconds <= 11, said);
    for (const [then, now] of Object.values(report.memory)) {
      // What is held after a full collection: heads, caches of nodes and blocks grow with the stores, which are small.
      assert.ok(now.heap - then.heap < 16, said);
      assert.ok(now.external - then.external < 48, said);
      // What the collector and malloc keep for later.
      assert.ok(now.resident - then.resident < 128, said);
    }
  });
});
