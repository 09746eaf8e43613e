/** The beginning of an answer; the rest is not read. */
import { PlaitError } from '../../core/errors.ts';

/** Throws where there are fewer than `wanted`: an answer that was cut is no short file. */
export async function firstBytes(response: Response, wanted: number): Promise<Uint8Array> {
  const all = new Uint8Array(wanted);
  let length = 0;
  const reader = response.body?.getReader();
  while (reader && length < wanted) {
    const { done, value } = await reader.read();
    if (done) break;
    const piece = value.subarray(0, wanted - length);
    all.set(piece, length);
    length += piece.length;
  }
  await reader?.cancel().catch(() => {});
  if (length === wanted) return all;
  throw new PlaitError('network', `the hub sent ${length} bytes of ${wanted}`, { hint: 'try again' });
}
