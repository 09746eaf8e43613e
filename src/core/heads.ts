/**
 * Heads of registers. The head is a pure function of the known writes: of those that no other follows, the one with the
 * largest (stamp, id). A write is followed when a known write names it as parent; parents are always known first.
 */
import type { WriteId } from './ids.ts';
import type { Stamp } from './records.ts';

export interface KnownWrite {
  id: WriteId;
  stamp: Stamp;
  parents: readonly WriteId[];
  value: string | null;
  /** Somebody's policy decided it, not a person's edit. */
  resolution?: true;
  /** Compaction dropped it: `value` is null, whatever it was. */
  past?: true;
}

export type WriteLookup = (id: WriteId) => KnownWrite | undefined;

export const byStampAndId = (a: { stamp: Stamp; id: string }, b: { stamp: Stamp; id: string }): number =>
  a.stamp === b.stamp ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : a.stamp < b.stamp ? -1 : 1;

/** Writes that no other of `writes` follows, largest first. */
export function unfollowed(writes: Iterable<KnownWrite>): KnownWrite[] {
  const all = [...writes];
  const followed = new Set(all.flatMap((write) => write.parents));
  return all.filter((write) => !followed.has(write.id)).sort((a, b) => byStampAndId(b, a));
}

export const headOf = (writes: Iterable<KnownWrite>): KnownWrite | undefined => unfollowed(writes)[0];

/** Is `ancestor` among the parents of `write`, their parents, and so on? */
export function follows(write: KnownWrite, ancestor: KnownWrite, lookup: WriteLookup): boolean {
  const seen = new Set<WriteId>();
  const queue = [...write.parents];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (id === ancestor.id) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    const parent = lookup(id);
    // Stamps rise along every edge, so nothing at or below the ancestor's stamp can lead to it.
    if (parent !== undefined && parent.stamp > ancestor.stamp) queue.push(...parent.parents);
  }
  return false;
}

/**
 * The largest by (stamp, id) of what both are or follow; undefined = none is known. Stamps rise along every edge, so the
 * first write that both walks meet, largest first, is the newest. An id that is not known is past (compacted) and ends
 * the walk there.
 */
export function newestCommonAncestor(a: KnownWrite, b: KnownWrite, lookup: WriteLookup): KnownWrite | undefined {
  const [A, B] = [1, 2];
  const paint = new Map<WriteId, number>();
  // Smallest first: the next to look at is at the end.
  const queue: KnownWrite[] = [];
  const reach = (write: KnownWrite, colour: number): void => {
    const before = paint.get(write.id) ?? 0;
    paint.set(write.id, before | colour);
    if (before === 0) queue.splice(placeIn(queue, write), 0, write);
  };
  reach(a, A);
  reach(b, B);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const colour = paint.get(next.id) as number;
    if (colour === (A | B)) return next;
    for (const id of next.parents) {
      const parent = lookup(id);
      if (parent !== undefined) reach(parent, colour);
    }
  }
  return undefined;
}

/** Where `write` belongs in a list sorted by (stamp, id). */
function placeIn(sorted: readonly KnownWrite[], write: KnownWrite): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byStampAndId(sorted[middle], write) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Neither follows the other and the values differ: a conflict that somebody has to hear of. */
export const areRivals = (a: KnownWrite, b: KnownWrite, lookup: WriteLookup): boolean =>
  a.id !== b.id && a.value !== b.value && !follows(a, b, lookup) && !follows(b, a, lookup);
