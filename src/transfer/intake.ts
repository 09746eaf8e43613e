/** Blocks and deltas on their way through the receiver's workers: several at once, bounded, the first failure stops the stream. */

// Enough to keep every worker busy; more would only wait in memory.
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_ITEMS = 32;

/** Memory that all streams of a hub share for what is on its way. */
export class IntakeBudget {
  readonly #max: number;
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  /** One that is larger than all there is goes alone. */
  async take(bytes: number): Promise<void> {
    while (this.#used > 0 && this.#used + bytes > this.#max) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

export class Intake {
  readonly #budget: IntakeBudget | undefined;
  #bytes = 0;
  #items = 0;
  #failure: { error: unknown } | undefined;
  #wake = (): void => {};

  constructor(budget?: IntakeBudget) {
    this.#budget = budget;
  }

  /** Starts `work` on so many bytes; returns when there is room for the next. Throws what an earlier one failed with. */
  async add(size: number, work: () => Promise<unknown>): Promise<void> {
    await this.#budget?.take(size);
    this.#bytes += size;
    this.#items++;
    work()
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#bytes -= size;
        this.#items--;
        this.#budget?.give(size);
        this.#wake();
      });
    await this.#until(() => this.#bytes < MAX_BYTES && this.#items < MAX_ITEMS);
    this.#check();
  }

  /** Returns when all that was added is accepted. */
  async drain(): Promise<void> {
    await this.settle();
    this.#check();
  }

  /** Returns when nothing is in flight, whatever came of it. */
  settle(): Promise<void> {
    return this.#until(() => this.#items === 0);
  }

  async #until(met: () => boolean): Promise<void> {
    while (!met()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
