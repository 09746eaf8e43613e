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
import type { ErrorCode } from './errors.ts';
import { fail, kindOf, PAUSE, RECONNECT } from './follow-failure.ts';
import type {
  Action,
  Failure,
  FollowInput,
  FollowSetup,
  FollowStanding,
  FollowState,
  Left,
  Marker,
} from './follow-state.ts';

export { PAUSE, RECONNECT } from './follow-failure.ts';
export type {
  Action,
  Failure,
  FollowInput,
  FollowSetup,
  FollowStanding,
  FollowState,
  Left,
  Marker,
} from './follow-state.ts';

/** Between two attempts to reach the remote. */
export const ATTEMPT_EVERY_MS = 500;
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
  unfit: false,
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
      return unfit(state, now, random);
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
    unfit: false,
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
    unfit: state.unfit && state.work === 'state' && revision < state.heard,
    left,
    retries,
    // Others change on meanwhile: what is due some time stays due then.
    retryAt: isOpen ? (state.retryAt ?? now + jittered(retries, random, PAUSE)) : null,
    ...(isNews && { strikes: 0, renewed: false }),
    ...(state.feed === 'open' && { reason: undefined }),
  };
}

/** Where a session has looked already and did not come so far, the feed is not to be believed. */
function unfit(state: FollowState, now: number, random: () => number): FollowState {
  const next: FollowState = { ...state, work: 'none', needsState: true, unfit: true };
  const message = 'the feed tells what a session does not find';
  return state.unfit ? fail({ ...next, feed: 'closed' }, { code: 'protocol', message }, now, random) : next;
}

function failed(
  state: FollowState,
  { of, error }: Extract<FollowInput, { input: 'failed' }>,
  now: number,
  random: () => number,
): FollowState {
  // What runs is let run; whether it ends well tells more than how the feed ended.
  const work = of === 'work' ? 'none' : state.work;
  // One connection that is lost is one failure, whoever notices it second. Of a volset to be made there is no feed.
  if (of === 'work' && state.feed === 'closed' && !state.absent && kindOf(error.code) === 'reach') {
    return { ...state, work, dirty: state.dirty || state.work === 'state' };
  }
  // What was to be sent is still to be sent.
  const dirty = state.dirty || (of === 'work' && state.work === 'state');
  const lost: FollowState = { ...state, feed: 'closed', work, dirty };
  if (state.resumable && VOID.includes(error.code)) return { ...lost, resumable: false };
  return fail(lost, error, now, random);
}
