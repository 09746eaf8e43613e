/** A file's bytes out of a snapshot. */
import type { Entry } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import type { Tree } from './tree.ts';

/** Exactly as many bytes as its entry says, each piece checked before it is handed out; one of them in memory. */
export function* contentOf({ reader }: Tree, { content, size }: Entry): Generator<Uint8Array> {
  let rest = size;
  for (const piece of content ? reader.readFile(content) : []) {
    rest -= piece.length;
    if (rest < 0) break;
    yield piece;
  }
  if (rest !== 0) throw new PlaitError('integrity', 'a file has another length than its entry says');
}
