import assert from 'node:assert/strict';
import { FIXED_SEED, replayedSeed } from '../support/seed.ts';
import { killMany } from './kills.ts';

describe('crash: kill -9, two commands at once', function () {
  this.timeout(600_000);
  it('the next command simply works, and nothing that was reported is lost', async () => {
    const { killed } = await killMany(8, replayedSeed ?? FIXED_SEED, 100);
    assert.ok(killed >= 8);
  });
});
