/** Which values of an axis are written beside it: round ones, few enough to be read; pure. */

export interface TimeTick {
  at: number;
  label: string;
}

/** From nothing to `max` bytes or more, in equal steps of 1, 2 or 5 of a unit; `most` steps or fewer. */
export function byteTicks(max: number, most: number): number[] {
  if (max <= 0) return [0, 1];
  const unit = 1024 ** Math.floor(Math.log(Math.max(1, max)) / Math.log(1024));
  const step = Math.max(1, unit * roundStep(max / unit / most));
  const ticks = [0];
  while ((ticks.at(-1) as number) < max) ticks.push(step * ticks.length);
  return ticks;
}

/** Powers of two around `low` and `high`, which are positive, each so many times the one before; `most` steps or fewer. */
export function logByteTicks(low: number, high: number, most: number): number[] {
  const [first, last] = [Math.floor(Math.log2(low)), Math.ceil(Math.log2(Math.max(low, high)))];
  const step = [1, 2, 5, 10, 20, 30].find((exponent) => (last - first) / exponent <= most - 1) ?? 60;
  const start = Math.floor(first / step) * step;
  const steps = Math.max(1, Math.ceil((last - start) / step));
  return Array.from({ length: steps + 1 }, (_, i) => 2 ** (start + i * step));
}

/** The least of 1, 2 and 5 times a power of ten that is not below `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((times) => times * power >= least * 0.999_999) ?? 10);
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1000, 5000, 15_000, 30_000, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE],
  ...[HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY],
];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];

/** Beyond it no date can be told; snapshots may claim any that can. */
const LAST_DATE = 8.64e15;

/** Round times from `from` to `to`, `most` or fewer. @param offset of the local time before UTC, in milliseconds */
export function timeTicks(from: number, to: number, most: number, offset = 0): TimeTick[] {
  const step = STEPS.find((length) => (to - from) / length <= most - 1);
  const end = Math.min(to + offset, LAST_DATE);
  const times = step === undefined ? monthly(from + offset, end, most) : regular(from + offset, end, step);
  return times.map((local) => ({ at: local - offset, label: labelOf(local, step) }));
}

function regular(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step) * step;
  const ticks = [];
  for (let at = first; at <= to; at += step) ticks.push(at);
  return ticks;
}

function monthly(from: number, to: number, most: number): number[] {
  const monthOf = (at: number): number => new Date(at).getUTCFullYear() * 12 + new Date(at).getUTCMonth();
  const begins = (month: number): number => Date.UTC(Math.floor(month / 12), month % 12);
  const [first, last] = [monthOf(from), monthOf(to)];
  const step = MONTHS.find((months) => (last - first) / months <= most - 1) ?? 12_000;
  const ticks = [];
  for (let month = Math.ceil(first / step) * step; month <= last; month += step) ticks.push(begins(month));
  return ticks.filter((at) => at >= from && at <= to);
}

function labelOf(local: number, step: number | undefined): string {
  const text = new Date(local).toISOString();
  if (step === undefined) return text.slice(0, 7);
  if (step >= DAY) return text.slice(0, 10);
  const clock = text.slice(11, step < MINUTE ? 19 : 16);
  return local % DAY === 0 ? text.slice(0, 10) : clock;
}
