/** The working directory beside its base, path by path: the one place where ignore rules meet what is tracked. */
import { isWithin, type PathKey } from '../core/paths.ts';
import type { Scan } from './scan.ts';
import type { BaseCursor } from './stat-cache.ts';

/**
 * BOTH: on disk and in the base. DISK: new. GONE: only in the base. KEPT: in the base, and nobody can say whether it
 * still is on disk, so it stays.
 */
export const SIDE = { end: 0, both: 1, disk: 2, gone: 3, kept: 4 } as const;
export type Side = (typeof SIDE)[keyof typeof SIDE];

export class Pairs {
  readonly scan: Scan;
  readonly base: BaseCursor;
  #hasDisk = false;
  #hasBase = false;
  #started = false;
  #side: Side = SIDE.end;
  /** Where nothing can be known, in path order; those that the base has passed are dropped. */
  readonly #dark: PathKey[] = [];

  constructor(scan: Scan, base: BaseCursor) {
    this.scan = scan;
    this.base = base;
  }

  next(): Side {
    this.#advance();
    for (;;) {
      this.#side = this.#compare();
      if (this.#side === SIDE.end || this.#side === SIDE.gone || this.#side === SIDE.kept) return this.#side;
      if (this.#takes()) return this.#side;
      this.#hasDisk = this.#nextDisk();
    }
  }

  #advance(): void {
    if (!this.#started) {
      this.#started = true;
      this.#hasDisk = this.#nextDisk();
      this.#hasBase = this.base.next();
      return;
    }
    const side = this.#side;
    if (side !== SIDE.disk && this.#hasBase) this.#hasBase = this.base.next();
    if ((side === SIDE.both || side === SIDE.disk) && this.#hasDisk) this.#hasDisk = this.#nextDisk();
  }

  #nextDisk(): boolean {
    const more = this.scan.next();
    if (this.scan.unlisted !== undefined) this.#dark.push(this.scan.unlisted);
    if (more && this.scan.kind === 'lost') this.#dark.push(this.scan.path);
    return more;
  }

  #compare(): Side {
    if (!this.#hasBase) return this.#hasDisk ? SIDE.disk : SIDE.end;
    const path = this.base.path;
    if (this.#hasDisk && this.scan.path < path) return SIDE.disk;
    if (this.#hasDisk && this.scan.path === path) return SIDE.both;
    return this.#dark.length > 0 && this.#isDark(path) ? SIDE.kept : SIDE.gone;
  }

  #isDark(path: PathKey): boolean {
    while (this.#dark.length > 0) {
      if (isWithin(path, this.#dark[0])) return true;
      if (path < this.#dark[0]) return false;
      this.#dark.shift();
    }
    return false;
  }

  /** False for what the rules keep out. What the base tracks is always taken. */
  #takes(): boolean {
    const { scan } = this;
    const tracked = this.#side === SIDE.both;
    if (scan.kind === 'lost') return tracked;
    if (tracked) scan.noteTracked();
    if (scan.kind === 'dir') {
      if (!scan.ignored()) return true;
      if (tracked) scan.enterIgnored();
      else scan.skip();
      return tracked;
    }
    return tracked || !scan.ignored();
  }
}
