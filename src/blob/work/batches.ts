/** Cuts the stream of files into units of work, in order. */
import type { FileSource } from '../../core/files.ts';
import { itemsOf } from '../../core/flat.ts';
import { BATCH_BYTES, BATCH_FILES, BIG_FILE } from './limits.ts';

export interface Unit {
  /** Small files, or exactly one big one. */
  files: FileSource[];
  big: boolean;
  bytes: number;
  /** Nothing comes after it. */
  last: boolean;
}

export async function* units(
  files: Iterable<FileSource> | AsyncIterable<FileSource>,
): AsyncGenerator<Unit, void, undefined> {
  let batch: FileSource[] = [];
  let bytes = 0;
  const take = (last: boolean): Unit => {
    const unit = { files: batch, big: false, bytes, last };
    batch = [];
    bytes = 0;
    return unit;
  };
  const source = itemsOf(files);
  try {
    for (;;) {
      const step = source.next();
      // Awaiting each of a million files that are at hand would cost more than sorting them into batches.
      const next = step instanceof Promise ? await step : step;
      if (next.done) break;
      const file = next.value;
      const big = file.stat.size > BIG_FILE;
      if (batch.length > 0 && (big || bytes + file.stat.size > BATCH_BYTES || batch.length >= BATCH_FILES))
        yield take(false);
      if (big) yield { files: [file], big, bytes: file.stat.size, last: false };
      else {
        batch.push(file);
        bytes += file.stat.size;
      }
    }
    if (batch.length > 0) yield take(true);
  } finally {
    await source.return?.();
  }
}
