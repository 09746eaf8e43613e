/** The body of a request in process. */
import type { RequestBody } from '../wire/connection.ts';
import { refuseLarger } from './media.ts';

/** What a request brings along, read once. */
export class Sent {
  /** The source itself failed: that is no fault of the store that is asked. */
  failed: { error: unknown } | undefined;
  readonly #body: RequestBody | undefined;
  readonly #pass: (piece: Uint8Array) => Promise<Uint8Array>;

  constructor(body: RequestBody | undefined, pass: (piece: Uint8Array) => Promise<Uint8Array>) {
    this.#body = body;
    this.#pass = pass;
  }

  async *stream(maxBytes: number): AsyncGenerator<Uint8Array> {
    let total = 0;
    for await (const piece of this.#pieces()) {
      total += piece.length;
      refuseLarger(total, maxBytes);
      yield this.#pass(piece);
    }
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    const body = this.#body;
    if (body === undefined) return;
    if (typeof body !== 'function') {
      yield* body instanceof Uint8Array ? [body] : body;
      return;
    }
    const source = body()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await source.next().catch((error: unknown) => {
          this.failed = { error };
          throw error;
        });
        if (step.done) return;
        yield step.value;
      }
    } finally {
      await source.return?.();
    }
  }
}
