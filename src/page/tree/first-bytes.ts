/** The beginning of an answer; the rest is not read. */
import { PlaitError } from '../../core/errors.ts';

/**
 * @param size of all of it. Throws where less comes than there should be: an answer that was cut is no short file.
 */
export async function firstBytes(response: Response, most: number, size: number): Promise<Uint8Array> {
  const bytes = size <= most ? new Uint8Array(await response.arrayBuffer()) : await beginning(response, most);
  if (bytes.length === Math.min(most, size)) return bytes;
  throw wrongLength(size, String(bytes.length));
}

async function beginning(response: Response, most: number): Promise<Uint8Array> {
  const all = new Uint8Array(most);
  let length = 0;
  const reader = response.body?.getReader();
  while (reader && length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    const piece = value.subarray(0, most - length);
    all.set(piece, length);
    length += piece.length;
  }
  await reader?.cancel().catch(() => {});
  return all.subarray(0, length);
}

const wrongLength = (size: number, found: string): PlaitError =>
  new PlaitError('network', `the hub sent ${found} bytes of ${size}`, { hint: 'try again' });
