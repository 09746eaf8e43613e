/** From values to places on a plot; pure. */

/** Place of a value, on a line from `from` to `to`. */
export type Scale = (value: number) => number;

export function linear(low: number, high: number, from: number, to: number): Scale {
  const span = high - low;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from));
}

/** What is below `low`, such as nothing at all, stands at the lower border. `low` is positive. */
export function logarithmic(low: number, high: number, from: number, to: number): Scale {
  const inner = linear(Math.log(low), Math.log(Math.max(low, high)), from, to);
  return (value) => inner(Math.log(Math.max(low, value)));
}

/** Last index whose value is not above `wanted`; -1: all are. `values` ascend. */
export function lastUpTo(length: number, at: (index: number) => number, wanted: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
