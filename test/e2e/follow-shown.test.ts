/** A short share of test/soak/follow.test.ts: nothing in it is about how long anything takes. */
import assert from 'node:assert/strict';
import { FIXED_SEED, replayedSeed } from '../support/seed.ts';
import { shown } from './follow-shown/shown.ts';

describe('e2e: stores that follow each other while everything fails', function () {
  this.timeout(240_000);

  it('two directories and two hubs: equal, quiet, and nothing is lost', async () => {
    const report = await shown({
      seed: replayedSeed ?? FIXED_SEED,
      dirs: ['a', 'b'],
      hubs: ['one', 'two'],
      goesOn: (edits) => edits < 20,
      compacts: (edits) => edits % 8 === 0,
      spares: () => false,
      watches: () => false,
      longest: 4,
      quietMs: 2000,
    });
    assert.ok(report.dropped > 0, JSON.stringify(report));
    // Two a second; counted over five, as clocks are read late here.
    assert.ok(report.attempts.inFiveSeconds <= 11, JSON.stringify(report.attempts));
  });
});
