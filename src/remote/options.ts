/** How a client behaves towards a hub; all that a test or a slow network may want to change. */
import type { StoreId } from '../core/ids.ts';
import { FEED_SILENCE_MS } from '../wire/limits.ts';
import type { Clock } from './bandwidth.ts';

export interface Timeouts {
  /** Milliseconds to connect, TLS included. */
  connectMs: number;
  /** Milliseconds from a request's last byte to its answer's first. */
  headersMs: number;
  /** The same where the hub has work to do in between: an upload is checked and published, changes are searched for. */
  workMs: number;
  /** Milliseconds without progress in a body, either way. */
  bodyMs: number;
  /** Milliseconds without any byte of a feed. */
  feedMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 10_000,
  headersMs: 120_000,
  workMs: 300_000,
  bodyMs: 60_000,
  feedMs: FEED_SILENCE_MS,
};

/** Bytes a second over all connections of a peer; 0: no limit. */
export interface Limits {
  up?: number;
  down?: number;
}

/** Streams at once where a caller does not say. */
export const DEFAULT_PARALLEL = 4;
/** Requests in flight at most. */
export const MAX_REQUESTS = 16;

export interface RetryOptions {
  /** Attempts after the first. */
  retries: number;
  /** In [0, 1). */
  random: () => number;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface HttpOptions extends RetryOptions {
  token?: string;
  /** PEM; replaces the system's authorities. */
  ca?: string;
  signal?: AbortSignal;
  /** Another install id than this one's ends the session with `identity`; another epoch of it does not. */
  expectIdentity?: StoreId;
  timeouts: Timeouts;
  limits?: Limits;
  /** Streams that the caller uses at once. */
  parallel: number;
  /** Milliseconds between attempts of all requests together while nothing answers. Absent: each waits for itself. */
  attemptEveryMs?: number;
  clock: Clock;
}
