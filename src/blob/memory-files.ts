/** Writing files one after the other on the calling thread: what the memory engine does instead of workers. */
import type { Content, Extent } from '../core/entry.ts';
import type { FileResult, FileTarget } from '../core/files.ts';
import { type Piece, Placer } from '../disk/place.ts';
import { wrongLength } from './file-bytes.ts';

export interface FileBytes {
  extents(content: Content): Iterable<Extent>;
  chunk(id: Uint8Array): Uint8Array;
}

export async function* extractSimply(
  root: string,
  tempDir: string,
  targets: Iterable<FileTarget>,
  bytes: FileBytes,
): AsyncGenerator<FileResult> {
  const placer = new Placer(root, tempDir);
  try {
    for (const target of targets) yield placeOne(placer, target, bytes);
  } finally {
    placer.close();
  }
}

function placeOne(placer: Placer, target: FileTarget, bytes: FileBytes): FileResult {
  try {
    return { path: target.path, status: 'written', stat: placer.writeFile(target, piecesOf(target.content, bytes)) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { path: target.path, status: 'failed', message, ...(typeof code === 'string' && { errno: code }) };
  }
}

function* piecesOf(content: Content, bytes: FileBytes): Generator<Piece> {
  for (const { length, id } of bytes.extents(content)) {
    const piece = id ? bytes.chunk(id) : length;
    if (typeof piece !== 'number' && piece.length !== length) throw wrongLength();
    yield piece;
  }
}
