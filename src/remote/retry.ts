/** Bounded, jittered retries of what is safe to repeat. */
import { PlaitError } from '../core/errors.ts';
import type { RetryOptions } from './options.ts';

const FIRST_MS = 200;
const LONGEST_MS = 5000;

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
        const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** tried);
        await sleep(ceiling * (0.5 + random() / 2), signal);
      }
    }
  }
}
