/**
 * Watches each directory that scans walk, and nothing else: ignored trees cost no watch. What it tells is a hint that a
 * scan would be worth while; the scan is what counts. Scans set the watches themselves, before they list a directory,
 * so that whatever a scan does not see is told.
 */
import type { BigIntStats } from 'node:fs';
import { isReservedName } from '../../core/names.ts';
import { baseName, type PathKey, ROOT } from '../../core/paths.ts';
import { isTempName } from '../../disk/place.ts';
import type { IgnoreRules, ScanObserver } from '../contract.ts';
import { isKeptOut, RULES_NAME } from '../ignore.ts';
import { errnoOf } from '../problems.ts';
import { DOT_PLAIT } from '../state.ts';
import { type DirectoryWatch, type WatchDirectory, watchDirectory } from './directory-watch.ts';
import { type NewDirectories, newDirectories } from './new-directories.ts';

export interface TreeWatcherOptions {
  /** `path`: what changed, as far as the system said. */
  onChange: (path: PathKey) => void;
  /** For tests. */
  watch?: WatchDirectory;
}

interface Watched {
  watch: DirectoryWatch;
  at: string;
  /** Which directory it is: a path may lead to another one tomorrow. */
  id: string;
  /** Number of the last scan that walked it. */
  seen: number;
  /** Absent: everything in it counts. */
  rules?: readonly IgnoreRules[];
  /** Whether the next scan is to look for tracked names that the rules keep out, and what the last one found. */
  asks: boolean;
  tracks: 'unknown' | 'none' | 'some';
  /** Removed or moved, it seems: another directory may be there under the same number. */
  stale: boolean;
}

/** Numbers of inodes are given again, so the time of birth belongs to it. */
const idOf = ({ dev, ino, birthtimeNs }: BigIntStats): string => `${dev}:${ino}:${birthtimeNs}`;

export class TreeWatcher implements ScanObserver, Disposable {
  readonly #options: TreeWatcherOptions;
  readonly #watch: WatchDirectory;
  readonly #dirs = new Map<PathKey, Watched>();
  readonly #fresh: NewDirectories;
  #scan = 0;
  #limit: string | undefined;

  constructor(options: TreeWatcherOptions) {
    this.#options = options;
    this.#watch = options.watch ?? watchDirectory;
    this.#fresh = newDirectories({
      add: (path, at, stats, rules) => this.#add(path, at, stats, rules),
      isKnown: (path, stats) => this.#isWatched(path, stats),
    });
  }

  /** Directories that are watched. */
  get size(): number {
    return this.#dirs.size;
  }

  /** Why the system grants no more watches, where not all is watched: changes there are for the next scan to find. */
  get limit(): string | undefined {
    return this.#limit;
  }

  /** A scan begins. */
  begin(): void {
    this.#scan++;
    this.#limit = undefined;
  }

  /** It came to its end: what it did not walk is not there any more, or ignored by now. */
  end(): void {
    for (const [path, dir] of this.#dirs) {
      if (dir.seen === this.#scan) continue;
      dir.watch.close();
      this.#dirs.delete(path);
    }
  }

  entering(path: PathKey, at: string, stats: BigIntStats): void {
    if (this.#isWatched(path, stats)) this.#dirs.get(path)!.seen = this.#scan;
    else this.#add(path, at, stats, undefined);
  }

  entered(path: PathKey, rules: readonly IgnoreRules[] | undefined): boolean {
    const dir = this.#dirs.get(path);
    if (dir === undefined) return false;
    dir.rules = rules;
    if (dir.asks) dir.tracks = 'none';
    return dir.asks;
  }

  tracked(path: PathKey): void {
    const dir = this.#dirs.get(path);
    if (dir) dir.tracks = 'some';
  }

  [Symbol.dispose](): void {
    this.#fresh.stop();
    for (const { watch } of this.#dirs.values()) watch.close();
    this.#dirs.clear();
  }

  #isWatched(path: PathKey, stats: BigIntStats): boolean {
    const known = this.#dirs.get(path);
    return known !== undefined && !known.stale && known.id === idOf(stats);
  }

  #add(path: PathKey, at: string, stats: BigIntStats, rules: readonly IgnoreRules[] | undefined): boolean {
    const old = this.#dirs.get(path);
    const watch = this.#limit !== undefined ? undefined : this.#tryWatch(path, at);
    // The new one first: both may be the same to the system, which forgets it with the last one closed.
    old?.watch.close();
    if (watch === undefined) this.#dirs.delete(path);
    else {
      const facts = { at, id: idOf(stats), seen: this.#scan, rules, stale: false };
      this.#dirs.set(path, { watch, ...facts, asks: old?.asks ?? false, tracks: old?.tracks ?? 'unknown' });
    }
    return watch !== undefined;
  }

  #tryWatch(path: PathKey, at: string): DirectoryWatch | undefined {
    try {
      return this.#watch(
        at,
        (name, appeared) => this.#heard(path, name, appeared),
        () => {
          const dir = this.#dirs.get(path);
          if (dir) dir.stale = true;
          this.#options.onChange(path);
        },
      );
    } catch (error) {
      const errno = errnoOf(error) ?? 'unknown error';
      // Gone or closed to us: the scan that is walking says so itself.
      if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(errno)) return undefined;
      this.#limit = errno;
      return undefined;
    }
  }

  #heard(path: PathKey, name: string | undefined, appeared: boolean): void {
    const dir = this.#dirs.get(path);
    if (name === undefined || dir === undefined) {
      this.#options.onChange(path);
      return;
    }
    const child = (path === ROOT ? name : `${path}\0${name}`) as PathKey;
    if (appeared) {
      const below = this.#dirs.get(child);
      if (below) below.stale = true;
      if (isSelf(path, dir, name)) {
        dir.stale = true;
        this.#options.onChange(path);
        if (path === ROOT) return;
      }
    }
    if (!this.#counts(dir, child, name)) return;
    if (appeared) this.#fresh.look(child, `${dir.at}/${name}`, dir.rules);
    this.#options.onChange(child);
  }

  #counts(dir: Watched, child: PathKey, name: string): boolean {
    if (name === RULES_NAME) return true;
    if (isTempName(name) || isReservedName(name)) return false;
    if (!dir.rules?.length || dir.tracks === 'some') return true;
    // As a file: of a directory that is ignored little is heard from outside, and a file of its name may count.
    if (!isKeptOut(dir.rules, child, false)) return true;
    if (dir.tracks === 'none') return false;
    // Nobody knows yet whether the base tracks it all the same: one scan, and it is known.
    dir.asks = true;
    return true;
  }
}

/**
 * A directory that goes tells its own name. The root tells nothing as long as a file below it is open, such as those of
 * the store in it; but then that goes first.
 */
function isSelf(path: PathKey, { at }: Watched, name: string): boolean {
  if (path !== ROOT) return name === baseName(path);
  return name === DOT_PLAIT || name === at.slice(at.lastIndexOf('/') + 1);
}
