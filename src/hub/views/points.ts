/** Which of many values a plot shows. */

/** Whether the value at `i` of `length` is one of `max`: evenly among them, the first and the last one included. */
export function isPoint(i: number, length: number, max: number): boolean {
  if (length <= max) return true;
  const step = (length - 1) / (max - 1);
  return i === Math.round(Math.round(i / step) * step);
}

/** A sum as JSON can tell it exactly. */
export const bounded = (sum: number): number => Math.min(sum, Number.MAX_SAFE_INTEGER);
