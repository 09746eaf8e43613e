/** Newline-delimited JSON with bounded lines: batches of bytes on the way out, one parsed value a line on the way in. */
import { isUtf8 } from 'node:buffer';
import { PlaitError } from '../core/errors.ts';
import { MAX_VECTOR_LINE } from './limits.ts';

/** Bytes that lines are gathered into before they are handed on; one write a line would cost a system call each. */
const BATCH = 64 * 1024;
const NEWLINE = 10;

/** Joins lines (each with its newline) into pieces of about 64 KiB. */
export async function* batches(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let text = '';
  for await (const line of lines) {
    text += line;
    if (text.length < BATCH) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/**
 * The lines of a byte stream, without their newlines. Throws `protocol` for a line longer than the longest that the
 * protocol knows. Bytes after the last newline are a cut line: they are dropped, the missing trailer tells the story.
 */
export async function* rawLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let held = 0;
  for await (const piece of bytes) {
    const buffer = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    let start = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      const tail = buffer.subarray(start, end);
      if (held + tail.length > MAX_VECTOR_LINE) throw tooLong();
      yield held === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      held = 0;
      start = end + 1;
    }
    if (start === buffer.length) continue;
    rest.push(buffer.subarray(start));
    held += buffer.length - start;
    if (held > MAX_VECTOR_LINE) throw tooLong();
  }
}

/** One line's value. Throws `protocol` for text that is no JSON object. */
export function parseLine(line: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    if (isUtf8(line)) value = JSON.parse(line.toString('utf8'));
  } catch {
    // The error below says it; V8's message would quote the peer's bytes.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new PlaitError('protocol', 'a line of the stream is not a JSON object', {
    hint: 'is the other side a plait hub? check the URL',
  });
}

const tooLong = (): PlaitError =>
  new PlaitError('protocol', `a line of the stream is longer than ${MAX_VECTOR_LINE} bytes`);
