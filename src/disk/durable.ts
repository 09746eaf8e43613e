/**
 * Writes that survive a crash: a file is complete under its name or not there at all. Modes are set explicitly, so a
 * store is private (0600, folders 0700) and usable under any umask.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export const FILE_MODE = 0o600;
export const DIR_MODE = 0o700;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

/** Makes entries of a folder (creations, renames, removals) durable. */
export function fsyncDir(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some network file systems refuse to sync a folder; there is nothing better to do there.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'ENOTSUP') throw error;
  } finally {
    closeSync(fd);
  }
}

/** A new private file open for reading and writing; fails with EEXIST. The caller closes it. */
export function openExclusive(path: string): number {
  const fd = openSync(path, 'wx+', FILE_MODE);
  try {
    fchmodSync(fd, FILE_MODE);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** A private folder with its parents; true where it was made now. */
export function ensureDir(path: string): boolean {
  const first = mkdirSync(path, { recursive: true, mode: DIR_MODE });
  if (first === undefined) return false;
  // A strict umask may have taken bits away from any of the folders just made.
  for (let dir = path; ; dir = dirname(dir)) {
    chmodSync(dir, DIR_MODE);
    if (dir === first || dir === dirname(dir)) return true;
  }
}

/** The same, its name and those of its parents on the disk when it returns. */
export function ensureDirDurable(path: string): boolean {
  const above = missingParents(path);
  const made = ensureDir(path);
  for (const dir of above) fsyncDir(dir);
  return made;
}

/** Folders that get a new name when `path` is made. */
export function missingParents(path: string): string[] {
  const found: string[] = [];
  for (let dir = path; dir !== dirname(dir) && !existsSync(dir); dir = dirname(dir)) found.push(dirname(dir));
  return found;
}

export function writeAll(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let done = 0; done < bytes.length; ) {
    const at = position === null ? null : position + done;
    done += writeSync(fd, bytes, done, bytes.length - done, at);
  }
}

/** Rename, then fsync of the target's folder (and of the source's, where that is another). */
export function renameDurable(from: string, to: string): void {
  renameSync(from, to);
  fsyncDir(dirname(to));
  if (dirname(from) !== dirname(to)) fsyncDir(dirname(from));
}

/**
 * Replaces `path` with `bytes` whole: written to a temporary name beside it, synced, renamed. `unique` makes the
 * temporary name nobody else's (a random string from the caller).
 */
export function writeFileDurable(path: string, bytes: Uint8Array, unique: string): void {
  const temp = join(dirname(path), `.tmp-${unique}`);
  const fd = openExclusive(temp);
  try {
    try {
      writeAll(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameDurable(temp, path);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  }
}
