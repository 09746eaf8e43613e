/** The beginning of an answer; the rest is not read. */
import { PlaitError } from '../../core/errors.ts';

/**
 * @param size of all of it. Throws where less comes than there should be: an answer that was cut is no short file.
 */
export async function firstBytes(response: Response, most: number, size: number): Promise<Uint8Array> {
  const all = new Uint8Array(Math.min(most, size));
  let length = 0;
  const reader = response.body?.getReader();
  // All of it is read to its end, since a cancelled answer costs the connection.
  while (reader && (length < all.length || size <= most)) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length > size) throw wrongLength(size, `${length + value.length} or more`);
    const piece = value.subarray(0, all.length - length);
    all.set(piece, length);
    length += piece.length;
  }
  await reader?.cancel().catch(() => {});
  if (length === all.length) return all;
  throw wrongLength(size, String(length));
}

const wrongLength = (size: number, found: string): PlaitError =>
  new PlaitError('network', `the hub sent ${found} bytes of ${size}`, { hint: 'try again' });
