/** Each scenario recorded and replayed; how much of it is for the caller to say. */
import assert from 'node:assert/strict';
import { FIXED_SEED, Random, replayedSeed } from '../support/seed.ts';
import { crashes, record, survive } from './replay.ts';
import { resultOf, SCENARIOS } from './scenarios.ts';
import { World } from './world.ts';

export interface Share {
  /** Of each scenario, chosen by the seed; all, unless given. */
  states?: number;
  /** What a power cut may leave of one prefix, so many times. */
  cuts: number;
}

export function crashSuite({ states, cuts }: Share, tell: (line: string) => void = () => {}): void {
  for (const scenario of SCENARIOS) {
    it(scenario.name, async () => {
      const world = new World();
      try {
        const random = new Random(replayedSeed ?? FIXED_SEED);
        const { model, changes } = await record(world, scenario);
        await world.verify();
        const expected = await resultOf(world);
        const all = [...crashes(model, changes, random, { cuts, every: scenario.every })];
        // Fewer would mean that the recorder has lost sight of the writer.
        assert.ok(
          all.length > changes.length / 2 / (scenario.every ?? 1),
          `${changes.length} changes, ${all.length} states`,
        );
        const chosen = states === undefined ? all : Array.from({ length: states }, () => random.pick(all));
        for (const crash of chosen) await survive(world, scenario, crash, expected);
        tell(`${scenario.name}: ${changes.length} operations, ${chosen.length} of ${all.length} states replayed`);
      } finally {
        world.close();
      }
    });
  }
}
