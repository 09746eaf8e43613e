/** Times between nanoseconds (exact, in snapshots) and the doubles that Node sets on files. */

/** Largest distance between a wanted mtime and the one that a file gets for it, in nanoseconds. */
export const MTIME_SLACK_NS = 1000n;

const bits = new BigInt64Array(1);
const double = new Float64Array(bits.buffer);

function nextBelow(value: number): number {
  double[0] = value;
  bits[0] -= value > 0 ? 1n : -1n;
  return double[0];
}

/**
 * Seconds to pass to futimes. A double holds about 240 ns at today's date; it is never rounded up into the next second,
 * which tools that compare whole seconds would show as a change (before 1970 the last nanoseconds may be). Negative times go as text: Node reads a negative
 * number as "now".
 */
export function utimeOf(ns: bigint): number | string {
  const second = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  const base = Number(second);
  let time = base + Number(ns - second * 1_000_000_000n) / 1e9;
  if (time >= base + 1) time = nextBelow(base + 1);
  return time < 0 ? String(time) : time;
}

/** True when a file that was given `wanted` may show `found`. */
export const closeTimes = (wanted: bigint, found: bigint): boolean => {
  const distance = wanted - found;
  return distance < MTIME_SLACK_NS && distance > -MTIME_SLACK_NS;
};
