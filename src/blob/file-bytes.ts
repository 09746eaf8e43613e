/** Between a file's bytes and its extents. */
import type { Extent } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import { KIND } from '../core/hash.ts';
import { cuts, isHole } from './chunker.ts';
import { MAX_OBJECT } from './format.ts';

export const wrongLength = (): PlaitError =>
  new PlaitError('integrity', 'A chunk has another length than its file says.');

const ZEROS = new Uint8Array(MAX_OBJECT[KIND.chunk]);

/** Pieces of the extents' bytes; `read` gives a chunk's verified bytes. */
export function* piecesOf(extents: Iterable<Extent>, read: (id: Uint8Array) => Uint8Array): Generator<Uint8Array> {
  for (const { length, id } of extents) {
    if (id) {
      const bytes = read(id);
      if (bytes.length !== length) throw wrongLength();
      yield bytes;
      continue;
    }
    for (let rest = length; rest > 0; rest -= ZEROS.length) yield ZEROS.subarray(0, Math.min(rest, ZEROS.length));
  }
}

/** Extents of bytes at hand; `store` is given each chunk that is not a hole. */
export function* extentsOf(bytes: Uint8Array, store: (chunk: Uint8Array) => Uint8Array): Generator<Extent> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  for (const end of cuts(buffer)) {
    if (isHole(buffer, start, end)) yield { length: end - start };
    else yield { length: end - start, id: store(buffer.subarray(start, end)) };
    start = end;
  }
}
