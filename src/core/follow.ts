/**
 * What a follower of one remote does next: pure, so that its rules can be tried in any order of events. `take` tells
 * what happened, `decide` answers what to do now; whoever carries it out tells how that ended. Times are milliseconds
 * of a clock that only goes forward.
 *
 * The follower's truth is what its store holds; the marker says up to which revision of the remote that is all there is.
 * It resumes behind it, or, where it means nothing there, opens the feed from now on first and takes a state second: what
 * comes between the two is in the feed.
 */
import { jittered } from './back-off.ts';
import { ERRORS, type ErrorCode } from './errors.ts';
import type { StoreId } from './ids.ts';

export interface Marker {
  /** Who told the revision, with its epoch. */
  store: StoreId;
  revision: number;
}

export interface Failure {
  code: ErrorCode;
  message: string;
  hint?: string;
}

export type FollowInput =
  /** The feed is open behind revision `after`; the remote was at `head` by then. */
  | { input: 'opened'; store: StoreId; after: number; head: number }
  /** It was not opened. */
  | { input: 'refused'; error: Failure }
  /** All up to `revision` has been read and can be applied; `blobs` as the last mark said. */
  | { input: 'batch'; revision: number; blobs: number }
  /** An `apply` or `state` is done: all up to `revision` is here durably. */
  | { input: 'applied'; store: StoreId; revision: number; left: Left }
  /** What was read cannot be applied as it is (a fork, a loss): an ordinary session finds out. */
  | { input: 'unfit' }
  /** The feed ended, or what was to be done failed. The connection is given up with it. */
  | { input: 'failed'; of: 'feed' | 'work'; error: Failure }
  /** Something changed here; `owes`: so that the remote lacks it. */
  | { input: 'local'; owes: boolean };

/** What a round could not do and shall be tried again. */
export interface Left {
  /** Data of tips that the remote does not hold, or would not give. */
  lacking: boolean;
  /** The working directory, which unsaved changes keep where it is. */
  held: boolean;
}

export type Action =
  /** Without `after`: from now on. */
  | { do: 'open'; after?: Marker }
  /** An ordinary session, which must reach `min`. */
  | { do: 'state'; min: number }
  /** A round with what was read. `retry`: also where that is nothing new. */
  | { do: 'apply'; retry: boolean }
  /** Until an input comes, or the clock says `until`. */
  | { do: 'wait'; until: number | null }
  /** For good. Without an error: in sync, as `once` asks. */
  | { do: 'stop'; error?: Failure };

export interface FollowStanding {
  status: 'waiting' | 'resync' | 'in-sync';
  /** The remote's revision that is here; null before the first contact. */
  revision: number | null;
  /** Of waiting: when the next try is due, and why it was not done at once. */
  retryAt?: number;
  reason?: Failure;
}

export interface FollowSetup {
  /** Ends when in sync, and with what goes wrong for good or five times. */
  once: boolean;
  /** The feed begins by telling all there is (heads of volsets): no state is needed, nothing is resumed. */
  levels?: boolean;
  /** What may be left over from a run before: tried once the feed is open. */
  left?: Left;
}

export interface FollowState {
  readonly once: boolean;
  readonly levels: boolean;
  readonly marker: Marker | null;
  /** The marker is worth a try; else the feed is opened from now on. */
  readonly resumable: boolean;
  readonly feed: 'closed' | 'opening' | 'open';
  readonly work: 'none' | 'state' | 'apply';
  /** Only a session can say that all up to `goal` is here. */
  readonly needsState: boolean;
  /** Our changes are to be sent. */
  readonly dirty: boolean;
  /** Not in sync below this revision. */
  readonly goal: number;
  /** Read from the feed so far. */
  readonly heard: number;
  /** The largest number of a blob that the remote spoke of. */
  readonly blobs: number;
  readonly left: Left;
  /** When what is left is tried again, and how often it was in vain. */
  readonly retryAt: number | null;
  readonly retries: number;
  readonly openedAt: number;
  readonly triedAt: number;
  readonly notBefore: number;
  /** The volset is not there: a session that sends makes it. */
  readonly absent: boolean;
  /** In a row; for the back-off. */
  readonly failures: number;
  /** Failures that nothing explains, at the same marker. */
  readonly strikes: number;
  /** At this marker a new state was asked for already. */
  readonly renewed: boolean;
  readonly reason?: Failure;
  readonly ended?: { error?: Failure };
}

/** Between two attempts to reach the remote. */
export const ATTEMPT_EVERY_MS = 500;
export const RECONNECT = { firstMs: 500, longestMs: 30_000 };
/** For what only somebody else can change: room, a word of the user, data that the remote does not hold. */
export const PAUSE = { firstMs: 30_000, longestMs: 600_000 };
const HEALTHY_MS = 60_000;
/** Failures at one point until a new state is asked for, and then until the end; with `once`, failures until the end. */
const MAX_STRIKES = 5;

