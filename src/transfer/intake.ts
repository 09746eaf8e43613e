/** Blocks on their way through the receiver's workers: several at once, bounded, the first failure stops the stream. */
import type { BlobReceiver } from '../blob/contract.ts';

// Enough to keep every worker busy; more would only wait in memory.
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_BLOCKS = 32;

export class BlockIntake {
  readonly #receiver: BlobReceiver;
  #bytes = 0;
  #blocks = 0;
  #failure: { error: unknown } | undefined;
  #wake = (): void => {};

  constructor(receiver: BlobReceiver) {
    this.#receiver = receiver;
  }

  /** Returns when there is room for the next one. Throws what an earlier block failed with. */
  async add(bytes: Uint8Array): Promise<void> {
    const size = bytes.byteLength;
    this.#bytes += size;
    this.#blocks++;
    this.#receiver
      .addBlock(bytes)
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#bytes -= size;
        this.#blocks--;
        this.#wake();
      });
    await this.#until(() => this.#bytes < MAX_BYTES && this.#blocks < MAX_BLOCKS);
    this.#check();
  }

  /** Returns when all that was added is accepted. */
  async drain(): Promise<void> {
    await this.settle();
    this.#check();
  }

  /** Returns when nothing is in flight, whatever came of it. */
  settle(): Promise<void> {
    return this.#until(() => this.#blocks === 0);
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
