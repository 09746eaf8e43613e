/** Which of many values a plot shows. */

/** Indexes of at most `max` (> 1) of `length` values: evenly among them, the first and the last one included. */
export function pointsOf(length: number, max: number): number[] {
  const count = Math.min(length, max);
  const step = count < 2 ? 0 : (length - 1) / (count - 1);
  return Array.from({ length: count }, (_, i) => Math.round(i * step));
}

/** A sum as JSON can tell it exactly. */
export const bounded = (sum: number): number => Math.min(sum, Number.MAX_SAFE_INTEGER);
