/** Waiting that can be ended from elsewhere. One waits at a time; a call while nobody waits ends the next wait at once. */
export class Wake {
  #called = false;
  #wake: (() => void) | undefined;

  now(): void {
    this.#called = true;
    this.#wake?.();
  }

  /** At most `ms` (undefined: for ever), or until the signal. */
  async after(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (!this.#called && !signal.aborted) await this.#wait(ms, signal);
    this.#called = false;
  }

  #wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      // Longer than a timer can be: woken early, the caller asks again. It also keeps the process alive.
      const timer = setTimeout(end, Math.min(ms ?? Infinity, 2 ** 30));
      signal.addEventListener('abort', end);
      this.#wake = end;
    });
  }
}
