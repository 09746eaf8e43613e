/**
 * Putting files, links and directories in place below one root. A file is written under a temporary name on the same
 * file system and renamed over its place, so that a reader sees the old file or the whole new one. Names are bytes.
 * Nothing here follows a link; every method throws the system's error (`code` = errno).
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import type { FileTarget } from '../core/files.ts';
import { joinKey, type PathKey, parentKey } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { Beneath, type OsPath, rawPath, rootText } from './beneath.ts';
import { fileStat } from './file-stat.ts';
import { utimeOf } from './times.ts';

const { O_CREAT, O_EXCL, O_WRONLY, O_RDWR, O_RDONLY } = constants;
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;
/**
 * Mode of a `fresh` file until it is complete: write-only and sticky, which no user gives a file. A checkout that was
 * cut off knows a torn file by it.
 */
export const UNFINISHED_MODE = 0o1200;
/** Whatever the umask left of it. */
export const isUnfinished = (mode: number): boolean => (mode & 0o7577) === 0o1000;
/** Temporary names that had to lie in the tree itself (another mount below the root); never part of a snapshot. */
export const TEMP_PREFIX = '.plait-tmp.';
export const isTempName = (name: string): boolean => /^\.plait-tmp\.[0-9a-f]{16}$/.test(name);

/** Bytes, or the length of a run of zeros that is left as a hole. */
export type Piece = Uint8Array | number;

const tempName = (): string => TEMP_PREFIX + randomBytes(8).toString('hex');

export class Placer {
  readonly #beneath: Beneath;
  readonly #temp: string;
  readonly #ownsBeneath: boolean;

  /** `tempDir` is trusted, absolute, and normally on the file system of `root`. */
  constructor(root: string, tempDir: string, beneath?: Beneath) {
    this.#beneath = beneath ?? new Beneath(root);
    this.#ownsBeneath = beneath === undefined;
    this.#temp = rootText(tempDir);
  }

  /** Writes a whole file. Its parent directory must be there. Answers with the stat of the finished file. */
  writeFile(target: FileTarget, pieces: Iterable<Piece>): FileStat {
    const file = this.open(target);
    try {
      for (const piece of pieces) {
        if (typeof piece === 'number') file.skip(piece);
        else file.append(piece);
      }
      return file.finish();
    } catch (error) {
      file.abandon();
      throw error;
    }
  }

