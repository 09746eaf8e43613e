/** Bodies on their way in and out: in small pieces, within the bandwidth limits, and never waited for without end. */
import type { RequestBody } from '../wire/connection.ts';
import type { RateLimit } from './bandwidth.ts';

/** A line of 1 KB/s still takes so much within the time that a piece may take. */
const PIECE_BYTES = 16 * 1024;
/** A body must bring this many bytes within each `idleMs` that we wait for it. */
const MIN_BYTES_PER_WINDOW = 1024;

export interface BodyOptions {
  limit?: RateLimit;
  /** Ends waiting for the limit. */
  signal?: AbortSignal;
  /** Milliseconds without progress. */
  idleMs: number;
  /** What counts as progress in a body that comes, in bytes; default 1024. */
  leastBytes?: number;
  /** Told when there was no progress for so long. */
  stalled: () => void;
  onBytes: (bytes: number) => void;
}

/** Known length of a body; undefined for a stream. */
export function lengthOf(body: RequestBody): number | undefined {
  if (body instanceof Uint8Array) return body.length;
  return Array.isArray(body) ? body.reduce((sum, piece) => sum + piece.length, 0) : undefined;
}

/** The peer takes a piece before the next one is asked for: what comes late is a peer, or a line, that stands still. */
export async function* outgoing(body: RequestBody, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const { limit, signal, idleMs, stalled, onBytes } = options;
  const most = Math.min(PIECE_BYTES, limit?.pieceBytes ?? PIECE_BYTES);
  const source = body instanceof Uint8Array ? [body] : Array.isArray(body) ? body : body();
  for await (const whole of source) {
    for (let at = 0; at < whole.length; at += most) {
      const piece = whole.subarray(at, at + most);
      await limit?.take(piece.length, signal);
      onBytes(piece.length);
      // unref: the connection keeps the process alive, and where it is gone nobody waits any more.
      const timer = setTimeout(stalled, idleMs).unref();
      try {
        yield piece;
      } finally {
        clearTimeout(timer);
      }
    }
  }
}

/** While the limit holds us back we do not read, so that the sender is slowed down as well. */
export async function* incoming(body: AsyncIterable<Uint8Array>, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const { limit, signal, idleMs, leastBytes = MIN_BYTES_PER_WINDOW, stalled, onBytes } = options;
  const pieces = body[Symbol.asyncIterator]();
  let waited = 0;
  let bytes = 0;
  try {
    for (;;) {
      const start = performance.now();
      const { value: piece, done } = await pieces.next();
      if (done) return;
      waited += performance.now() - start;
      bytes += piece.length;
      onBytes(piece.length);
      if (bytes >= leastBytes) waited = bytes = 0;
      else if (waited > idleMs) stalled();
      await limit?.take(piece.length, signal);
      yield piece;
    }
  } finally {
    await pieces.return?.();
  }
}
