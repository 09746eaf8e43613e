/**
 * The look before a checkout writes: is every path that it will touch as the base left it, or already as the target
 * wants it? What is not is somebody's unsaved work.
 */
import type { Change, Entry } from '../core/entry.ts';
import { encodeEntry, sameEntryBytes } from '../core/entry-codec.ts';
import { PlaitError } from '../core/errors.ts';
import type { FileSource } from '../core/files.ts';
import { baseName, isWithin, joinKey, type PathKey, parentKey, showPath } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import type { Beneath } from '../disk/beneath.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import { isTempName, isUnfinished, type Placer } from '../disk/place.ts';
import { closeTimes } from '../disk/times.ts';
import type { ChangesOptions, Preserve } from './contract.ts';
import { makeEntry, sameContent } from './make-entry.ts';
import { listNames, type NameList } from './names.ts';
import { type BaseCursor, FLAG } from './stat-cache.ts';

export interface Resume {
  /** No restart since: a file that looks finished is finished. */
  sameBoot: boolean;
}

export interface LookOptions {
  beneath: Beneath;
  placer: Placer;
  root: string;
  preserve: readonly Preserve[];
  ingest?: ChangesOptions['ingest'];
  resume?: Resume;
}

export interface Look {
  /** Unsaved work, in path order as far as it was found. */
  obstacles: Set<PathKey>;
  /** Files that a hash has shown to hold the target's content already. */
  done: Set<PathKey>;
  /** Files that an earlier checkout could not write: what is there is not what their entries say. */
  held: Set<PathKey>;
}

export const nothingSeen = (): Look => ({ obstacles: new Set(), done: new Set(), held: new Set() });

interface Suspect {
  change: Change;
  stat: FileStat;
}

/** A directory that goes away: its names on disk against those that the base tracks, both in order. */
interface Leaving {
  key: PathKey;
  names: NameList;
  next: number;
}

/** Says nothing about the file itself. */
export const SHORTAGE = new Set(['EMFILE', 'ENFILE', 'EIO', 'ENOMEM']);
/** How many files whose stats prove nothing are hashed in one go. */
const BATCH = 1000;

export class Looker {
  readonly #options: LookOptions;
  readonly #base: BaseCursor;
  #hasBase: boolean;
  readonly #leaving: Leaving[] = [];
  readonly look: Look = nothingSeen();
  #suspects: Suspect[] = [];
  /** Nothing is on disk at or below this path. */
  #missing: PathKey | undefined;
  #swept: PathKey | undefined;

  constructor(base: BaseCursor, options: LookOptions) {
    this.#base = base;
    this.#hasBase = base.next();
    this.#options = options;
  }

