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
      const parts = (rest + value).split('\n');
      rest = parts.pop() as string;
      if (rest.length > MAX_LINE) throw new PlaitError('protocol', 'the feed sent a line without end');
      for (const part of parts) yield JSON.parse(part) as unknown;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
