/** Those who wait for something to happen, all woken at once. */
export class Wakers {
  #waiting = new Set<() => void>();

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const resolve of waiting) resolve();
  }

  /** Resolves at the next `wake`, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const woken = (): void => {
        signal.removeEventListener('abort', woken);
        this.#waiting.delete(woken);
        resolve();
      };
      signal.addEventListener('abort', woken);
      this.#waiting.add(woken);
    });
  }
}
