/**
 * The steps of a checkout that change the disk, in their order: deletions, directories, files, links, attributes of
 * directories. Each may be cut off anywhere and run again from its beginning.
 */
import { constants } from 'node:fs';
import type { Change, Entry } from '../core/entry.ts';
import { codeOfErrno, PlaitError } from '../core/errors.ts';
import type { FileTarget } from '../core/files.ts';
import { isWithin, joinKey, type PathKey, parentKey, ROOT } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import type { Beneath } from '../disk/beneath.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { isTempName, type Placer } from '../disk/place.ts';
import type { CheckoutOptions, CheckoutResult } from './contract.ts';
import { CtimeTable } from './ctime-table.ts';
import { sameContent } from './make-entry.ts';
import { listNames } from './names.ts';
import { type Look, looksFinished, type Resume } from './obstacles.ts';
import { errnoOf, problem } from './problems.ts';
import type { Work } from './work.ts';

export interface StepContext {
  options: CheckoutOptions;
  work: Work;
  look: Look;
  beneath: Beneath;
  placer: Placer;
  tempDir: string;
  resume?: Resume;
  /** The root held nothing: whatever is written in it is fresh. */
  rootIsFresh: boolean;
  result: CheckoutResult;
}

/** These mean the whole disk, not one file: the checkout stops and is finished later. */
const isGeneral = (errno: string | undefined): boolean =>
  errno === 'ENOSPC' ||
  errno === 'EDQUOT' ||
  errno === 'EROFS' ||
  errno === 'EIO' ||
  errno === 'EMFILE' ||
  errno === 'ENFILE';

/** So many symlinks and further names are remembered rather than looked up once more. */
const MAX_LINKS = 20_000;
const OPEN_BITS = constants.S_IRWXU ?? 0o700;
const WRITE_AND_ENTER = 0o300;

