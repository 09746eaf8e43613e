import { FLAVOURS, simulate } from '../properties/simulation/run.ts';
import { replayedSeed } from '../support/seed.ts';

const STEPS = 120;
const RUNS = Number(process.env['PLAIT_RUNS'] ?? 200);

/** Other seeds each time; each is in the title, and in the message of a failure. */
const first = replayedSeed ?? Math.floor(Math.random() * 1_000_000_000);
const runs = replayedSeed === undefined ? RUNS : 1;

describe(`soak: simulation, seeds ${first} to ${first + runs - 1}`, () => {
  for (const flavour of Object.keys(FLAVOURS)) {
    it(`${flavour}, from seed ${first}`, async () => {
      for (let seed = first; seed < first + runs; seed++) await simulate(seed, flavour, STEPS);
    });
  }
});
