/**
 * Entries of a snapshot written into a directory: a working directory in place, or any other. Looks first, and writes
 * nothing if something that nobody has saved would be lost. Deletes nothing that is not in the way of an entry.
 */
import { join } from 'node:path';
import type { Entry } from '../core/entry.ts';
import { codeOfErrno, PlaitError } from '../core/errors.ts';
import type { FileResult, FileTarget } from '../core/files.ts';
import { type PathKey, parentKey, ROOT, showPath } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { Beneath } from '../disk/beneath.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { ensureUserDir, makeDir, removeTree } from '../disk/files.ts';
import { Placer, TEMP_PREFIX } from '../disk/place.ts';
import { SYNCED_AT_MOST, syncBelow } from '../disk/sync-tree.ts';
import { closeTimes } from '../disk/times.ts';
import type { Preserve, Problem } from './contract.ts';
import { errnoOf, notWritten, problem } from './problems.ts';

export interface RestoreOptions {
  /** Absolute; made if it is missing. */
  dir: string;
  /** 16 random hex digits, for temporary names. */
  unique: string;
  /** In path order, directories above each entry included; iterated several times. */
  entries: () => Iterable<Entry>;
  preserve: readonly Preserve[];
  /** True where what is on disk at this path is held by a snapshot, so that it may be replaced. */
  isSaved: (path: PathKey) => boolean;
  /** Replace unsaved files as well. */
  overwrite: boolean;
  extract: (root: string, tempDir: string, files: Iterable<FileTarget>) => AsyncIterable<FileResult>;
  signal?: AbortSignal;
}

export interface Restored {
  written: number;
  bytes: number;
  problems: Problem[];
}

/** Throws `unsaved-changes` (data.paths) before anything is written. */
export async function restoreEntries(options: RestoreOptions): Promise<Restored> {
  ensureUserDir(options.dir);
  const tempDir = join(options.dir, TEMP_PREFIX + options.unique);
  makeDir(tempDir);
  try {
    using beneath = new Beneath(options.dir);
    using placer = new Placer(options.dir, tempDir, beneath);
    const job = new Restore(options, placer, beneath, tempDir);
    job.look();
    return await job.write();
  } finally {
    removeTree(tempDir);
  }
}

class Restore {
  readonly #options: RestoreOptions;
  readonly #placer: Placer;
  readonly #beneath: Beneath;
  readonly #tempDir: string;
  readonly #done: Restored = { written: 0, bytes: 0, problems: [] };
  /** First written member of each hard-link group among the entries. */
  readonly #firsts = new Map<PathKey, PathKey>();

  constructor(options: RestoreOptions, placer: Placer, beneath: Beneath, tempDir: string) {
    this.#options = options;
    this.#beneath = beneath;
    this.#placer = placer;
    this.#tempDir = tempDir;
  }

