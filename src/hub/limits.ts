/** Default limits of a hub (HubLimits in contract.ts says what each means). */
import { MARK_MS, MAX_JSON } from '../wire/limits.ts';
import type { HubLimits } from './contract.ts';

export const DEFAULT_LIMITS: HubLimits = {
  connections: 4096,
  headersMs: 15_000,
  bodyMs: 60_000,
  idleMs: 120_000,
  drainMs: 10_000,
  jsonBytes: MAX_JSON,
  uploadBytes: 4 * 1024 ** 4,
  recordBytes: 4 * 1024 ** 3,
  followers: 4000,
  tokenFollowers: 1000,
  markMs: MARK_MS,
  ringBytes: 4 * 1024 ** 2,
  stateWaitMs: 5000,
};

/** A body must bring this many bytes within each `idleMs` that we wait for it, else it is a slow loris. */
export const MIN_BYTES_PER_WINDOW = 4096;
/** Node's own limit for all request headers together. */
export const MAX_HEADER_BYTES = 16 * 1024;
