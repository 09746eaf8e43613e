/** The synchronous half of a comparison: decides for each path whether it is unchanged, known anew, or must be read. */
import { readlinkSync } from 'node:fs';
import { copyOf } from '../core/bytes.ts';
import type { Entry, EntryKind } from '../core/entry.ts';
import { decodeEntry, type EntryFacts, readFacts } from '../core/entry-codec.ts';
import type { FileSource } from '../core/files.ts';
import { isWithin, type PathKey } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { fileStat } from '../disk/file-stat.ts';
import { closeTimes } from '../disk/times.ts';
import type { CacheSession } from './cache-session.ts';
import type { Changes, ScanObserver, Volume } from './contract.ts';
import type { LinkGroups } from './link-groups.ts';
import { LinkTable } from './link-table.ts';
import { makeEntry } from './make-entry.ts';
import { Pairs, SIDE, type Side } from './pairs.ts';
import { errnoOf, problem, unreadable } from './problems.ts';
import { Scan } from './scan.ts';
import { Slots } from './slots.ts';
import { type BaseCursor, type CacheReader, FLAG, type KeptStat, kindOfByte } from './stat-cache.ts';

export interface Slot {
  path: PathKey;
  /** Encoded entry of the base. */
  before?: Uint8Array;
  /** Waits for this file. */
  source?: FileSource;
  linkGroup?: PathKey;
  /** Without a source: what is there now; absent = nothing. */
  after?: Entry;
  stat?: FileStat;
  flags: number;
  /** Of an unchanged member of a hard-link group: its stat in the cache, to which `flags` belong. */
  known?: KeptStat;
}

const S_IFMT_AND_BITS = 0o177777;

export class Merge {
  readonly slots = new Slots<Slot>();
  readonly #volume: Volume;
  readonly #session: CacheSession;
  readonly #outcome: Changes['outcome'];
  readonly #pairs: Pairs;
  readonly #dirTimes: boolean;
  readonly #facts: EntryFacts = { file: false, size: 0, linked: false };
  #links: LinkTable | undefined;
  readonly #groups: LinkGroups;
  /** A directory that was a mount point and is none now; nothing found in it so far. */
  #lostMount: PathKey | undefined;
  /** A directory of the base that is none any more. */
  #goneDir: PathKey | undefined;

  /** `dirTimes`: see ChangesOptions. */
  constructor(
    volume: Volume,
    session: CacheSession,
    outcome: Changes['outcome'],
    groups: LinkGroups,
    dirTimes: boolean,
    observer?: ScanObserver,
  ) {
    this.#groups = groups;
    this.#dirTimes = dirTimes;
    this.#volume = volume;
    this.#session = session;
    this.#outcome = outcome;
    this.#pairs = this.#openPairs(outcome.problems, observer);
  }

  get scanned(): number {
    return this.#pairs.scan.scanned;
  }

  get path(): PathKey {
    return this.#pairs.scan.path;
  }

  /** Goes on to the next file that must be read, at most `steps` paths. Everything met on the way is in `slots`. */
  run(steps: number): FileSource | 'pause' | 'end' {
    for (let step = 0; step < steps; step++) {
      const side = this.#pairs.next();
      if (side === SIDE.end) {
        this.#settleMount(undefined);
        return 'end';
      }
      const source = this.#take(side);
      if (source !== undefined) return source;
    }
    return 'pause';
  }

  close(): void {
    this.#pairs.base.close();
  }

  #openPairs(problems: Changes['outcome']['problems'], observer?: ScanObserver): Pairs {
    return new Pairs(new Scan(this.#volume.state.dir, problems, observer), this.#session.base.open());
  }

  #take(side: Side): FileSource | undefined {
    const { base, scan } = this.#pairs;
    if (side !== SIDE.disk && base.kind !== 2) this.#outcome.baseFiles++;
    if (this.#lostMount !== undefined && (side === SIDE.both || side === SIDE.disk)) this.#settleMount(scan.path);
    switch (side) {
      case SIDE.kept:
        this.#keep(base);
        return undefined;
      case SIDE.gone:
        this.#gone(base);
        return undefined;
      case SIDE.disk:
        return this.#changed(undefined, undefined);
      default:
        return this.#both(base);
    }
  }

  #both(base: BaseCursor): FileSource | undefined {
    const { scan } = this.#pairs;
    if (scan.kind === 'lost') {
      this.#keep(base);
      return undefined;
    }
    if (scan.kind === 'dir' && base.kind === 2) {
      this.#bothDirs(base);
      return undefined;
    }
    if (base.isSame(scan.stats)) {
      this.#unchanged(base);
      if ((base.flags & FLAG.held) !== 0) this.#reportHeld(base.path);
      return undefined;
    }
    if (base.kind === 2) this.#goneDir = base.path;
    const bytes = copyOf(base.entry());
    return this.#changed(bytes, kindOfByte(base.kind) === scan.kind ? decodeEntry(base.path, bytes) : undefined);
  }