  look(): void {
    const { overwrite, isSaved, entries } = this.#options;
    const unsaved: PathKey[] = [];
    for (const entry of entries()) {
      const { path, linkGroup } = entry;
      if (linkGroup !== undefined && !this.#firsts.has(linkGroup)) this.#firsts.set(linkGroup, path);
      const stat = this.#placer.stat(path);
      if (stat === undefined) continue;
      const isDir = kindOfMode(stat.mode) === 'dir';
      if (isDir && entry.kind === 'dir') continue;
      // A directory never makes room for a file: what is in it was not asked about.
      if (isDir) unsaved.push(path);
      else if (!overwrite && !isSaved(path) && !this.#isSame(entry, stat)) unsaved.push(path);
    }
    if (unsaved.length > 0) throw refused(unsaved, overwrite);
  }

  async write(): Promise<Restored> {
    const { entries, signal } = this.#options;
    for (const entry of entries()) if (entry.kind === 'dir') this.#attempt(entry, () => this.#makeDir(entry));
    await this.#writeFiles();
    for (const entry of entries()) {
      signal?.throwIfAborted();
      const first = this.#linkedTo(entry);
      if (first !== undefined) this.#attempt(entry, () => this.#link(first, entry));
      else if (entry.kind === 'symlink') this.#attempt(entry, () => this.#symlink(entry));
    }
    // Deepest first: a directory may be closed to us by its own mode.
    const dirs = Array.from(entries()).filter((entry) => entry.kind === 'dir');
    for (const entry of dirs.reverse()) this.#attempt(entry, () => this.#dirAttributes(entry));
    // Of more, as with cp and tar, it is the system that decides when they are on the disk.
    if (this.#done.written <= SYNCED_AT_MOST) await syncBelow(this.#beneath, this.#paths());
    return this.#done;
  }

  *#paths(): Generator<PathKey> {
    const dirs = new Set<PathKey>([ROOT]);
    for (const { path, kind } of this.#options.entries()) {
      if (kind === 'file') yield path;
      if (path !== ROOT) dirs.add(kind === 'dir' ? path : parentKey(path));
    }
    yield* dirs;
  }

  async #writeFiles(): Promise<void> {
    const { dir, extract, signal } = this.#options;
    for await (const one of extract(dir, this.#tempDir, this.#targets())) {
      signal?.throwIfAborted();
      if (one.status === 'failed') this.#fail(one.path, one.errno, one.message);
      else {
        this.#done.written++;
        this.#done.bytes += one.stat.size;
      }
    }
  }

  *#targets(): Generator<FileTarget> {
    for (const entry of this.#options.entries()) {
      if (entry.kind !== 'file' || this.#linkedTo(entry) !== undefined) continue;
      const mode = entry.mode & (this.#keeps('suid') ? 0o7777 : 0o777);
      yield {
        path: entry.path,
        content: entry.content!,
        size: entry.size,
        mtime: entry.mtime,
        mode,
        ...this.#owner(entry),
      };
    }
  }

  #linkedTo({ path, linkGroup }: Entry): PathKey | undefined {
    const first = linkGroup === undefined ? undefined : this.#firsts.get(linkGroup);
    return first === path ? undefined : first;
  }

  #makeDir({ path }: Entry): void {
    const stat = this.#placer.stat(path);
    if (stat !== undefined && kindOfMode(stat.mode) === 'dir') return;
    if (stat !== undefined) this.#placer.unlink(path);
    this.#placer.mkdir(path);
  }

  #link(first: PathKey, { path }: Entry): void {
    this.#placer.hardLink(first, path);
    this.#done.written++;
  }

  #symlink(entry: Entry): void {
    this.#placer.symlink(entry.path, entry.target!, { ...this.#owner(entry), mtime: entry.mtime });
    this.#done.written++;
  }

  #dirAttributes(entry: Entry): void {
    const owner = this.#owner(entry);
    if (entry.mtime !== 0n) this.#placer.setDirTime(entry.path, entry.mtime);
    if (owner) this.#placer.setDirOwner(entry.path, owner.uid, owner.gid);
    this.#placer.setDirMode(entry.path, entry.mode & (this.#keeps('suid') ? 0o7777 : 0o777));
  }

  #owner({ uid, gid }: Entry): { uid: number; gid: number } | undefined {
    return this.#keeps('owner') && uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
  }

  #keeps(what: Preserve): boolean {
    return this.#options.preserve.includes(what);
  }

  #isSame(entry: Entry, stat: FileStat): boolean {
    if (entry.kind === 'symlink') {
      return kindOfMode(stat.mode) === 'symlink' && this.#placer.readlink(entry.path).equals(entry.target!);
    }
    return kindOfMode(stat.mode) === 'file' && stat.size === entry.size && closeTimes(entry.mtime, stat.mtimeNs);
  }

  #attempt({ path }: Entry, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(path, errnoOf(error), (error as Error).message, error);
    }
  }

  #fail(path: PathKey, errno: string | undefined, message: string, cause?: unknown): void {
    if (errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EROFS') {
      throw new PlaitError(codeOfErrno(errno) ?? 'io', `the restore stopped: ${message}`, {
        hint: 'make room or fix the disk and run it again',
        cause,
      });
    }
    if (cause !== undefined && errno === undefined) throw cause;
    this.#done.problems.push(problem(path, notWritten(errno), `could not be written (${errno ?? message})`));
  }
}

function refused(paths: PathKey[], overwrite: boolean): PlaitError {
  const shown = paths.slice(0, 3).map(showPath).join(', ');
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : '';
  return new PlaitError(
    'unsaved-changes',
    `not held by any snapshot and in the way: ${shown}${more}; nothing was written`,
    {
      hint: overwrite
        ? 'directories are never replaced by files: move them away first'
        : 'replace them with --overwrite, or restore elsewhere with --to DIR',
      data: { paths: paths.slice(0, 1000).map(showPath), count: paths.length },
    },
  );
}
