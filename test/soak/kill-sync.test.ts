import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { killSyncs } from '../e2e/helpers/kill-sync.ts';
import { replayedSeed } from '../support/seed.ts';

describe('soak: kill -9 of client or hub at 200 random points of syncs', () => {
  it('the next run simply works, all are equal in the end, nothing is damaged', async () => {
    const seed = replayedSeed ?? randomInt(2 ** 31);
    const struck = await killSyncs({ kills: 200, seed, verifyEvery: 10 });
    assert.ok(struck >= 100, `only ${struck} of 200 were at work; PLAIT_SEED=${seed}`);
  });
});
