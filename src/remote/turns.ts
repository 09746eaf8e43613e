/** Requests to a hub that does not answer take turns, so that not all who wait for a dead one knock at once. */
import type { Clock } from './bandwidth.ts';

export class Turns {
  readonly #everyMs: number;
  readonly #clock: Clock;
  #silent = false;
  /** When the next may go. */
  #next = 0;

  constructor(everyMs: number, clock: Clock) {
    this.#everyMs = everyMs;
    this.#clock = clock;
  }

  /** Resolves when an attempt may be made: at once while the hub answers, or when the signal aborts. */
  async take(signal?: AbortSignal): Promise<void> {
    if (!this.#silent || signal?.aborted) return;
    const now = this.#clock.now();
    const at = Math.max(now, this.#next);
    this.#next = at + this.#everyMs;
    if (at > now) await this.#clock.sleep(at - now, signal);
  }

  failed(): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#next = this.#clock.now() + this.#everyMs;
  }

  answered(): void {
    this.#silent = false;
  }
}