  #bothDirs(base: BaseCursor): void {
    const { scan } = this.#pairs;
    const mounted = scan.isMount ? FLAG.mount : 0;
    if ((base.flags & FLAG.mount) !== 0 && !scan.isMount) this.#lostMount = scan.path;
    const owner = this.#volume.state.preserve.includes('owner');
    const mode = Number(scan.stats.mode) & S_IFMT_AND_BITS;
    const sameTime = !this.#dirTimes || closeTimes(base.mtimeNs, scan.stats.mtimeNs);
    if (!owner && base.mode === mode && (base.flags & FLAG.mount) === mounted && sameTime) return;
    const bytes = copyOf(base.entry());
    this.#changed(bytes, decodeEntry(base.path, bytes));
  }

  /** Something is there that has to be described anew. `like` is the base's entry if it is of the same kind. */
  #changed(before: Uint8Array | undefined, like: Entry | undefined): FileSource | undefined {
    const { scan } = this.#pairs;
    const path = scan.path;
    const kind = scan.kind as EntryKind;
    const stat = fileStat(scan.stats);
    const linkGroup = kind !== 'dir' && stat.nlink > 1 ? this.#groupOf(stat) : undefined;
    if (kind === 'file') {
      const source = { path, stat };
      this.slots.push({ path, before, source, linkGroup, flags: 0 });
      return source;
    }
    const flags = kind === 'dir' && scan.isMount ? FLAG.mount : 0;
    const target = kind === 'symlink' ? this.#readlink() : undefined;
    if (kind === 'symlink' && target === undefined) {
      this.#unreadLink(path, before);
      return undefined;
    }
    const after = makeEntry({ path, kind, stat, target, linkGroup }, like, this.#volume.state.preserve);
    if (kind === 'dir' && like && !this.#dirTimes) after.mtime = like.mtime;
    this.slots.push({ path, before, after, stat, flags });
    return undefined;
  }

  #readlink(): Uint8Array | undefined {
    const { scan } = this.#pairs;
    try {
      return readlinkSync(scan.osPath(), { encoding: 'buffer' });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') this.#outcome.problems.push(unreadable(scan.path, error));
      return undefined;
    }
  }

  /** A link that could not be read keeps its entry; it is looked at again next time. */
  #unreadLink(path: PathKey, before: Uint8Array | undefined): void {
    if (before === undefined) return;
    this.slots.push({ path, before, after: decodeEntry(path, before), flags: 0 });
  }

  #gone(base: BaseCursor): void {
    const under = this.#goneDir !== undefined && isWithin(base.path, this.#goneDir);
    if ((base.flags & FLAG.held) !== 0 && base.mode === 0 && !under) {
      this.#reportHeld(base.path);
      this.#keep(base);
      return;
    }
    if (base.kind === 2 && !under) this.#goneDir = base.path;
    this.slots.push({ path: base.path, before: copyOf(base.entry()), flags: 0 });
  }

  #reportHeld(path: PathKey): void {
    this.#outcome.problems.push(problem(path, 'not-written', 'the last checkout could not write it; kept as it was'));
  }

  /** The base's entry stays. With a cache its record does too; without one it has to be in the delta, in its turn. */
  #keep(base: BaseCursor): void {
    if (this.#session.base.cached) {
      this.#unchanged(base);
      return;
    }
    const before = copyOf(base.entry());
    this.slots.push({ path: base.path, before, after: decodeEntry(base.path, before), flags: 0 });
  }

  /** Counted at once, unless it is in a hard-link group: then its turn comes, for the group may have lost its first. */
  #unchanged(base: BaseCursor): void {
    if (base.kind === 2) return;
    const { path, flags } = base;
    const bytes = base.entry();
    readFacts(bytes, 0, bytes.length, this.#facts);
    if (this.#facts.linked) {
      const before = copyOf(bytes);
      const entry = decodeEntry(path, before);
      // With nobody waiting before it, its turn is now.
      const after = this.slots.length === 0 ? this.#groups.settle(entry) : undefined;
      if (after !== entry) {
        this.slots.push({ path, before, after: after ?? entry, flags, known: (base as CacheReader).stat });
        return;
      }
    }
    this.#outcome.unchanged++;
    if (base.kind !== 1) return;
    this.#outcome.files++;
    this.#outcome.bytes += this.#facts.size;
  }

  #groupOf(stat: FileStat): PathKey | undefined {
    if (this.#links === undefined) {
      const pairs = this.#openPairs([]);
      try {
        this.#links = new LinkTable(pairs);
      } finally {
        pairs.base.close();
      }
    }
    return this.#links.groupOf(stat);
  }

  /** `next` is the first thing on disk after the former mount point. */
  #settleMount(next: PathKey | undefined): void {
    const lost = this.#lostMount;
    this.#lostMount = undefined;
    if (lost === undefined || (next !== undefined && isWithin(next, lost))) return;
    this.#outcome.missingMounts.push(lost);
    this.#outcome.problems.push(problem(lost, 'missing-mount', 'a file system used to be mounted here'));
  }
}
