/** Directories in a checkout: made, opened up for writing, removed, and given their modes at the end. */
import type { Entry } from '../core/entry.ts';
import { joinKey, type PathKey, parentKey, ROOT } from '../core/paths.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { isTempName } from '../disk/place.ts';
import { keeps, ownerOf, type StepContext } from './checkout-context.ts';
import type { Faults } from './checkout-faults.ts';
import { listNames } from './names.ts';
import { errnoOf } from './problems.ts';

const OPEN_BITS = 0o700;
const WRITE_AND_ENTER = 0o300;

export class Dirs {
  readonly #context: StepContext;
  readonly #faults: Faults;
  readonly #made = new Set<PathKey>();
  /** Modes to be set at the end: of an entry, or the one that was found. */
  readonly #modes = new Map<PathKey, Entry | number>();
  /** Directories in which something was made, replaced or removed, but new ones. */
  readonly #touched = new Set<PathKey>();
  /** mtimes to be set at the end, ns. */
  readonly #times = new Map<PathKey, bigint>();
  #openParent: PathKey | undefined;

  constructor(context: StepContext, faults: Faults) {
    this.#context = context;
    this.#faults = faults;
  }

  /** True where this run made it, so that nobody else has anything in it. */
  isNew(path: PathKey): boolean {
    return this.#made.has(path);
  }

  makeAll(): void {
    for (const dir of this.#context.work.dirs) {
      this.#makeDir(dir.path);
      this.#modes.set(dir.path, dir);
      this.setTimeLater(dir);
    }
  }

  /** Deepest first, so that a directory is closed to us only when nothing in it is left to do. */
  setModes(): void {
    const { placer } = this.#context;
    const paths = [...new Set([...this.#modes.keys(), ...this.#times.keys()])].sort().reverse();
    for (const path of paths) {
      const wanted = this.#modes.get(path);
      const time = this.#times.get(path);
      this.#faults.attempt(path, () => {
        const stat = placer.stat(path);
        if (stat === undefined || kindOfMode(stat.mode) !== 'dir') return;
        if (time !== undefined) this.#setTime(path, time);
        if (wanted === undefined) return;
        const mode = typeof wanted === 'number' ? wanted : this.dirMode(wanted, stat.mode);
        const owner = typeof wanted === 'number' ? undefined : ownerOf(this.#context, wanted);
        if (owner) placer.setDirOwner(path, owner.uid, owner.gid);
        if ((stat.mode & 0o7777) !== mode || owner) placer.setDirMode(path, mode);
      });
    }
  }

  /** Best effort: in a directory of another user it is not ours to set, and nothing depends on it. */
  #setTime(path: PathKey, time: bigint): void {
    try {
      this.#context.placer.setDirTime(path, time);
    } catch (error) {
      if (!['EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  /** Bits beyond permissions are kept as the directory has them (an inherited setgid), unless suid is preserved. */
  dirMode(entry: Entry, found: number): number {
    return keeps(this.#context, 'suid') ? entry.mode & 0o7777 : (entry.mode & 0o777) | (found & 0o7000);
  }

  /** Directories that were opened up for writing and had no change of their own. */
  wantsMode(path: PathKey): boolean {
    return this.#made.has(path) && !this.#modes.has(path);
  }

  isTouched(path: PathKey): boolean {
    return this.#touched.has(path);
  }

  /** Something in it changes, so that its mtime moves. */
  touch(path: PathKey): void {
    if (path !== ROOT && !this.#made.has(path)) this.#touched.add(path);
  }

  setTimeLater({ path, mtime }: Entry): void {
    if (mtime !== 0n) this.#times.set(path, mtime);
  }

  setModeLater(entry: Entry): void {
    this.#modes.set(entry.path, entry);
  }

  #makeDir(path: PathKey): void {
    const { placer } = this.#context;
    const parent = parentKey(path);
    if (!this.#made.has(parent)) this.openUp(parent);
    try {
      placer.mkdir(path);
      this.#made.add(path);
    } catch (error) {
      const stat = placer.stat(path);
      if (stat && kindOfMode(stat.mode) === 'dir') return;
      if (this.#repair(path, parent)) this.#makeDir(path);
      else this.#faults.fail(path, errnoOf(error), (error as Error).message, error);
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

  /** `needed`: something else is to take its place. */
  remove(path: PathKey, needed: boolean): void {
    const { options, placer, beneath } = this.#context;
    this.openUp(parentKey(path));
    this.openUp(path);
    this.#faults.attempt(path, () => {
      try {
        this.#removeTemps(path);
        placer.rmdir(path);
      } catch (error) {
        if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
        if (!needed || !options.force) {
          if (needed) throw error;
          return;
        }
        this.#refuseStores(path);
        this.#removeTree(path);
      }
      this.#modes.delete(path);
    });
    beneath.drop(path);
  }

  #removeTemps(path: PathKey): void {
    const { beneath, placer } = this.#context;
    const names = listNames(beneath.dirPath(path), 0);
    for (let i = 0; i < names.length; i++) if (isTempName(names.at(i))) placer.unlink(joinKey(path, names.at(i)));
  }

  /** Not even --force removes another store: what is in it may be nowhere else. */
  #refuseStores(path: PathKey): void {
    const { beneath, placer } = this.#context;
    const names = listNames(beneath.dirPath(path), 0);
    for (let i = 0; i < names.length; i++) {
      const child = joinKey(path, names.at(i));
      if (names.at(i) === '.plait') throw Object.assign(new Error('it holds a store'), { code: 'ENOTEMPTY' });
      const stat = placer.stat(child);
      if (stat && kindOfMode(stat.mode) === 'dir') this.#refuseStores(child);
    }
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

  /** Makes a directory writable for us while the checkout lasts. */
  openUp(dir: PathKey): void {
    if (dir === this.#openParent || this.#made.has(dir)) return;
    const { placer, options } = this.#context;
    this.#openParent = dir;
    this.touch(dir);
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
}
