/** Opens a hub as a Peer. */
import { setTimeout as delay } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import type { StoreId } from '../core/ids.ts';
import type { Peer } from '../core/peer.ts';
import { HubConnection } from './http.ts';
import { HttpPeer } from './http-peer.ts';
import { DEFAULT_PARALLEL, DEFAULT_TIMEOUTS, type Limits, type RetryOptions, type Timeouts } from './options.ts';
import { parseHubUrl } from './url.ts';

export interface PeerOptions {
  /** `http(s)://HOST[:PORT][/VOLSET]`; the volset is the caller's to use (url.ts). */
  url: string;
  /** Bearer token; goes to this origin only. */
  token?: string;
  /** PEM of the authority to trust instead of the system's. */
  ca?: string;
  signal?: AbortSignal;
  /** The store that answered last time; another install id than its ends the session with `identity`. */
  expectIdentity?: StoreId;
  /** The store that speaks, until a deltas request names it. */
  self?: StoreId;
  limits?: Limits;
  /** Streams that the caller uses at once; connections are kept for them and a few questions in between. */
  parallel?: number;
  /** Milliseconds between attempts of all requests together while nothing answers. */
  attemptEveryMs?: number;
  fetchOptions?: Partial<Timeouts & RetryOptions>;
}

/** Connects at the first request only. */
export function openPeer(options: PeerOptions): Peer {
  const { origin } = parseHubUrl(options.url);
  const { retries = 3, random = Math.random, sleep = pause, ...timeouts } = options.fetchOptions ?? {};
  const { token, ca, signal, expectIdentity, limits, parallel = DEFAULT_PARALLEL, attemptEveryMs } = options;
  const http = new HubConnection(origin, {
    token: checkedToken(token),
    ca,
    signal,
    expectIdentity,
    timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
    retries,
    random,
    sleep,
    limits,
    parallel,
    attemptEveryMs,
    clock: { now: () => performance.now(), sleep: pause },
  });
  return new HttpPeer(http, options.self);
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** A stray newline or non-ASCII character would otherwise surface as an obscure failure of the HTTP library. */
function checkedToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[\x21-\x7e]{1,256}$/.test(token)) return token;
  throw new PlaitError('bad-config', 'the token is not one line of printable characters', {
    hint: 'is it the right file? a token starts with plait_',
  });
}
