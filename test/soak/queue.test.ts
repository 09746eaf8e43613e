import { simulateQueue } from '../properties/queue/run.ts';
import { replayedSeed } from '../support/seed.ts';

const STEPS = 120;
const RUNS = replayedSeed === undefined ? Number(process.env['PLAIT_RUNS'] ?? 200) : 1;
const first = replayedSeed ?? Math.floor(Math.random() * 1_000_000_000);

describe('soak: the transfer queue, simulated', () => {
  it(`seeds ${first} to ${first + RUNS - 1}`, () => {
    for (let seed = first; seed < first + RUNS; seed++) simulateQueue(seed, STEPS);
  });
});
