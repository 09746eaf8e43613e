import assert from 'node:assert/strict';
import { replayedSeed } from '../support/seed.ts';
import { killSyncs } from './helpers/kill-sync.ts';

describe('e2e: kill -9 of client or hub during a sync', function () {
  this.timeout(120_000);

  it('the next run simply works, all are equal in the end, nothing is damaged', async () => {
    const struck = await killSyncs({ kills: 10, seed: replayedSeed ?? 20_260_101, verifyEvery: Infinity });
    // How many depends on the machine; none at all would mean that nothing was tested.
    assert.ok(struck >= 2, `only ${struck} of 10 were at work`);
  });
});
