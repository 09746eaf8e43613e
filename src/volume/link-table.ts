/**
 * Hard-link groups of a working directory: which inodes have two or more names in the tree, and their first names. A
 * group's first member must carry the group's name before the second was seen, so this takes a walk of its own; it is
 * made only when a changed file with several links turns up.
 */
import type { PathKey } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { type Pairs, SIDE } from './pairs.ts';

interface Group {
  first: PathKey;
  members: number;
}

export class LinkTable {
  readonly #groups = new Map<string, Group>();

  constructor(pairs: Pairs) {
    for (let side = pairs.next(); side !== SIDE.end; side = pairs.next()) {
      if (side === SIDE.gone || side === SIDE.kept) continue;
      const { kind, stats, path } = pairs.scan;
      if (kind === 'lost' || kind === 'dir' || stats.nlink < 2n) continue;
      const key = `${stats.dev}.${stats.ino}`;
      const group = this.#groups.get(key);
      if (group) group.members++;
      else this.#groups.set(key, { first: path, members: 1 });
    }
  }

  /** The name of the group that a file belongs to; undefined where it is the only one of them in the tree. */
  groupOf(stat: Pick<FileStat, 'dev' | 'ino'>): PathKey | undefined {
    const group = this.#groups.get(`${stat.dev}.${stat.ino}`);
    return group !== undefined && group.members > 1 ? group.first : undefined;
  }
}
