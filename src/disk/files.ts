/**
 * Plain changes of files and folders. What they do survives a killed process, but a power cut only after a sync of the
 * file (`syncFile`) and of the folder that holds its name (`fsyncDir`); where that matters the caller says so, or uses
 * the primitives of durable.ts. All throw the system's error.
 */
import {
  chmodSync,
  closeSync,
  constants,
  createWriteStream,
  fdatasync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  type WriteStream,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { OsPath } from './beneath.ts';
import { DIR_MODE, FILE_MODE, fsyncDir, missingParents, openExclusive, writeAll } from './durable.ts';

const fsyncAsync = promisify(fsync);
const fdatasyncAsync = promisify(fdatasync);

/** An existing file for reading and writing. The caller closes it. */
export const openUpdate = (path: string): number => openSync(path, 'r+');

/** An existing file for reading, never what a link at its name points to. The caller closes it. */
export const openNotFollowing = (path: OsPath): number =>
  openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));

/** A new private file with these bytes, not synced. Fails with EEXIST. */
export function writeNew(path: string, bytes: Uint8Array): void {
  const fd = openExclusive(path);
  try {
    writeAll(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

/** A file whose only use is its stat, made or stamped with the file system's own time. */
export function stampFile(path: string): void {
  const fd = openSync(path, 'w', FILE_MODE);
  closeSync(fd);
}

/** For exports: private, synced before it closes. */
export const writeStream = (path: string): WriteStream => createWriteStream(path, { mode: FILE_MODE, flush: true });

/** For lines at the end of a file that others may move away; made if it is not there. */
export const openAppending = (path: string): Promise<FileHandle> => open(path, 'a', FILE_MODE);

export const appendTo = (file: FileHandle, text: string): Promise<void> => file.appendFile(text);

export const truncateTo = (fd: number, length: number): void => ftruncateSync(fd, length);
/** Content and length are durable when it returns. */
export const syncFile = (fd: number): void => fsyncSync(fd);
/** The same on another thread. */
export const syncFileAsync = (fd: number): Promise<void> => fsyncAsync(fd);
/** Content only, on another thread. */
export const syncDataAsync = (fd: number): Promise<void> => fdatasyncAsync(fd);

/** Reading on other threads; the caller closes it. */
export const openReading = (path: string): Promise<FileHandle> => open(path, 'r');

/** A file or folder by its name, on another thread. */
export async function syncPath(path: string): Promise<void> {
  const handle = await openReading(path);
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse to sync a folder; there is nothing better to do there.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
}

/** Replaces what is at `to`. Not durable before its folder is synced: see `renameDurable`. */
export const renameFile = (from: string, to: string): void => renameSync(from, to);
/** A second name; fails with EEXIST. */
export const linkFile = (existing: string, path: string): void => linkSync(existing, path);

/** Fine where it is gone already. */
export const removeFile = (path: string): void => rmSync(path, { force: true });
/** Fails with ENOENT: for whoever has to know who was first. */
export const takeAway = (path: string): void => unlinkSync(path);
/** Fine where it is gone already. */
export const removeTree = (path: string): void => rmSync(path, { recursive: true, force: true });

/** A private folder that must not be there yet. */
export const makeDir = (path: string): void => mkdirSync(path, { mode: DIR_MODE });
/** A folder of the user's own with its parents, as the umask says; durable. */
export function ensureUserDir(path: string): void {
  const above = missingParents(path);
  mkdirSync(path, { recursive: true });
  for (const dir of above) fsyncDir(dir);
}
/** Seconds, as `utimeOf` gives them. */
export const setTimes = (path: string, time: number | string): void => utimesSync(path, time, time);
export const setMode = (path: string, mode: number): void => chmodSync(path, mode);
