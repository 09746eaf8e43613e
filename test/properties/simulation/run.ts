/** One simulation from its seed: steps, invariants after each, and exchanging until quiet at the end. */
import { settle } from './settle.ts';
import { type Perils, World } from './world.ts';

const NONE: Perils = {
  crashes: false,
  losses: false,
  copies: false,
  compaction: false,
  ephemeral: false,
  deletesVolset: false,
  skew: 0,
};
const HOUR_MS = 3_600_000;

export const FLAVOURS: Record<string, Perils> = {
  'edits and syncs': NONE,
  'crashes, lost answers, wrong clocks': { ...NONE, crashes: true, losses: true, skew: 26 * HOUR_MS },
  'backups put back, copies side by side': { ...NONE, copies: true },
  'compaction and throw-away stores': { ...NONE, compaction: true, ephemeral: true, losses: true, skew: HOUR_MS },
  'volsets deleted': { ...NONE, deletesVolset: true, losses: true },
  everything: {
    crashes: true,
    losses: true,
    copies: true,
    compaction: true,
    ephemeral: true,
    deletesVolset: true,
    skew: 26 * HOUR_MS,
  },
};

const MAX_ROUNDS = 40;

/** Throws with the seed and the story where an invariant breaks. */
export async function simulate(seed: number, flavour: string, steps: number): Promise<void> {
  using world = new World(seed, FLAVOURS[flavour]);
  try {
    await world.begin();
    for (let i = 0; i < steps; i++) {
      await world.step();
      check(world.faults());
    }
    check(await settle(world, MAX_ROUNDS));
  } catch (error) {
    const story = world.story.map((line, i) => `${i + 1}. ${line}`).join('\n');
    const replay = `PLAIT_SEED=${seed} mocha test/properties/simulation.test.ts -g '${flavour}'`;
    throw new Error(`${replay}\n${story}\n${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function check(faults: string[]): void {
  if (faults.length > 0) throw new Error(faults.slice(0, 5).join('\n'));
}
