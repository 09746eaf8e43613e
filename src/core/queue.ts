/** What the transfer queue does next: whose turn it is, and when to try again what failed. Pure. */
import { type BackOffBounds, jittered } from './back-off.ts';

/** Parts that low, medium and high priority may send before all get new credits. */
const WEIGHTS: readonly number[] = [1, 3, 9];

/**
 * Weighted credits. Of those that are ready the highest priority with credit left is next; when none of them has any,
 * all get new ones. So a high item waits behind at most the others' credits (four), and nobody starves: whoever is ready
 * is served before all get new credits, and has some after that (a low one waits behind at most 24).
 */
export class Credits {
  readonly #weights: readonly number[];
  #left: number[];

  constructor(weights: readonly number[] = WEIGHTS) {
    this.#weights = weights;
    this.#left = [...weights];
  }

  /** Takes one credit of the priority that is next; -1 when none is ready. */
  next(ready: readonly boolean[]): number {
    let priority = this.#richest(ready);
    if (priority < 0 && this.#weights.some((_, i) => ready[i])) {
      this.#left = [...this.#weights];
      priority = this.#richest(ready);
    }
    if (priority >= 0) this.#left[priority]--;
    return priority;
  }

  #richest(ready: readonly boolean[]): number {
    return this.#left.findLastIndex((left, i) => left > 0 && ready[i]);
  }
}

const BOUNDS: BackOffBounds = { firstMs: 1000, longestMs: 3_600_000 };

/** Milliseconds until the next try after `attempts` that failed before this one: 1 s, doubled each time up to 1 h. */
export const backOff = (attempts: number, random: () => number): number =>
  Math.round(jittered(attempts, random, BOUNDS));