  async run(changes: Iterable<Change>): Promise<Look> {
    for (const change of changes) {
      if (this.#options.resume) this.#sweep(parentKey(change.path));
      this.#leave(change.path);
      this.#one(change);
      if (this.#suspects.length >= BATCH) await this.#hashSuspects();
    }
    this.#leave(undefined);
    await this.#hashSuspects();
    return this.look;
  }

  #one(change: Change): void {
    const { path, before, after } = change;
    const stat = this.#stat(path);
    const kind = stat && kindOfMode(stat.mode);
    if (stat === undefined) {
      // Somebody has deleted it, which is an unsaved change too.
      if (before && after && !this.#options.resume && !this.#isHeld(path)) this.#obstacle(path);
      return;
    }
    if (kind === 'dir') {
      if (before?.kind === 'dir' && after?.kind !== 'dir') this.#enterLeaving(path, stat);
      else if (after?.kind !== 'dir') this.#dirInTheWay(path, after !== undefined);
      return;
    }
    if (kind === 'symlink' && (this.#isLink(before, after) || this.#isHeldAsLeft(path, stat))) return;
    if (kind === 'file' && (this.#isKnownFile(change, stat) || this.#isHeldAsLeft(path, stat))) return;
    if (kind === 'file' && (before?.kind === 'file' || after?.kind === 'file')) this.#suspects.push({ change, stat });
    // Where the target wants nothing and the base's directory became something else, that stays.
    else if (after !== undefined || before?.kind !== 'dir') this.#obstacle(path);
  }

  /** Wanted gone, but a directory stands there now: it is not ours, and it is only in the way of something. */
  #dirInTheWay(path: PathKey, needed: boolean): void {
    if (needed) this.#obstacle(path);
  }

  #isLink(before: Entry | undefined, after: Entry | undefined): boolean {
    const path = (before ?? after)!.path;
    const target = this.#options.placer.readlink(path);
    const is = (entry: Entry | undefined): boolean =>
      entry?.kind === 'symlink' && entry.target !== undefined && target.equals(entry.target);
    return is(before) || is(after);
  }

  /** Known without reading: as the cache has it, or as this very checkout left it before it was cut off. */
  #isKnownFile({ path, before, after }: Change, stat: FileStat): boolean {
    const { resume } = this.#options;
    if (resume && after?.kind === 'file') {
      if (isUnfinished(stat.mode)) return true;
      if (resume.sameBoot && looksFinished(stat, after)) return true;
    }
    if (before?.kind !== 'file' || !this.#seek(path)) return false;
    if ((this.#base.flags & FLAG.held) !== 0) this.look.held.add(path);
    return sameKept(this.#base, stat);
  }

  #isHeld(path: PathKey): boolean {
    return this.#seek(path) && (this.#base.flags & FLAG.held) !== 0;
  }

  /** What stands for an entry that could not be written is the base's, whatever its kind. */
  #isHeldAsLeft(path: PathKey, stat: FileStat): boolean {
    return this.#isHeld(path) && sameKept(this.#base, stat);
  }

  /** Moves the cache to `path`; both go upwards. */
  #seek(path: PathKey): boolean {
    while (this.#hasBase && this.#base.path < path) this.#hasBase = this.#base.next();
    return this.#hasBase && this.#base.path === path;
  }

  async #hashSuspects(): Promise<void> {
    const suspects = this.#suspects;
    this.#suspects = [];
    if (suspects.length === 0) return;
    if (this.#options.ingest === undefined) {
      for (const { change } of suspects) this.#obstacle(change.path);
      return;
    }
    let next = 0;
    for await (const result of this.#options.ingest(this.#options.root, sourcesOf(suspects))) {
      const { change } = suspects[next++];
      if (result.path !== change.path) throw new PlaitError('unexpected', 'files were read out of order');
      if (result.status === 'vanished') continue;
      if (result.status === 'unreadable' && SHORTAGE.has(result.errno ?? ''))
        throw unreadable(change.path, result.errno);
      if (result.status !== 'stored') this.#obstacle(change.path);
      else this.#judge(change, result.stat, result.content);
    }
  }

  #judge({ path, before, after }: Change, stat: FileStat, content: NonNullable<Entry['content']>): void {
    const is = (entry: Entry | undefined): boolean => {
      if (entry?.kind !== 'file') return false;
      const { linkGroup } = entry;
      const found = makeEntry({ path, kind: 'file', stat, content, linkGroup }, entry, this.#options.preserve);
      return sameEntryBytes(encodeEntry(found), encodeEntry(entry));
    };
    const sameAsTarget =
      after?.kind === 'file' &&
      after.content !== undefined &&
      after.size === stat.size &&
      sameContent(after, { ...after, content });
    if (sameAsTarget) this.look.done.add(path);
    else if (!is(before) && !this.#isTorn(after, stat)) this.#obstacle(path);
  }

  /** After a power cut: all that this checkout gave the file is there but its content. An edit has a time of its own. */
  #isTorn(after: Entry | undefined, stat: FileStat): boolean {
    const { resume } = this.#options;
    if (!resume || resume.sameBoot || after?.kind !== 'file') return false;
    return stat.size <= after.size && closeTimes(after.mtime, stat.mtimeNs);
  }

  #obstacle(path: PathKey): void {
    this.look.obstacles.add(path);
  }

  #stat(path: PathKey): FileStat | undefined {
    if (this.#missing !== undefined && isWithin(path, this.#missing)) return undefined;
    const stat = this.#options.placer.stat(path);
    this.#missing = stat === undefined || kindOfMode(stat.mode) !== 'dir' ? path : undefined;
    return stat;
  }

  #enterLeaving(key: PathKey, stat: FileStat): void {
    this.#leaving.push({ key, names: listNames(this.#options.beneath.dirPath(key), stat.size), next: 0 });
  }

  /** `path` is the next change: everything on disk before it, in a directory that goes, is nobody's but the user's. */
  #leave(path: PathKey | undefined): void {
    for (let top = this.#leaving.at(-1); top !== undefined; top = this.#leaving.at(-1)) {
      const inside = path !== undefined && isWithin(path, top.key);
      if (inside && parentKey(path) !== top.key) return;
      const name = inside ? baseName(path) : undefined;
      for (; top.next < top.names.length; top.next++) {
        const found = top.names.at(top.next);
        if (name !== undefined && found >= name) break;
        if (!isTempName(found)) this.#obstacle(joinKey(top.key, found));
      }
      if (inside) {
        if (top.next < top.names.length && top.names.at(top.next) === name) top.next++;
        return;
      }
      this.#leaving.pop();
    }
  }

  /** Temporary names that a checkout which was cut off left in the tree. */
  #sweep(dir: PathKey): void {
    if (dir === this.#swept) return;
    this.#swept = dir;
    const stat = this.#options.placer.stat(dir);
    if (stat === undefined || kindOfMode(stat.mode) !== 'dir') return;
    const names = listNames(this.#options.beneath.dirPath(dir), stat.size);
    for (let i = 0; i < names.length; i++) {
      const path = joinKey(dir, names.at(i));
      if (!isTempName(names.at(i))) continue;
      const left = this.#options.placer.stat(path);
      if (left && kindOfMode(left.mode) !== 'dir') this.#options.placer.unlink(path);
    }
  }
}

/** The same as an untouched file of the base, by a stat that is to be relied on. */
export function sameKept(base: BaseCursor, stat: FileStat): boolean {
  return base.isSame({
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    ino: stat.ino,
    mode: BigInt(stat.mode),
    size: BigInt(stat.size),
  } as Parameters<BaseCursor['isSame']>[0]);
}

export const looksFinished = (stat: FileStat, after: Entry): boolean =>
  after.linkGroup === undefined &&
  kindOfMode(stat.mode) === 'file' &&
  stat.size === after.size &&
  closeTimes(after.mtime, stat.mtimeNs) &&
  (stat.mode & 0o777) === (after.mode & 0o777);

export const unreadable = (path: PathKey, errno: string | undefined): PlaitError =>
  new PlaitError('io', `${showPath(path)} cannot be read (${errno}); nothing was written`, {
    hint: 'see what is wrong with the disk, or raise the limit of open files, and run the command again',
  });

async function* sourcesOf(suspects: Suspect[]): AsyncGenerator<FileSource> {
  for (const { change, stat } of suspects) yield { path: change.path, stat };
}
