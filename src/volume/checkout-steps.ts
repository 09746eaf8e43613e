import type { Change, Entry } from '../core/entry.ts';
import type { FileTarget } from '../core/files.ts';
import { isWithin, type PathKey, parentKey, ROOT } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { keeps, ownerOf, type StepContext } from './checkout-context.ts';
import { Dirs } from './checkout-dirs.ts';
import { Faults, isGeneral } from './checkout-faults.ts';
import { CtimeTable } from './ctime-table.ts';
import { sameContent } from './make-entry.ts';
import { looksFinished } from './obstacles.ts';
import { errnoOf } from './problems.ts';

/** So many symlinks and further names are remembered rather than looked up once more. */
const MAX_LINKS = 20_000;
export class Steps {
  readonly ctimes = new CtimeTable();
  readonly faults: Faults;
  readonly dirs: Dirs;
  readonly #context: StepContext;
  #done = 0;
  readonly #links: Entry[] = [];

  constructor(context: StepContext) {
    this.#context = context;
    this.faults = new Faults(context);
    this.dirs = new Dirs(context, this.faults);
  }

  /** Files and links that go or change their kind, then directories, deepest first. */
  removeOld(): void {
    const { work, placer, result, look, resume } = this.#context;
    if (work.onlyNew && look.obstacles.size === 0 && !resume) return;
    const dirs: { path: PathKey; needed: boolean }[] = [];
    let gone: PathKey | undefined;
    for (const { path, before, after } of work.changes()) {
      // What was done before a cut has moved times as well.
      if (resume) this.dirs.touch(parentKey(path));
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
      this.dirs.openUp(parentKey(path));
      if (this.faults.attempt(path, () => placer.unlink(path)) && after === undefined) result.deleted++;
    }
    for (const { path, needed } of dirs.reverse()) this.dirs.remove(path, needed);
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
        this.faults.fail(one.path, one.errno, one.message);
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
        this.dirs.openUp(parentKey(path));
        const to = { ...ownerOf(this.#context, after), mtime: after.mtime };
        this.faults.attempt(path, () => this.#wrote(path, placer.symlink(path, after.target!, to)));
      }
    }
    await this.#writeApart(again);
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
      if (this.faults.failed.has(path)) continue;
      options.signal?.throwIfAborted();
      const target = this.#targetOf(after);
      const parent = parentKey(path);
      target.fresh = this.dirs.isNew(parent) || (parent === ROOT && this.#context.rootIsFresh);
      if (target.fresh ? false : this.#isThere(change, target)) continue;
      if (!target.fresh) this.dirs.openUp(parent);
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
    const mode = entry.mode & (keeps(this.#context, 'suid') ? 0o7777 : 0o777);
    return { path, content: content!, size, mtime, mode, ...ownerOf(this.#context, entry) };
  }

  /** Only files that this checkout wrote are linked to. */
  #hardLink(first: PathKey, entry: Entry): boolean {
    const { placer } = this.#context;
    if (this.ctimes.get(first) === undefined || this.faults.failed.has(first)) return false;
    this.dirs.openUp(parentKey(entry.path));
    try {
      placer.hardLink(first, entry.path);
    } catch (error) {
      // EMLINK, EXDEV, EPERM: a file system that will not; the copy is as good.
      if (isGeneral(errnoOf(error))) throw this.faults.general(error);
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
      this.faults.attempt(link.path, () =>
        this.#wrote(
          link.path,
          placer.symlink(link.path, link.target!, { ...ownerOf(this.#context, link), mtime: link.mtime }),
        ),
      );
    }
    if (files.length === 0) return;
    for await (const one of options.extract(options.volume.state.dir, tempDir, files)) {
      if (one.status === 'written') this.#wrote(one.path, one.stat);
      else this.faults.fail(one.path, one.errno, one.message);
    }
  }

  #wrote(path: PathKey, stat: FileStat): void {
    const { options, result, work } = this.#context;
    this.ctimes.set(path, stat.ctimeNs);
    result.written++;
    this.#done++;
    options.onProgress?.({ done: this.#done, total: work.total, bytes: result.bytes, path });
  }

  /** Something unsaved that --force allows to be replaced. */
  #mayBeInTheWay(path: PathKey): boolean {
    return this.#context.look.obstacles.has(path) || this.#context.resume !== undefined;
  }
}
