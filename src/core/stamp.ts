/**
 * Hybrid clock: 48 bits of milliseconds and 16 bits of counter, written as 16 hex digits. Stamps compare as strings and
 * are never JS numbers. A write's stamp is above those of its parents and above every stamp its author gave before.
 */
import { malformed } from './malformed.ts';
import type { Stamp } from './records.ts';

export const ZERO_STAMP: Stamp = '0000000000000000';
// The top sixteenth stays free: a peer with a broken clock must not leave others without a larger stamp to give.
const STAMP = /^[0-9a-e][0-9a-f]{15}$/;

export const isStamp = (value: unknown): value is Stamp => typeof value === 'string' && STAMP.test(value);

/** Larger than `last` and all `parents`; at `nowMs` (milliseconds since the epoch) where the clock allows it. */
export function nextStamp(last: Stamp, nowMs: number, parents: readonly Stamp[]): Stamp {
  const clock = Math.min(Math.max(0, Math.trunc(nowMs)), 0xe00000000000);
  const now = `${clock.toString(16).padStart(12, '0')}0000`;
  const floor = parents.reduce((max, stamp) => (stamp > max ? stamp : max), last);
  return now > floor ? now : stampAfter(floor);
}

/** The very next one, whatever the time: what two stores must agree on without asking a clock. */
export function stampAfter(stamp: Stamp): Stamp {
  const next = (BigInt(`0x${stamp}`) + 1n).toString(16).padStart(16, '0');
  return isStamp(next) ? next : malformed('the hybrid clock has run out of stamps');
}

/** False: it is the last one. Somebody's clock is broken, or he means harm: what a round writes must go without. */
export const hasNextStamp = (stamp: Stamp): boolean => stamp < 'efffffffffffffff';

/** Milliseconds since the epoch. */
export const stampTime = (stamp: Stamp): number => Number.parseInt(stamp.slice(0, 12), 16);