export class Steps {
  readonly ctimes = new CtimeTable();
  /** Paths that could not be written, with the errno; each has a problem in the result. */
  readonly failed = new Map<PathKey, string | undefined>();
  readonly #context: StepContext;
  readonly #made = new Set<PathKey>();
  /** Directories whose mode is to be set at the end; undefined = as the target tree says. */
  readonly #modes = new Map<PathKey, Entry | number>();
  #openParent: PathKey | undefined;
  #done = 0;
  readonly #links: Entry[] = [];

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Files and links that go or change their kind, then directories, deepest first. */
  removeOld(): void {
    const { work, placer, result, look, resume } = this.#context;
    if (work.onlyNew && look.obstacles.size === 0 && !resume) return;
    const dirs: { path: PathKey; needed: boolean }[] = [];
    let gone: PathKey | undefined;
    for (const { path, before, after } of work.changes()) {
      if (gone !== undefined && isWithin(path, gone)) continue;
      if (before === undefined && !this.#mayBeInTheWay(path)) continue;
      if (before && after && before.kind === after.kind && !this.#mayBeInTheWay(path)) continue;
      const stat = placer.stat(path);
      gone = stat === undefined ? path : undefined;
      if (stat === undefined) continue;
      const isDir = kindOfMode(stat.mode) === 'dir';
      if (isDir ? after?.kind === 'dir' : after !== undefined && after.kind !== 'dir') continue;
      if (isDir) {
        if (after !== undefined || before?.kind === 'dir') dirs.push({ path, needed: after !== undefined });
        continue;
      }
      if (before === undefined && after === undefined) continue;
      if (after === undefined && before?.kind === 'dir') continue;
      this.#openUp(parentKey(path));
      if (this.#attempt(path, () => placer.unlink(path)) && after === undefined) result.deleted++;
    }
    for (const { path, needed } of dirs.reverse()) this.#removeDir(path, needed);
  }

  makeDirs(): void {
    for (const dir of this.#context.work.dirs) {
      this.#makeDir(dir.path);
      this.#modes.set(dir.path, dir);
    }
  }

  async writeFiles(): Promise<void> {
    const { options, result, tempDir } = this.#context;
    const root = options.volume.state.dir;
    for await (const one of options.extract(root, tempDir, this.#targets())) {
      if (options.signal?.aborted) break;
      if (one.status === 'written') {
        this.#wrote(one.path, one.stat);
        result.bytes += one.stat.size;
      } else {
        this.#fail(one.path, one.errno, one.message);
      }
    }
    options.signal?.throwIfAborted();
  }

  /** Symlinks, and every member of a hard-link group but the first. */
  async placeLinks(): Promise<void> {
    const { work, placer } = this.#context;
    const again: Entry[] = [];
    for (const after of this.#linkEntries()) {
      const { path } = after;
      const first = work.linkedTo(after);
      if (first !== undefined) {
        if (!this.#hardLink(first, after)) again.push(after);
      } else if (after.kind === 'symlink') {
        this.#openUp(parentKey(path));
        const owner = this.#ownerOf(after);
        this.#attempt(path, () => this.#wrote(path, placer.symlink(path, after.target!, owner)));
      }
    }
    await this.#writeApart(again);
  }

  /** Deepest first, so that a directory is closed to us only when nothing in it is left to do. */
  setDirModes(): void {
    const { placer } = this.#context;
    const paths = [...this.#modes.keys()].reverse();
    for (const path of paths) {
      const wanted = this.#modes.get(path)!;
      this.#attempt(path, () => {
        const stat = placer.stat(path);
        if (stat === undefined || kindOfMode(stat.mode) !== 'dir') return;
        const mode = typeof wanted === 'number' ? wanted : this.dirMode(wanted, stat.mode);
        const owner = typeof wanted === 'number' ? undefined : this.#ownerOf(wanted);
        if (owner) placer.setDirOwner(path, owner.uid, owner.gid);
        if ((stat.mode & 0o7777) !== mode || owner) placer.setDirMode(path, mode);
      });
    }
  }

  /** Bits beyond permissions are kept as the directory has them (an inherited setgid), unless suid is preserved. */
  dirMode(entry: Entry, found: number): number {
    return this.#keeps('suid') ? entry.mode & 0o7777 : (entry.mode & 0o777) | (found & 0o7000);
  }

  /** Directories that were opened up for writing and had no change of their own. */
  wantsMode(path: PathKey): boolean {
    return this.#made.has(path) && !this.#modes.has(path);
  }

  setModeLater(entry: Entry): void {
    this.#modes.set(entry.path, entry);
  }

  /** Remembered from the pass over the files, unless there were too many: then in another pass. */
  *#linkEntries(): Generator<Entry> {
    const { work } = this.#context;
    if (this.#links.length <= MAX_LINKS) {
      yield* this.#links;
      return;
    }
    for (const { after } of work.changes()) if (after && this.#isLink(after)) yield after;
  }

  #isLink(entry: Entry): boolean {
    return entry.kind === 'symlink' || this.#context.work.linkedTo(entry) !== undefined;
  }

  *#targets(): Generator<FileTarget> {
    const { work, options } = this.#context;
    for (const change of work.changes()) {
      const { after, path } = change;
      if (after === undefined || after.kind === 'dir') continue;
      if (this.#isLink(after)) {
        if (this.#links.length <= MAX_LINKS) this.#links.push(after);
        continue;
      }
      if (this.failed.has(path)) continue;
      options.signal?.throwIfAborted();
      const target = this.#targetOf(after);
      const parent = parentKey(path);
      target.fresh = this.#made.has(parent) || (parent === ROOT && this.#context.rootIsFresh);
      if (target.fresh ? false : this.#isThere(change, target)) continue;
      if (!target.fresh) this.#openUp(parent);
      yield target;
    }
  }

  /** True where the content is on disk already, after setting what else differs. */
  #isThere({ path, before, after }: Change, target: FileTarget): boolean {
    const { look, placer, resume } = this.#context;
    if (after?.linkGroup !== undefined || look.held.has(path)) return false;
    const known =
      look.done.has(path) || (before?.kind === 'file' && !look.obstacles.has(path) && sameContent(before, after!));
    if (!known && !resume?.sameBoot) return false;
    const stat = placer.stat(path);
    if (stat === undefined || kindOfMode(stat.mode) !== 'file' || stat.nlink > 1) return false;
    if (!known) {
      if (look.obstacles.has(path) || !looksFinished(stat, after!)) return false;
      this.#wrote(path, stat);
      return true;
    }
    if (stat.size !== after!.size) return false;
    try {
      this.#wrote(path, placer.setAttributes(target));
      return true;
    } catch {
      // Not ours to change in place: written anew instead.
      return false;
    }
  }

  #targetOf(entry: Entry): FileTarget {
    const { path, size, mtime, content } = entry;
    const mode = entry.mode & (this.#keeps('suid') ? 0o7777 : 0o777);
    return { path, content: content!, size, mtime, mode, ...this.#ownerOf(entry) };
  }

  #ownerOf(entry: Entry): { uid: number; gid: number } | undefined {
    const { uid, gid } = entry;
    return this.#keeps('owner') && uid !== undefined && gid !== undefined ? { uid, gid } : undefined;
  }

  #keeps(what: 'owner' | 'suid'): boolean {
    return this.#context.options.volume.state.preserve.includes(what);
  }

  /** Only files that this checkout wrote are linked to. */
  #hardLink(first: PathKey, entry: Entry): boolean {
    const { placer } = this.#context;
    if (this.ctimes.get(first) === undefined || this.failed.has(first)) return false;
    this.#openUp(parentKey(entry.path));
    try {
      placer.hardLink(first, entry.path);
    } catch (error) {
      // EMLINK, EXDEV, EPERM: a file system that will not; the copy is as good.
      if (isGeneral(errnoOf(error))) throw this.#general(error);
      return false;
    }
    const stat = placer.stat(entry.path);
    if (stat) {
      this.#wrote(entry.path, stat);
      this.ctimes.set(first, stat.ctimeNs);
    }
    return true;
  }

  async #writeApart(entries: Entry[]): Promise<void> {
    const { options, placer, tempDir } = this.#context;
    const files = entries.filter((entry) => entry.kind === 'file').map((entry) => this.#targetOf(entry));
    for (const link of entries.filter((entry) => entry.kind === 'symlink')) {
      this.#attempt(link.path, () =>
        this.#wrote(link.path, placer.symlink(link.path, link.target!, this.#ownerOf(link))),
      );
    }
    if (files.length === 0) return;
    for await (const one of options.extract(options.volume.state.dir, tempDir, files)) {
      if (one.status === 'written') this.#wrote(one.path, one.stat);
      else this.#fail(one.path, one.errno, one.message);
    }
  }

