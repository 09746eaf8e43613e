/**
 * Keeps hard-link groups whole in the tree that results. A member whose first member has gone, could not be read or came
 * out different would name a group that is not there: peers refuse such a tree, and a checkout would give the member
 * another's content. It becomes the first of a group of its own instead, and those behind it follow.
 */
import type { Entry } from '../core/entry.ts';
import type { PathKey } from '../core/paths.ts';
import { closeTimes } from '../disk/times.ts';
import { sameContent } from './make-entry.ts';

export class LinkGroups {
  /** Group name, as members claim it -> the first member that is really there. */
  readonly #firsts = new Map<PathKey, Entry>();

  /** To be called for every entry with a group, in path order; answers what is to be recorded. */
  settle(entry: Entry): Entry {
    const { path, linkGroup } = entry;
    if (linkGroup === undefined) return entry;
    const first = this.#firsts.get(linkGroup);
    if (first !== undefined && isTwin(first, entry)) return withGroup(entry, first.path);
    this.#firsts.set(linkGroup, entry);
    this.#firsts.set(path, entry);
    return withGroup(entry, path);
  }
}

const withGroup = (entry: Entry, group: PathKey): Entry =>
  entry.linkGroup === group ? entry : { ...entry, linkGroup: group };

/** Names of one inode show the same; two that were read at different moments may not. */
function isTwin(first: Entry, entry: Entry): boolean {
  if (first.kind !== entry.kind) return false;
  if (entry.kind === 'symlink') return Buffer.compare(first.target!, entry.target!) === 0;
  const sameMode = (first.mode & 0o777) === (entry.mode & 0o777);
  return sameMode && closeTimes(first.mtime, entry.mtime) && sameContent(first, entry);
}