const NOTHING_LEFT: Left = { lacking: false, held: false };
const LONG_AGO = Number.NEGATIVE_INFINITY;

export const beginFollow = (
  marker: Marker | null,
  { once, levels = false, left = NOTHING_LEFT }: FollowSetup,
): FollowState => ({
  once,
  levels,
  marker,
  resumable: marker !== null,
  feed: 'closed',
  work: 'none',
  needsState: false,
  dirty: false,
  goal: 0,
  heard: 0,
  blobs: 0,
  left,
  retryAt: null,
  retries: 0,
  openedAt: LONG_AGO,
  triedAt: LONG_AGO,
  notBefore: LONG_AGO,
  absent: false,
  failures: 0,
  strikes: 0,
  renewed: false,
});

/** `random`: in [0, 1). */
export function take(state: FollowState, input: FollowInput, now: number, random: () => number): FollowState {
  if (state.ended) return state;
  switch (input.input) {
    case 'opened':
      return opened(state, input, now);
    case 'refused':
      return refused({ ...state, feed: 'closed' }, input.error, now, random);
    case 'batch':
      return heard(state, input, now);
    case 'applied':
      return applied(state, input, now, random);
    case 'unfit':
      return { ...state, work: 'none', needsState: true };
    case 'failed':
      return failed(state, input, now, random);
    case 'local':
      return changedHere(state, input.owes, now);
  }
}

/** The state that comes with it is the one in which that is under way. */
export function decide(state: FollowState, now: number): { state: FollowState; action: Action } {
  if (state.ended) return { state, action: { do: 'stop', ...state.ended } };
  if (state.work !== 'none' || state.feed === 'opening') return { state, action: { do: 'wait', until: null } };
  if (state.feed === 'closed') return connect(state, now);
  const { needsState, dirty, marker, heard, goal, retryAt } = state;
  if (needsState || dirty) {
    return { state: { ...state, work: 'state', dirty: false }, action: { do: 'state', min: needsState ? goal : 0 } };
  }
  const retry = retryAt !== null && retryAt <= now;
  if (retry || heard > (marker?.revision ?? 0)) {
    return { state: { ...state, work: 'apply', retryAt: retry ? null : retryAt }, action: { do: 'apply', retry } };
  }
  if (state.once && isReached(state)) return stop(state);
  return { state, action: { do: 'wait', until: retryAt } };
}

export function standingOf(state: FollowState): FollowStanding {
  const revision = state.marker?.revision ?? null;
  if (state.feed !== 'open') {
    if (state.work === 'state') return { status: 'resync', revision };
    const retryAt = Math.max(state.notBefore, state.triedAt + ATTEMPT_EVERY_MS);
    const why = state.reason === undefined ? {} : { reason: state.reason };
    return {
      status: 'waiting',
      revision,
      ...(state.feed === 'closed' && Number.isFinite(retryAt) && { retryAt }),
      ...why,
    };
  }
  // An `apply` that runs leaves what was said true: what it brings counts when it is done.
  const inSync = isReached(state) && state.work !== 'state' && !state.left.lacking;
  return { status: inSync ? 'in-sync' : 'resync', revision };
}

const isLeft = ({ left }: FollowState): boolean => left.lacking || left.held;

const isReached = ({ needsState, dirty, marker, goal }: FollowState): boolean =>
  !needsState && !dirty && marker !== null && marker.revision >= goal;

function connect(state: FollowState, now: number): { state: FollowState; action: Action } {
  const due = Math.max(state.notBefore, state.triedAt + ATTEMPT_EVERY_MS);
  if (now < due) return { state, action: { do: 'wait', until: due } };
  const { marker, resumable, levels } = state;
  if (state.absent) {
    return { state: { ...state, work: 'state', dirty: false, triedAt: now }, action: { do: 'state', min: 0 } };
  }
  const after = resumable && marker !== null && !levels ? marker : undefined;
  const action: Action = after === undefined ? { do: 'open' } : { do: 'open', after };
  return { state: { ...state, feed: 'opening', triedAt: now, needsState: after === undefined && !levels }, action };
}

const stop = (state: FollowState, error?: Failure): { state: FollowState; action: Action } => {
  const ended = error === undefined ? {} : { error };
  return { state: { ...state, ended }, action: { do: 'stop', ...ended } };
};

function opened(state: FollowState, { store, after, head }: Extract<FollowInput, { input: 'opened' }>, now: number) {
  const known = state.marker?.store === store;
  return {
    ...state,
    feed: 'open' as const,
    openedAt: now,
    needsState: !state.levels && (state.needsState || !known),
    goal: Math.max(after, head),
    heard: after,
    retryAt: isLeft(state) ? now : null,
  };
}

