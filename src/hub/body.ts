/** Streamed bodies, either way: counted, bounded, as fast as the slower side, and not waited for without end. */
import type { IncomingMessage } from 'node:http';
import { PlaitError } from '../core/errors.ts';
import { MIN_BYTES_PER_WINDOW } from './limits.ts';
import { refuseLarger } from './media.ts';

export interface BodyLimits {
  maxBytes: number;
  /** Milliseconds of waiting in which at least MIN_BYTES_PER_WINDOW must come. */
  idleMs: number;
  onBytes(bytes: number): void;
}

/** The body of a streamed request. Waiting counts, our own slowness does not. */
export async function* streamedBody(raw: IncomingMessage, limits: BodyLimits): AsyncGenerator<Uint8Array> {
  // Leaving early must not destroy the request, and with it the socket that still carries our answer.
  const pieces = raw.iterator({ destroyOnReturn: false }) as AsyncGenerator<Buffer>;
  const pace = new Pace(limits.idleMs);
  let total = 0;
  try {
    for (;;) {
      const { value: piece, done } = await pace.wait(() => nextPiece(pieces), raw);
      if (done) return;
      total += piece.length;
      limits.onBytes(piece.length);
      refuseLarger(total, limits.maxBytes);
      pace.got(piece.length);
      yield piece;
    }
  } finally {
    pace.stop();
    await pieces.return(undefined);
  }
}

export interface AnswerLimits {
  /** Milliseconds in which a reader must take a piece. */
  idleMs: number;
  tooSlow(): void;
  onBytes(bytes: number): void;
}

/** Bytes that are handed over at once. */
const ANSWER_PIECE = 64 * 1024;

/**
 * The body of a streamed answer. A reader that stands still, or takes a byte now and then, would hold its pinned base
 * and its connection for ever; how long the source takes is not its fault.
 */
export async function* streamedAnswer(
  source: AsyncIterable<Uint8Array>,
  { idleMs, tooSlow, onBytes }: AnswerLimits,
): AsyncGenerator<Uint8Array> {
  for await (const whole of source) {
    for (let at = 0; at < whole.length; at += ANSWER_PIECE) {
      const piece = whole.subarray(at, at + ANSWER_PIECE);
      onBytes(piece.length);
      const timer = setTimeout(tooSlow, idleMs);
      try {
        yield piece;
      } finally {
        clearTimeout(timer);
      }
    }
  }
}

async function nextPiece(pieces: AsyncIterator<Buffer>): Promise<IteratorResult<Buffer>> {
  try {
    return await pieces.next();
  } catch (cause) {
    if (cause instanceof PlaitError) throw cause;
    throw new PlaitError('network', 'the client went away in the middle of its request', { cause });
  }
}

class Pace {
  readonly #idleMs: number;
  #waited = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  async wait<T>(next: () => Promise<T>, raw: IncomingMessage): Promise<T> {
    const start = performance.now();
    this.#timer = setTimeout(() => raw.destroy(cameTooSlowly()), Math.max(1, this.#idleMs - this.#waited));
    try {
      return await next();
    } finally {
      this.stop();
      this.#waited += performance.now() - start;
    }
  }

  got(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < MIN_BYTES_PER_WINDOW) return;
    this.#bytes = 0;
    this.#waited = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

const cameTooSlowly = (): PlaitError => new PlaitError('deadline', 'the request body came too slowly');
