/** Time that no step of the clock disturbs: waits are measured by it alone. */
import { setTimeout as delay } from 'node:timers/promises';

export interface FollowClock {
  /** Milliseconds. */
  now(): number;
  /** Ends early when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const monotonic: FollowClock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}),
};
