/** What a checkout has to touch, in path order and as often as it is asked for, so that no list of it is ever held. */
import { copyOf } from '../core/bytes.ts';
import type { Change, Entry } from '../core/entry.ts';
import { decodeEntry, type EntryFacts, readFacts } from '../core/entry-codec.ts';
import { PlaitError } from '../core/errors.ts';
import { pathFault } from '../core/names.ts';
import { type PathKey, showPath } from '../core/paths.ts';
import type { BaseEntries } from './contract.ts';

export class Work {
  readonly #changes: () => Iterable<Change>;
  /** Members of touched hard-link groups that do not change themselves: they are written anew with the others. */
  readonly #extra: Entry[];
  /** Group name -> its first member in the target; that one is written, the others are linked to it. */
  readonly firsts: ReadonlyMap<PathKey, PathKey>;
  readonly total: number;
  /** True when no path of the base is touched: everything is new. */
  readonly onlyNew: boolean;
  /** Directories of the target that are new or changed, in path order. */
  readonly dirs: readonly Entry[];

  /** Refuses (`integrity`) paths that no snapshot may hold, whoever let them in. */
  constructor(changes: () => Iterable<Change>, targetEntries: BaseEntries) {
    this.#changes = changes;
    const touched = new Set<PathKey>();
    const dirs: Entry[] = [];
    let total = 0;
    let onlyNew = true;
    for (const { path, before, after } of changes()) {
      total++;
      onlyNew &&= before === undefined;
      if (after === undefined) continue;
      const fault = pathFault(path);
      if (fault) throw new PlaitError('integrity', `the snapshot holds ${fault}: ${showPath(path)}`);
      if (after.kind === 'dir') dirs.push(after);
      if (after.linkGroup !== undefined) touched.add(after.linkGroup);
    }
    this.dirs = dirs;
    this.total = total;
    this.onlyNew = onlyNew;
    const firsts = new Map<PathKey, PathKey>();
    const members = touched.size === 0 ? [] : membersOf(touched, targetEntries, firsts);
    this.firsts = firsts;
    this.#extra = members;
  }

  /** Each path once; for an unchanged member of a touched group `before` and `after` are the same. */
  *changes(): Generator<Change> {
    let next = 0;
    for (const change of this.#changes()) {
      while (next < this.#extra.length && this.#extra[next].path < change.path) yield unchanged(this.#extra[next++]);
      if (next < this.#extra.length && this.#extra[next].path === change.path) next++;
      yield change;
    }
    while (next < this.#extra.length) yield unchanged(this.#extra[next++]);
  }

  /** The path that `entry` is to be linked to; undefined for a file that is written itself. */
  linkedTo(entry: Entry): PathKey | undefined {
    const first = entry.linkGroup === undefined ? undefined : this.firsts.get(entry.linkGroup);
    return first === entry.path ? undefined : first;
  }
}

const unchanged = (entry: Entry): Change => ({ path: entry.path, before: entry, after: entry });

/** Members of the groups in `touched`, in path order; fills `firsts`. */
function membersOf(touched: Set<PathKey>, entries: BaseEntries, firsts: Map<PathKey, PathKey>): Entry[] {
  const members: Entry[] = [];
  const facts: EntryFacts = { file: false, size: 0, linked: false };
  for (const { path, bytes } of entries()) {
    readFacts(bytes, 0, bytes.length, facts);
    if (!facts.linked) continue;
    const entry = decodeEntry(path, copyOf(bytes));
    const group = entry.linkGroup;
    if (group === undefined || !touched.has(group)) continue;
    if (!firsts.has(group)) firsts.set(group, path);
    members.push(entry);
  }
  return members;
}
