/** What a failure means for a follower, by the table of errors. */
import { jittered } from './back-off.ts';
import { ERRORS, type ErrorCode } from './errors.ts';
import type { Failure, FollowState } from './follow-state.ts';

export const RECONNECT = { firstMs: 500, longestMs: 30_000 };
/** For what only somebody else can change: room, a word of the user, data that the remote does not hold. */
export const PAUSE = { firstMs: 30_000, longestMs: 600_000 };
const HEALTHY_MS = 60_000;
/** Failures at one point until a new state is asked for, and then until the end; with `once`, failures until the end. */
const MAX_STRIKES = 5;

type Kind = 'reach' | 'pause' | 'end' | 'unknown';

const PAUSES: readonly ErrorCode[] = ['guard', 'no-space', 'quota'];
const UNKNOWN: readonly ErrorCode[] = ['integrity', 'protocol', 'unexpected', 'io', 'incomplete', 'compacted', 'ahead'];

/** Worth another try at once, worth one later, never, or nobody knows. */
export const kindOf = (code: ErrorCode): Kind =>
  ERRORS[code].retryable ? 'reach' : PAUSES.includes(code) ? 'pause' : UNKNOWN.includes(code) ? 'unknown' : 'end';

export function fail(state: FollowState, error: Failure, now: number, random: () => number): FollowState {
  const kind = kindOf(error.code);
  const healthy = now - state.openedAt >= HEALTHY_MS;
  const failures = (healthy ? 0 : state.failures) + 1;
  const before = healthy ? 0 : state.strikes;
  const strikes = kind === 'unknown' ? before + 1 : before;
  const renewed = state.renewed && !healthy;
  const isLast = kind === 'end' || (state.once && (kind === 'pause' || failures >= MAX_STRIKES));
  if (isLast || (strikes >= MAX_STRIKES && renewed)) return { ...state, ended: { error } };
  const renews = strikes >= MAX_STRIKES;
  const bounds = kind === 'pause' ? PAUSE : RECONNECT;
  return {
    ...state,
    openedAt: Number.POSITIVE_INFINITY,
    notBefore: now + jittered(failures - 1, random, bounds),
    failures,
    strikes: renews ? 0 : strikes,
    renewed: renewed || renews,
    resumable: state.resumable && !renews,
    reason: error,
  };
}
