/**
 * Puts metadata that was made anew in the place of what was damaged, which is kept in `damaged/`. The new file has its
 * last name but one only once it is whole; the old one is moved away first, so that a crash leaves either the old one, or
 * none and a whole new one, which the next repair puts in place.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../core/errors.ts';
import { ensureDirDurable, fsyncDir, renameDurable } from '../../disk/durable.ts';
import { removeFile, renameFile } from '../../disk/files.ts';

const metaPath = (dir: string): string => join(dir, 'meta.db');
/** Whole, and nobody's yet. */
const readyPath = (dir: string): string => join(dir, 'meta.db.repaired');
/** Being made. */
export const draftPath = (dir: string): string => join(dir, 'meta.db.repair');

const SIDE_FILES = ['-wal', '-shm'];

/** Nobody has the store open. True where an earlier repair was cut off and its work is in place now. */
export function finishSwap(dir: string, now: number): boolean {
  discardDraft(dir);
  if (!existsSync(readyPath(dir))) return false;
  if (existsSync(metaPath(dir))) {
    // The old one was not moved yet, and may have been written to since.
    removeFile(readyPath(dir));
    return false;
  }
  putInPlace(dir, now);
  return true;
}

export function discardDraft(dir: string): void {
  for (const suffix of ['', ...SIDE_FILES]) removeFile(draftPath(dir) + suffix);
}

/** The draft is closed. */
export function markReady(dir: string): void {
  const log = `${draftPath(dir)}-wal`;
  if (existsSync(log) && statSync(log).size > 0) {
    throw new PlaitError('no-space', 'The metadata that was made anew could not be written whole.', {
      hint: 'Make room on the disk of the store and run the command again.',
    });
  }
  for (const suffix of SIDE_FILES) removeFile(draftPath(dir) + suffix);
  renameDurable(draftPath(dir), readyPath(dir));
}

/** Nobody has the store open. */
export function putInPlace(dir: string, now: number): void {
  const kept = join(dir, 'damaged');
  const name = join(kept, `meta.db.${new Date(now).toISOString().replace(/[:.]/g, '-')}`);
  const moves = ['', '-wal'].filter((suffix) => existsSync(metaPath(dir) + suffix));
  if (moves.length > 0) ensureDirDurable(kept);
  // A write-ahead log left behind would be taken for the new file's.
  for (const suffix of moves) renameFile(metaPath(dir) + suffix, name + suffix);
  removeFile(`${metaPath(dir)}-shm`);
  if (moves.length > 0) fsyncDir(kept);
  fsyncDir(dir);
  renameDurable(readyPath(dir), metaPath(dir));
}