  #wrote(path: PathKey, stat: FileStat): void {
    const { options, result, work } = this.#context;
    this.ctimes.set(path, stat.ctimeNs);
    result.written++;
    this.#done++;
    options.onProgress?.({ done: this.#done, total: work.total, bytes: result.bytes, path });
  }

  #makeDir(path: PathKey): void {
    const { placer } = this.#context;
    const parent = parentKey(path);
    if (!this.#made.has(parent)) this.#openUp(parent);
    try {
      placer.mkdir(path);
      this.#made.add(path);
    } catch (error) {
      const stat = placer.stat(path);
      if (stat && kindOfMode(stat.mode) === 'dir') return;
      if (this.#repair(path, parent)) this.#makeDir(path);
      else this.#fail(path, errnoOf(error), (error as Error).message, error);
    }
  }

  /** With --force (or after a cut) a parent may be missing, or something else may lie in the way of it. */
  #repair(path: PathKey, parent: PathKey): boolean {
    const { options, placer, resume } = this.#context;
    if (!options.force && !resume) return false;
    const here = placer.stat(path);
    if (here !== undefined) {
      if (!options.force) return false;
      placer.unlink(path);
      return true;
    }
    if (parent === ROOT) return false;
    const above = placer.stat(parent);
    if (above && kindOfMode(above.mode) === 'dir') return false;
    this.#makeDir(parent);
    return this.#made.has(parent);
  }

  #removeDir(path: PathKey, needed: boolean): void {
    const { options, placer, beneath } = this.#context;
    this.#openUp(parentKey(path));
    this.#openUp(path);
    this.#attempt(path, () => {
      try {
        this.#removeTemps(path);
        placer.rmdir(path);
      } catch (error) {
        if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
        if (!needed || !options.force) {
          if (needed) throw error;
          return;
        }
        this.#removeTree(path);
      }
    });
    this.#modes.delete(path);
    beneath.drop(path);
  }

  #removeTemps(path: PathKey): void {
    const { beneath, placer } = this.#context;
    const names = listNames(beneath.dirPath(path), 0);
    for (let i = 0; i < names.length; i++) if (isTempName(names.at(i))) placer.unlink(joinKey(path, names.at(i)));
  }

  /** Everything in a directory that must make room (--force). */
  #removeTree(path: PathKey): void {
    const { beneath, placer } = this.#context;
    const names = listNames(beneath.dirPath(path), 0);
    for (let i = 0; i < names.length; i++) {
      const child = joinKey(path, names.at(i));
      const stat = placer.stat(child);
      if (stat && kindOfMode(stat.mode) === 'dir') this.#removeTree(child);
      else placer.unlink(child);
    }
    placer.rmdir(path);
  }

  /** Something unsaved that --force allows to be replaced. */
  #mayBeInTheWay(path: PathKey): boolean {
    return this.#context.look.obstacles.has(path) || this.#context.resume !== undefined;
  }

  /** Makes a directory writable for us while the checkout lasts. */
  #openUp(dir: PathKey): void {
    if (dir === this.#openParent || this.#made.has(dir)) return;
    const { placer, options } = this.#context;
    this.#openParent = dir;
    const stat = placer.stat(dir);
    if (stat === undefined || kindOfMode(stat.mode) !== 'dir') {
      if (options.force || this.#context.resume) this.#makeMissing(dir);
      return;
    }
    if ((stat.mode & WRITE_AND_ENTER) === WRITE_AND_ENTER) return;
    try {
      placer.setDirMode(dir, (stat.mode & 0o7777) | OPEN_BITS);
      if (!this.#modes.has(dir)) this.#modes.set(dir, stat.mode & 0o7777);
    } catch {
      // Another's directory: writing in it may work all the same, or be reported for each path.
    }
  }

  #makeMissing(dir: PathKey): void {
    if (dir !== ROOT) this.#makeDir(dir);
  }

  #attempt(path: PathKey, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (code !== 'ENOENT' || this.#context.resume === undefined)
        this.#fail(path, code, (error as Error).message, error);
      return false;
    }
  }

  #fail(path: PathKey, errno: string | undefined, message: string, cause?: unknown): void {
    if (isGeneral(errno)) throw this.#general(cause ?? Object.assign(new Error(message), { code: errno }));
    this.failed.set(path, errno);
    const why = `could not be written (${errno ?? message}); the snapshot still holds it`;
    this.#context.result.problems.push(problem(path, 'not-written', why));
  }

  #general(cause: unknown): PlaitError {
    const errno = errnoOf(cause);
    return new PlaitError(codeOfErrno(errno) ?? 'io', `the checkout stopped: ${(cause as Error).message}`, {
      hint: 'make room or fix the disk; the next command finishes the checkout',
      cause,
    });
  }
}
