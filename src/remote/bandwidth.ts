/** Bandwidth limits: a token bucket without clock or timers, and what waits for it. */

/** Milliseconds' worth of bytes that may go at once after a pause. */
const BURST_MS = 100;
/** Bytes that are sent or waited for at once: small, so that a stop or a stall is seen soon. */
const LARGEST_PIECE = 64 * 1024;
const SMALLEST_PIECE = 1024;

export class Bucket {
  /** Bytes a second. */
  readonly #rate: number;
  /** When all that was reserved will have passed. */
  #free = Number.NEGATIVE_INFINITY;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Milliseconds after `now` at which `bytes` may have passed. First come, first served. */
  reserve(bytes: number, now: number): number {
    this.#free = Math.max(this.#free, now - BURST_MS) + (bytes * 1000) / this.#rate;
    return Math.max(0, this.#free - now);
  }
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now: () => number;
  /** Resolves early, without an error, when the signal aborts. */
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** What all requests of a peer share in one direction. */
export class RateLimit {
  /** Largest piece to ask for, so that several streams take turns and none sends in bursts. */
  readonly pieceBytes: number;
  readonly #bucket: Bucket;
  readonly #clock: Clock;

  constructor(rate: number, clock: Clock) {
    this.pieceBytes = Math.max(SMALLEST_PIECE, Math.min(LARGEST_PIECE, Math.floor(rate / 8)));
    this.#bucket = new Bucket(rate);
    this.#clock = clock;
  }

  /** Resolves when so many bytes may pass; at once when the signal aborts. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const wait = this.#bucket.reserve(bytes, this.#clock.now());
    if (wait > 0) await this.#clock.sleep(wait, signal);
  }
}
