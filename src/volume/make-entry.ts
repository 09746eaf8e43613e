/** From what is on disk to an entry, under the volume's `preserve` set. */
import type { Content, Entry, EntryKind } from '../core/entry.ts';
import type { PathKey } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { closeTimes } from '../disk/times.ts';
import type { Preserve } from './contract.ts';

const SUID_BITS = 0o7000;

export interface Found {
  path: PathKey;
  kind: EntryKind;
  stat: Pick<FileStat, 'mode' | 'mtimeNs' | 'size' | 'uid' | 'gid'>;
  content?: Content;
  target?: Uint8Array;
  linkGroup?: PathKey;
}

/**
 * What the preserve set leaves out is copied from `base`, never read from disk: a checkout by another user must not
 * rewrite owners for everyone. So is an mtime that is as near to the base's as Node could set it on the same content.
 */
export function makeEntry(found: Found, base: Entry | undefined, preserve: readonly Preserve[]): Entry {
  const { path, kind, stat } = found;
  const entry: Entry = { path, kind, mode: 0, mtime: 0n, size: 0 };
  if (kind !== 'symlink') {
    const special = preserve.includes('suid') ? stat.mode : base?.kind === kind ? base.mode : 0;
    entry.mode = (stat.mode & 0o777) | (special & SUID_BITS);
  }
  const owner = preserve.includes('owner') ? stat : base;
  if (owner?.uid !== undefined) entry.uid = owner.uid;
  if (owner?.gid !== undefined) entry.gid = owner.gid;
  if (base?.extra !== undefined && base.kind === kind) entry.extra = base.extra;
  if (kind === 'file') {
    entry.size = stat.size;
    entry.content = found.content;
  }
  if (kind === 'symlink') entry.target = found.target;
  // A link of unknown time stays one: it is no change.
  const isUnknown = kind === 'symlink' && base?.mtime === 0n;
  const isNear = base?.kind === kind && (isUnknown || closeTimes(base.mtime, stat.mtimeNs));
  entry.mtime = isNear && (kind !== 'file' || sameContent(base, entry)) ? base.mtime : stat.mtimeNs;
  if (found.linkGroup !== undefined && kind !== 'dir') entry.linkGroup = found.linkGroup;
  return entry;
}

/** Equal bytes of files; says nothing of the rest. */
export function sameContent(a: Entry, b: Entry): boolean {
  if (a.size !== b.size || !a.content || !b.content) return false;
  if ('list' in a.content || 'list' in b.content) {
    return 'list' in a.content && 'list' in b.content && a.content.list === b.content.list;
  }
  return Buffer.compare(a.content.extents, b.content.extents) === 0;
}
