/**
 * Stores that edit, sync, die, are copied and put back, by the code that users run; invariants after each step. A failure
 * prints its seed: `PLAIT_SEED=… mocha test/properties/simulation.test.ts -g '…'` plays the same story again.
 */
import { replayedSeed } from '../support/seed.ts';
import { FLAVOURS, simulate } from './simulation/run.ts';

const STEPS = 40;
const SEEDS = [1, 2, 3, 4, 5, 6];

describe('simulation', () => {
  for (const flavour of Object.keys(FLAVOURS)) {
    for (const seed of replayedSeed === undefined ? SEEDS : [replayedSeed]) {
      it(`${flavour}, seed ${seed}`, () => simulate(seed, flavour, STEPS));
    }
  }
});
