/** One simulation of the queue from its seed. */
import type { Variant } from './variants.ts';
import { World } from './world.ts';

/** Throws with the seed and the story where an invariant breaks. */
export function simulateQueue(seed: number, steps: number, variant?: Variant): void {
  const world = new World(seed, variant);
  try {
    for (let i = 0; i < steps; i++) world.step();
    world.heal();
  } catch (error) {
    const replay = `PLAIT_SEED=${seed} mocha test/properties/queue/queue.test.ts`;
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${replay}\n${world.story.join(', ')}\n${what}`, { cause: error });
  } finally {
    world.close();
  }
}

/** The first seed that fails, and why; undefined: none did. */
export function hunt(variant: Variant | undefined, seeds: number, steps: number, first = 1): string | undefined {
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      simulateQueue(seed, steps, variant);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : error;
      return `${seed}\t${cause instanceof Error ? cause.message : String(cause)}`;
    }
  }
  return undefined;
}
