/** One way to a store that speaks the protocol: over HTTP (src/remote), or in this process (src/hub/in-process.ts). */
import type { StoreId } from '../core/ids.ts';
import type { Traffic } from '../core/peer.ts';

export type RequestBody = Uint8Array | Uint8Array[] | (() => AsyncIterable<Uint8Array>);

export interface Wanted {
  method: 'GET' | 'POST' | 'PUT';
  /** Path and query below the origin. */
  path: string;
  headers?: Record<string, string>;
  /** A function makes the stream anew for each attempt. */
  body?: RequestBody;
  /** What to send instead of `body` in all attempts but the first; its failures are those of the attempt. */
  bodyAgain?: () => Promise<RequestBody>;
  /** Media type of the body. */
  type?: string;
  /** Media type that the answer must have. */
  answer: string;
  /** Safe to send twice, and there to be sent; asked again after each failure. */
  retry: boolean | (() => boolean);
  /** The hub has work to do before it can answer. */
  work?: true;
  /** A feed: may be silent for so many milliseconds and no longer, however little comes; never repeated. */
  silentMs?: number;
  /** Ends this request, also while its answer is being read. */
  signal?: AbortSignal;
}

export interface Connection {
  /** For messages, and what transfers must be addressed to. */
  readonly origin: string;
  readonly traffic: Traffic;
  /** Who answered; undefined before the first answer. */
  readonly identity: StoreId | undefined;
  /** The body of a successful answer, to be read to its end or returned early. */
  request(wanted: Wanted): Promise<AsyncGenerator<Uint8Array>>;
  /** `read` is a part of what is repeated: an answer that was cut is asked for again. */
  ask<T>(wanted: Wanted, read: (bytes: AsyncGenerator<Uint8Array>) => Promise<T>): Promise<T>;
  /** The whole body; throws `protocol` when it is longer than `max` bytes. */
  collect(bytes: AsyncIterable<Uint8Array>, max: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** The whole of a body; throws what `tooLong` makes once it is longer than `max` bytes. */
export async function collectBytes(
  bytes: AsyncIterable<Uint8Array>,
  max: number,
  tooLong: () => Error,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    if (length > max) throw tooLong();
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}
