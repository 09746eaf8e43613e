/** What passes through a hub's transfers, for people who look: told while it moves, forgotten when it is over. */
import type { OpenTransferView, TransferClaims } from '../wire/transfer-service.ts';

/** One that stands still for so long is in progress no more. */
const STILL_MS = 60_000;
/** Bounds memory; of more, those that moved last are known. */
const MAX_KNOWN = 1000;

interface Passing extends Omit<OpenTransferView, 'uploadId'> {
  /** Bodies that are on their way. */
  running: number;
}

export interface InProgressOptions {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** When it was agreed upon; undefined: before this hub was started. */
  since: (uploadId: string) => number | undefined;
  /** More of the upload may come, although nothing is on its way at the moment. */
  expects: (uploadId: string) => boolean;
}

export class InProgress {
  readonly #options: InProgressOptions;
  /** Those that were begun or taken up last are last. */
  readonly #known = new Map<string, Passing>();

  constructor(options: InProgressOptions) {
    this.#options = options;
  }

  /** Passes the pieces of one of its bodies on, and counts them. */
  async *counted(claims: TransferClaims, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const passing = this.#enter(claims);
    passing.running++;
    try {
      for await (const piece of pieces) {
        passing.bytes += piece.byteLength;
        passing.used = this.#options.now();
        yield piece;
      }
    } finally {
      passing.running--;
    }
  }

  forget(uploadId: string): void {
    this.#known.delete(uploadId);
  }

  /** Something of each has passed within the last minute; those that moved last come first. */
  list(): OpenTransferView[] {
    const still = this.#options.now() - STILL_MS;
    return [...this.#known]
      .filter(([uploadId, passing]) => passing.bytes > 0 && passing.used > still && this.#isOpen(uploadId, passing))
      .map(([uploadId, { running: _, ...view }]) => ({ uploadId, ...view }))
      .sort((a, b) => b.used - a.used);
  }

  #isOpen(uploadId: string, { running, direction }: Passing): boolean {
    return running > 0 || (direction === 'up' && this.#options.expects(uploadId));
  }

  #enter({ uploadId, direction, volset, owner, snapshots }: TransferClaims): Passing {
    const now = this.#options.now();
    const known = this.#known.get(uploadId);
    const passing = known ?? {
      direction,
      volset,
      owner,
      snapshots: snapshots.length,
      bytes: 0,
      since: this.#options.since(uploadId) ?? now,
      used: now,
      running: 0,
    };
    this.#known.delete(uploadId);
    this.#known.set(uploadId, passing);
    if (this.#known.size > MAX_KNOWN) this.forget(this.#known.keys().next().value as string);
    return passing;
  }
}
