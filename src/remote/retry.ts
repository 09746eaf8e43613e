/** Bounded, jittered retries of what is safe to repeat. */
import { type BackOffBounds, jittered } from '../core/back-off.ts';
import { PlaitError } from '../core/errors.ts';
import type { RetryOptions } from './options.ts';

const BOUNDS: BackOffBounds = { firstMs: 200, longestMs: 5000 };
/** A hub or proxy may ask for a longer pause, but not for any. */
const LONGEST_ASKED_MS = 30_000;

/** What `Retry-After` asks for, in milliseconds; only whole seconds are understood. */
export function pauseAsked(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string' || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(LONGEST_ASKED_MS, Number(header) * 1000);
}

export class Retry {
  readonly #options: RetryOptions & { signal?: AbortSignal };

  constructor(options: RetryOptions & { signal?: AbortSignal }) {
    this.#options = options;
  }

  async run<T>(attempt: () => Promise<T>, worthIt: (error: PlaitError) => boolean): Promise<T> {
    const { retries, random, sleep, signal } = this.#options;
    for (let tried = 0; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        if (tried >= retries || signal?.aborted || !(error instanceof PlaitError) || !worthIt(error)) throw error;
        const own = jittered(tried, random, BOUNDS);
        const asked = error.data?.retryAfterMs;
        // Those that were told the same pause should not come back at the same moment.
        await sleep(Math.max(own, typeof asked === 'number' ? asked * (1 + random() / 4) : 0), signal);
      }
    }
  }
}
