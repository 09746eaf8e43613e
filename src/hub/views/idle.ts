/** Forgets what was kept for those who ask, once nobody has asked in a while. */
export class Idle implements Disposable {
  readonly #ms: number;
  readonly #forget: () => void;
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, forget: () => void) {
    this.#ms = ms;
    this.#forget = forget;
  }

  asked(): void {
    this.#askedAt = performance.now();
    this.#timer ??= this.#later(this.#ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#forget();
  }

  #later(ms: number): NodeJS.Timeout {
    const look = (): void => {
      const left = this.#askedAt + this.#ms - performance.now();
      if (left <= 0) this[Symbol.dispose]();
      else this.#timer = this.#later(left);
    };
    return setTimeout(look, ms).unref();
  }
}
