/** Answers that are sent piece by piece. */
import { isStream } from './media.ts';
import type { Medium } from './routes/route.ts';

type Pieces = AsyncIterable<Uint8Array>;

/** A stream with headers of its own: what a handler may give in place of the stream alone. */
export class StreamAnswer {
  readonly pieces: Pieces;
  readonly headers: Readonly<Record<string, string | number>>;

  constructor(pieces: Pieces, headers: Readonly<Record<string, string | number>>) {
    this.pieces = pieces;
    this.headers = headers;
  }
}

export const isStreamed = ({ type, stream }: Medium): boolean => stream ?? isStream(type);

/** What the handler of such a route gave. */
export const streamOf = (result: unknown): Pick<StreamAnswer, 'pieces' | 'headers'> =>
  result instanceof StreamAnswer ? result : { pieces: result as Pieces, headers: {} };

/** The first piece is awaited before an answer starts: until then a failure is still an error answer. */
export async function started(source: Pieces): Promise<AsyncGenerator<Uint8Array>> {
  const pieces = source[Symbol.asyncIterator]();
  const first = await pieces.next();
  return (async function* () {
    try {
      for (let step = first; !step.done; step = await pieces.next()) yield step.value;
    } finally {
      await pieces.return?.();
    }
  })();
}
