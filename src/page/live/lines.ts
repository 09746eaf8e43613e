/** Lines of NDJSON as they come. */
import { PlaitError } from '../../core/errors.ts';

/** A line of a feed is bounded by the hub; what is longer is none. */
const MAX_LINE = 32 * 1024 * 1024;

export async function* lines(body: ReadableStream<Uint8Array>, onPiece: () => void): AsyncGenerator<unknown> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      onPiece();
      // Only what is new is searched: a long line comes in many pieces.
      const [first, ...more] = value.split('\n');
      rest += first;
      for (const next of more) {
        yield JSON.parse(rest) as unknown;
        rest = next;
      }
      if (rest.length > MAX_LINE) throw new PlaitError('protocol', 'the feed sent a line without end');
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