function refused(state: FollowState, error: Failure, now: number, random: () => number): FollowState {
  if (state.resumable && VOID.includes(error.code)) return { ...state, resumable: false };
  if (error.code !== 'not-found') return fail(state, error, now, random);
  const { failures } = state;
  // Seldom more than once: then it was made in between, or a session said so for good.
  const again = failures > 0 && { notBefore: now + jittered(failures, random, RECONNECT), reason: error };
  return { ...state, absent: true, failures: failures + 1, ...again };
}

/** The marker says nothing there: a session looks at what is, and is the one that may refuse to go on. */
const VOID: readonly ErrorCode[] = ['compacted', 'ahead', 'identity'];

function changedHere(state: FollowState, owes: boolean, now: number): FollowState {
  // A branch that gets a snapshot or another name is kept, and the guard may have nothing to say any more.
  const waits = state.feed === 'closed' && state.reason?.code === 'guard';
  return {
    ...state,
    dirty: state.dirty || owes,
    retryAt: isLeft(state) ? now : state.retryAt,
    notBefore: waits ? now : state.notBefore,
  };
}

function heard(state: FollowState, { revision, blobs }: Extract<FollowInput, { input: 'batch' }>, now: number) {
  const more = blobs > state.blobs && state.left.lacking;
  return {
    ...state,
    heard: Math.max(state.heard, revision),
    blobs: Math.max(state.blobs, blobs),
    retryAt: more ? now : state.retryAt,
  };
}

function applied(
  state: FollowState,
  { store, revision, left }: Extract<FollowInput, { input: 'applied' }>,
  now: number,
  random: () => number,
): FollowState {
  const next: FollowState = { ...state, work: 'none' };
  if (state.work === 'state' && state.needsState && revision < state.goal) {
    const message = `revision ${state.goal} is not to be had there yet`;
    return fail({ ...next, feed: 'closed' }, { code: 'behind', message }, now, random);
  }
  const isNews = state.marker?.store !== store || revision > state.marker.revision;
  const isOpen = left.lacking || left.held;
  const retries = isOpen && !isNews ? state.retries + 1 : 0;
  return {
    ...next,
    marker: { store, revision },
    // What brings nothing new says nothing about a marker that was given up while it ran.
    resumable: isNews || state.resumable || (state.work === 'state' && state.needsState),
    absent: false,
    needsState: state.work === 'state' ? false : state.needsState,
    left,
    retries,
    // Others change on meanwhile: what is due some time stays due then.
    retryAt: isOpen ? (state.retryAt ?? now + jittered(retries, random, PAUSE)) : null,
    ...(isNews && { strikes: 0, renewed: false }),
    ...(state.feed === 'open' && { reason: undefined }),
  };
}

function failed(
  state: FollowState,
  { of, error }: Extract<FollowInput, { input: 'failed' }>,
  now: number,
  random: () => number,
): FollowState {
  // What runs is let run; whether it ends well tells more than how the feed ended.
  const work = of === 'work' ? 'none' : state.work;
  // One connection that is lost is one failure, whoever notices it second.
  if (of === 'work' && state.feed === 'closed' && kindOf(error.code) === 'reach') {
    return { ...state, work, dirty: state.dirty || state.work === 'state' };
  }
  // What was to be sent is still to be sent.
  const dirty = state.dirty || (of === 'work' && state.work === 'state');
  const lost: FollowState = { ...state, feed: 'closed', work, dirty };
  if (state.resumable && VOID.includes(error.code)) return { ...lost, resumable: false };
  return fail(lost, error, now, random);
}

type Kind = 'reach' | 'pause' | 'end' | 'unknown';

const PAUSES: readonly ErrorCode[] = ['guard', 'no-space', 'quota'];
const UNKNOWN: readonly ErrorCode[] = ['integrity', 'protocol', 'unexpected', 'io', 'incomplete', 'compacted', 'ahead'];

/** Worth another try at once, worth one later, never, or nobody knows. */
const kindOf = (code: ErrorCode): Kind =>
  ERRORS[code].retryable ? 'reach' : PAUSES.includes(code) ? 'pause' : UNKNOWN.includes(code) ? 'unknown' : 'end';

function fail(state: FollowState, error: Failure, now: number, random: () => number): FollowState {
  const kind = kindOf(error.code);
  const healthy = now - state.openedAt >= HEALTHY_MS;
  const failures = (healthy ? 0 : state.failures) + 1;
  const strikes = kind === 'unknown' ? state.strikes + 1 : state.strikes;
  const isLast = kind === 'end' || (state.once && (kind === 'pause' || failures >= MAX_STRIKES));
  if (isLast || (strikes >= MAX_STRIKES && state.renewed)) return { ...state, ended: { error } };
  const renews = strikes >= MAX_STRIKES;
  const bounds = kind === 'pause' ? PAUSE : RECONNECT;
  return {
    ...state,
    openedAt: Number.POSITIVE_INFINITY,
    notBefore: now + jittered(failures - 1, random, bounds),
    failures,
    strikes: renews ? 0 : strikes,
    ...(renews && { renewed: true, resumable: false }),
    reason: error,
  };
}
