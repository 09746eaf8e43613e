/** Lets other requests go on while one takes long: a hub has one thread for all of them. */
import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 10;

export class Breath {
  readonly #signal: AbortSignal;
  #since = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Asked at each step: waiting at each would cost more than most steps. */
  get due(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  /** Throws where nobody waits for the answer any more. */
  async take(): Promise<void> {
    await setImmediate();
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}
