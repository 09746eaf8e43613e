/**
 * Sets of whole numbers from 1 as ascending intervals that neither touch nor overlap. Pure; what a receiver has sealed of
 * a sender's blob numbers is such a set.
 */
import { malformed } from './malformed.ts';

/** Both ends included; 1 <= first <= last. */
export type Interval = [first: number, last: number];

/** Whole, from 1 on: a number that a blob may have. */
export const isBlobNumber = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 1;

/** Of any intervals, in any order; those that are none (a first behind its last) stand for no number. */
export function normalise(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter(([first, last]) => first <= last).sort((a, b) => a[0] - b[0]);
  const set: Interval[] = [];
  for (const [first, last] of sorted) {
    const previous = set.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else set.push([first, last]);
  }
  return set;
}

/** One interval for each run of numbers; they may repeat. */
export const intervalsOf = (numbers: Iterable<number>): Interval[] =>
  normalise(Array.from(numbers, (n): Interval => [n, n]));

export const union = (a: readonly Interval[], b: readonly Interval[]): Interval[] => normalise([...a, ...b]);

export const add = (set: readonly Interval[], first: number, last = first): Interval[] => union(set, [[first, last]]);

/** Numbers of `set` that are not in `other`. */
export function subtract(set: readonly Interval[], other: readonly Interval[]): Interval[] {
  const rest: Interval[] = [];
  let next = 0;
  for (const [first, last] of set) {
    let from = first;
    while (next < other.length && other[next][1] < from) next++;
    for (let i = next; i < other.length && other[i][0] <= last; i++) {
      if (other[i][0] > from) rest.push([from, other[i][0] - 1]);
      from = other[i][1] + 1;
    }
    if (from <= last) rest.push([from, last]);
  }
  return rest;
}

export const intersect = (a: readonly Interval[], b: readonly Interval[]): Interval[] => subtract(a, subtract(a, b));

/** What is missing in `set` up to `head`, which is 0 where there is nothing at all. */
export const gaps = (set: readonly Interval[], head: number): Interval[] =>
  head < 1 ? [] : subtract([[1, head]], set);

export const covers = (set: readonly Interval[], other: readonly Interval[]): boolean =>
  subtract(other, set).length === 0;

export function contains(set: readonly Interval[], n: number): boolean {
  let [low, high] = [0, set.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle][1] < n) low = middle + 1;
    else high = middle;
  }
  return low < set.length && set[low][0] <= n;
}

/** How many numbers. */
export const count = (set: readonly Interval[]): number =>
  set.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** Ascending, apart, and of numbers that can be. */
export const isIntervals = (value: unknown): value is Interval[] =>
  Array.isArray(value) && value.every((each, i) => isInterval(each) && (i === 0 || each[0] > value[i - 1][1] + 1));

function isInterval(value: unknown): value is Interval {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [first, last] = value as unknown[];
  return isBlobNumber(first) && isBlobNumber(last) && first <= last;
}

/** What a peer sent as a set of numbers. */
export const checkIntervals = (value: unknown): Interval[] =>
  isIntervals(value) ? value : malformed('intervals of blob numbers are not ascending and apart');
