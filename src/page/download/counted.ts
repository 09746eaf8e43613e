/** A stream that knows how much of it passed, and is an error where it ends too early or goes on too long. */
import { PlaitError } from '../../core/errors.ts';

/** @param expected bytes; undefined where nobody knows */
export function counted(
  expected: number | undefined,
  passed: (bytes: number) => void,
): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(piece, controller) {
      bytes += piece.length;
      if (expected !== undefined && bytes > expected) throw wrongLength(expected, `${bytes} or more`);
      passed(bytes);
      controller.enqueue(piece);
    },
    flush() {
      if (expected !== undefined && bytes !== expected) throw wrongLength(expected, String(bytes));
    },
  });
}

const wrongLength = (expected: number, found: string): PlaitError =>
  new PlaitError('network', `the hub sent ${found} bytes of ${expected}`, { hint: 'download it again' });
