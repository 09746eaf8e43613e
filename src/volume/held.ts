/** Paths that an earlier checkout could not write, and where nobody has changed anything since: the next one tries again. */
import { copyOf } from '../core/bytes.ts';
import type { Change, Entry } from '../core/entry.ts';
import { decodeEntry } from '../core/entry-codec.ts';
import { type PathKey, parentKey, ROOT } from '../core/paths.ts';
import { kindOfMode } from '../disk/file-stat.ts';
import type { Placer } from '../disk/place.ts';
import { openBase } from './cache-session.ts';
import type { CheckoutOptions } from './contract.ts';
import { sameKept } from './obstacles.ts';
import { errnoOf } from './problems.ts';
import { type BaseCursor, FLAG } from './stat-cache.ts';

/** The changes of a checkout, and those paths among them. */
export function withHeld({ volume, changes }: CheckoutOptions, placer: Placer): () => Iterable<Change> {
  const base = openBase(volume, () => []);
  if (!base.cached) return changes;
  const held = heldEntries(base.open(), placer);
  return held.length === 0 ? changes : () => merged(changes(), held);
}

function heldEntries(base: BaseCursor, placer: Placer): Entry[] {
  const held: Entry[] = [];
  const missing = new Set<PathKey>();
  try {
    while (base.next()) {
      if ((base.flags & FLAG.held) === 0 || !isAsLeft(base, placer, missing)) continue;
      const entry = decodeEntry(base.path, copyOf(base.entry()));
      if (entry.kind === 'dir') missing.add(entry.path);
      held.push(entry);
    }
    return held;
  } finally {
    base.close();
  }
}

/** A folder that could not make room is looked at by a checkout that changes the path, and by no other. */
function isAsLeft(base: BaseCursor, placer: Placer, missing: ReadonlySet<PathKey>): boolean {
  try {
    const stat = placer.stat(base.path);
    if (stat !== undefined) return kindOfMode(stat.mode) !== 'dir' && sameKept(base, stat);
    const parent = parentKey(base.path);
    return base.mode === 0 && (parent === ROOT || missing.has(parent) || placer.stat(parent) !== undefined);
  } catch (error) {
    // Closed to us, as it may have been then.
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

function* merged(changes: Iterable<Change>, held: readonly Entry[]): Generator<Change> {
  let next = 0;
  for (const change of changes) {
    while (next < held.length && held[next].path < change.path) yield again(held[next++]);
    if (next < held.length && held[next].path === change.path) next++;
    yield change;
  }
  while (next < held.length) yield again(held[next++]);
}

const again = (entry: Entry): Change => ({ path: entry.path, before: entry, after: entry });
