/** Every scenario under every fault; at how many of its calls is for the caller to say. */
import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { FAULTS, Faults } from './faults.ts';
import { SCENARIOS } from './scenarios.ts';
import { World } from './world.ts';

export function faultSuite(share: number | undefined, tell: (line: string) => void = () => {}): void {
  for (const scenario of SCENARIOS) {
    it(scenario.name, async () => {
      const world = new World();
      try {
        const random = new Random(replayedSeed ?? FIXED_SEED);
        const faults = await Faults.of(world, scenario);
        for (const fault of FAULTS) {
          const calls = await faults.count(fault);
          const every = Array.from({ length: calls }, (_, k) => k);
          const chosen = share === undefined ? every : Array.from({ length: share }, () => random.below(calls));
          for (const k of chosen) await faults.fail(fault, k);
          tell(`${scenario.name}: ${fault} at ${chosen.length} of ${calls} calls`);
        }
      } finally {
        world.close();
      }
    });
  }
}
