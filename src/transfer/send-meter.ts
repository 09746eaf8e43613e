import type { TransferStep } from './send.ts';

/** How much there is to send, as far as it has been looked at: what was drawn, and an estimate of what comes next. */
export class SendMeter {
  #drawn = 0;
  #ahead = 0;

  /** Of the objects that were found missing at the peer, less what has been drawn of them; deltas make it less than that. */
  get totalBytes(): number {
    return this.#drawn + this.#ahead;
  }

  take({ expected, bytes = 0 }: TransferStep): void {
    if (expected !== undefined) this.#ahead = expected;
    this.#drawn += bytes;
    this.#ahead = Math.max(0, this.#ahead - bytes);
  }
}
