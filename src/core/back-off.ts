/** How long to wait before the next try. Pure. */

export interface BackOffBounds {
  /** Milliseconds after the first failure, at most. */
  firstMs: number;
  longestMs: number;
}

/**
 * Milliseconds, doubled with each of the `attempts` that failed before this one, of which a random part between a half
 * and all is waited, so that those who failed together do not come back together.
 */
export const jittered = (attempts: number, random: () => number, { firstMs, longestMs }: BackOffBounds): number =>
  Math.min(longestMs, firstMs * 2 ** Math.max(0, attempts)) * (0.5 + random() / 2);
