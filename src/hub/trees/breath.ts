/** Lets other requests go on while one takes long: a hub has one thread for all of them. */
import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 10;

/** The one who came last. */
let last: Promise<unknown> = Promise.resolve();

/** One at a time: however many take long, the loop goes round, and serves all others, between two slices of any. */
function turn(): Promise<unknown> {
  last = last.then(() => setImmediate());
  return last;
}

export class Breath {
  readonly #signal: AbortSignal;
  #since = performance.now();

  private constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Before the first slice. */
  static async first(signal: AbortSignal): Promise<Breath> {
    const breath = new Breath(signal);
    await breath.take();
    return breath;
  }

  /** Asked at each step: waiting at each would cost more than most steps. */
  get due(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  /** Throws where nobody waits for the answer any more. */
  async take(): Promise<void> {
    await turn();
    this.#signal.throwIfAborted();
    this.#since = performance.now();
  }
}