  /** The same in steps, for writers that fill several files at once. Must be ended by `finish` or `abandon`. */
  open(target: FileTarget): PlacedFile {
    return new PlacedFile(this.#beneath, target, target.fresh ? undefined : `${this.#temp}/${tempName()}`);
  }

  /** Places a symlink over whatever file or symlink is there. `mtime` in ns, 0 = now. */
  symlink(path: PathKey, target: Uint8Array, to: { uid?: number; gid?: number; mtime?: bigint } = {}): FileStat {
    const temp = joinKey(parentKey(path), tempName());
    symlinkSync(Buffer.from(target), this.#beneath.path(temp));
    try {
      if (to.uid !== undefined && to.gid !== undefined) lchownSync(this.#beneath.path(temp), to.uid, to.gid);
      if (to.mtime) lutimesSync(this.#beneath.path(temp), utimeOf(to.mtime), utimeOf(to.mtime));
      this.#rename(temp, path);
    } catch (error) {
      this.#tryUnlink(temp);
      throw error;
    }
    return this.stat(path)!;
  }

  /** Makes `path` a second name of `existing`, which the caller wrote itself. */
  hardLink(existing: PathKey, path: PathKey): void {
    const temp = joinKey(parentKey(path), tempName());
    // The first path is resolved to its directory's descriptor; opening the second may close it, so hold a second one.
    using from = this.#beneath.pin(existing);
    linkSync(from.path, this.#beneath.path(temp));
    try {
      this.#rename(temp, path);
    } finally {
      // rename() between two names of one inode does nothing and leaves both.
      this.#tryUnlink(temp);
    }
  }

  /** Makes a directory that is not there yet, readable by nobody else until its mode is set at the end. */
  mkdir(path: PathKey): void {
    mkdirSync(this.#beneath.path(path), 0o700);
  }

  unlink(path: PathKey): void {
    unlinkSync(this.#beneath.path(path));
  }

  /** Removes an empty directory. */
  rmdir(path: PathKey): void {
    this.#beneath.drop(path);
    rmdirSync(this.#beneath.path(path));
  }

  /** lstat; undefined when nothing is there or a parent is no directory. */
  stat(path: PathKey): FileStat | undefined {
    try {
      const stats = lstatSync(this.#beneath.path(path), { bigint: true, throwIfNoEntry: false });
      return stats === undefined ? undefined : fileStat(stats);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
      throw error;
    }
  }

  readlink(path: PathKey): Buffer {
    return readlinkSync(this.#beneath.path(path), { encoding: 'buffer' });
  }

  /** Permission bits of a directory. */
  setDirMode(path: PathKey, mode: number): void {
    // Through a descriptor of the directory: chmod of a path would follow a link put there meanwhile.
    const at = this.#beneath.dirPath(path);
    chmodSync(at, mode);
  }

  /** mtime of a directory, ns. */
  setDirTime(path: PathKey, mtime: bigint): void {
    const time = utimeOf(mtime);
    utimesSync(this.#beneath.dirPath(path), time, time);
  }

  /** Owner of a directory. */
  setDirOwner(path: PathKey, uid: number, gid: number): void {
    chownSync(this.#beneath.dirPath(path), uid, gid);
  }

  /** Sets what a file's target says beside its content, on the file that is there. */
  setAttributes(target: FileTarget): FileStat {
    const fd = openSync(this.#beneath.path(target.path), O_RDONLY | O_NOFOLLOW | (constants.O_NONBLOCK ?? 0));
    try {
      applyAttributes(fd, target);
      return fileStat(fstatSync(fd, { bigint: true }));
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    if (this.#ownsBeneath) this.#beneath.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #rename(from: PathKey, to: PathKey): void {
    // Siblings: one directory's descriptor serves both, so the second call cannot invalidate the first path.
    const source = this.#beneath.path(from);
    renameSync(source, this.#beneath.path(to));
  }

  #tryUnlink(path: PathKey): void {
    try {
      unlinkSync(this.#beneath.path(path));
    } catch {
      // Gone already.
    }
  }
}

/** Owner first: chown clears setuid bits that the mode then sets. Mode last: it ends UNFINISHED_MODE. */
function applyAttributes(fd: number, target: FileTarget): void {
  if (target.uid !== undefined && target.gid !== undefined) fchownSync(fd, target.uid, target.gid);
  const time = utimeOf(target.mtime);
  futimesSync(fd, time, time);
  fchmodSync(fd, target.mode & 0o7777);
}

/** A file between its creation and its place. */
export class PlacedFile {
  readonly #beneath: Beneath;
  readonly #target: FileTarget;
  /** Where it is being written: undefined = in its place already. */
  #temp: OsPath | undefined;
  #fd: number;
  #position = 0;
  /** End of the bytes appended last: the file's length on disk, as far as it is known here. */
  #end = 0;

  constructor(beneath: Beneath, target: FileTarget, temp: string | undefined) {
    this.#beneath = beneath;
    this.#target = target;
    this.#temp = temp === undefined ? undefined : rawPath(temp);
    const mode = temp === undefined ? UNFINISHED_MODE : 0o600;
    this.#fd = openSync(this.#temp ?? beneath.path(target.path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  }

  /** For positioned writes by the caller. */
  get fd(): number {
    return this.#fd;
  }

  append(bytes: Uint8Array): void {
    this.writeAt(bytes, this.#position);
    this.#position += bytes.byteLength;
    this.#end = this.#position;
  }

  /** Leaves `length` zeros unwritten. */
  skip(length: number): void {
    this.#position += length;
  }

  writeAt(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.byteLength) {
      done += writeSync(this.#fd, bytes, done, bytes.byteLength - done, position + done);
    }
  }

  /** Gives the file its length, attributes and name. The stat is taken last: renaming changes the ctime. */
  finish(): FileStat {
    // Costs a transaction of the file system even where it changes nothing.
    if (this.#end !== this.#target.size) ftruncateSync(this.#fd, this.#target.size);
    applyAttributes(this.#fd, this.#target);
    if (this.#temp !== undefined) this.#moveIn(this.#temp);
    this.#temp = undefined;
    const stat = fileStat(fstatSync(this.#fd, { bigint: true }));
    closeSync(this.#fd);
    this.#fd = -1;
    return stat;
  }

  /** Removes what was written. Does nothing after `finish`. */
  abandon(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
    try {
      unlinkSync(this.#temp ?? this.#beneath.path(this.#target.path));
    } catch {
      // The temporary directory is emptied by the next checkout anyway.
    }
  }

  #moveIn(temp: OsPath): void {
    try {
      renameSync(temp, this.#beneath.path(this.#target.path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      this.#copyAcross(temp);
    }
  }

  /** The place lies on another file system than the temporary directory: copy beside it, then rename there. */
  #copyAcross(temp: OsPath): void {
    const beside = joinKey(parentKey(this.#target.path), tempName());
    const out = openSync(this.#beneath.path(beside), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      copyBytes(temp, out, this.#target.size);
      applyAttributes(out, this.#target);
      const source = this.#beneath.path(beside);
      renameSync(source, this.#beneath.path(this.#target.path));
    } catch (error) {
      closeSync(out);
      try {
        unlinkSync(this.#beneath.path(beside));
      } catch {
        // Nothing there.
      }
      throw error;
    }
    unlinkSync(temp);
    closeSync(this.#fd);
    this.#fd = out;
  }
}

/** All-zero pieces stay holes. */
function copyBytes(from: OsPath, out: number, size: number): void {
  const input = openSync(from, O_RDONLY | O_NOFOLLOW);
  try {
    const buffer = Buffer.allocUnsafe(1 << 18);
    const zeros = Buffer.alloc(buffer.length);
    let position = 0;
    for (let n = readSync(input, buffer); n > 0; n = readSync(input, buffer)) {
      const zero = buffer.compare(zeros, 0, n, 0, n) === 0;
      for (let done = zero ? n : 0; done < n; ) done += writeSync(out, buffer, done, n - done, position + done);
      position += n;
    }
    ftruncateSync(out, size);
  } finally {
    closeSync(input);
  }
}
