/** Seeds of generated tests: fixed in a normal run, so that it never fails by chance; PLAIT_SEED replays one. */
import type fc from 'fast-check';

const given = process.env['PLAIT_SEED'];

/** The seed to replay, if one is given. */
export const replayedSeed: number | undefined = given === undefined ? undefined : Number.parseInt(given, 10);

export const FIXED_SEED = 20_260_101;

/** Options of fast-check; on a failure it prints the seed as well. */
export const seeded = (runs: number): fc.Parameters<unknown> => ({ numRuns: runs, seed: replayedSeed ?? FIXED_SEED });

/** mulberry32: 32 bits of state are plenty for a schedule, and a schedule is then told by one number. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** 0 <= n < limit */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.below(16).toString(16)).join('');
  }
}
