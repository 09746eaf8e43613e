/** How a client behaves towards a hub; all that a test or a slow network may want to change. */
import type { StoreId } from '../core/ids.ts';

export interface Timeouts {
  /** Milliseconds to connect, TLS included. */
  connectMs: number;
  /** Milliseconds from a request's last byte to its answer's first; an upload is checked and published in between. */
  headersMs: number;
  /** Milliseconds between two pieces of an answer. */
  bodyMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 600_000, bodyMs: 120_000 };

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
}
