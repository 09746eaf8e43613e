import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FIXED_SEED, replayedSeed } from '../../support/seed.ts';
import { hunt, simulateQueue } from './run.ts';
import { VARIANTS, type Variant } from './variants.ts';

const STEPS = 40;
const RUNS = 8;

describe('the transfer queue, simulated', () => {
  it('keeps its promises whatever fails', () => {
    if (replayedSeed !== undefined) return simulateQueue(replayedSeed, STEPS);
    const property = fc.property(fc.nat(2 ** 31), (seed) => simulateQueue(seed, STEPS));
    fc.assert(property, { numRuns: RUNS, seed: FIXED_SEED, endOnFailure: true });
  }).timeout(120_000);

  for (const [variant, invariant] of Object.entries(VARIANTS) as [Variant, string][]) {
    it(`is seen to break where ${variant}: ${invariant}`, () => {
      const found = hunt(variant, 25, STEPS);
      assert.ok(found !== undefined, '25 runs went well with it');
      assert.match(found, new RegExp(`^\\d+\\t${invariant}`));
    }).timeout(120_000);
  }
});
