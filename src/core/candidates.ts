/**
 * Base candidates for a blob diff: snapshots that the peer may hold, dense near the target and exponentially sparser
 * towards the root, found in O(log n) reads.
 */
import type { AncestryLookup, Lineage } from './ancestry.ts';
import type { SnapshotId } from './ids.ts';

export const MAX_CANDIDATES = 64;
/** Nearest ancestors that are all named. */
const DENSE = 16;

/**
 * Nearest first, `target` itself not included, at most MAX_CANDIDATES. `holds` tells which of the ids have their blob
 * where the offer is made. Where the lookup gives parents only, steps take the place of jumps.
 */
export function baseCandidates(
  lookup: AncestryLookup,
  target: SnapshotId,
  holds: (ids: SnapshotId[]) => Iterable<SnapshotId> = (ids) => ids,
): SnapshotId[] {
  const { near, last } = nearest(lookup, target);
  const all = [...new Set([...near, ...sparse(lookup, last, 4 * MAX_CANDIDATES)])];
  const held = new Set(holds(all));
  return all.filter((id) => held.has(id)).slice(0, MAX_CANDIDATES);
}

/** Breadth first over all parents, so that both sides of a merge are named. `last`: deepest on the first-parent line. */
function nearest(lookup: AncestryLookup, target: SnapshotId): { near: SnapshotId[]; last: SnapshotId } {
  const near = new Set<SnapshotId>();
  let last = target;
  for (let layer = [target]; layer.length > 0 && near.size < DENSE; ) {
    const found = lookup(layer);
    const next = layer.flatMap((id) => (Object.hasOwn(found, id) ? parentsIn(found[id]) : []));
    const first = Object.hasOwn(found, last) ? parentsIn(found[last])[0] : undefined;
    if (first !== undefined) last = first;
    layer = [...new Set(next)].filter((id) => !near.has(id)).slice(0, DENSE);
    for (const id of layer) near.add(id);
  }
  return { near: [...near], last };
}

function sparse(lookup: AncestryLookup, from: SnapshotId, limit: number): SnapshotId[] {
  const ids: SnapshotId[] = [];
  for (let at: SnapshotId | null = from; at !== null && ids.length < limit; ) {
    const found: ReturnType<AncestryLookup> = lookup([at]);
    at = Object.hasOwn(found, at) ? stepFrom(found[at]) : null;
    if (at !== null) ids.push(at);
  }
  return ids;
}

const isLineage = (known: readonly SnapshotId[] | Lineage): known is Lineage => !Array.isArray(known);
const parentsIn = (known: readonly SnapshotId[] | Lineage): readonly SnapshotId[] =>
  isLineage(known) ? known.parents : known;
const stepFrom = (known: readonly SnapshotId[] | Lineage): SnapshotId | null =>
  isLineage(known) ? known.jump : (known[0] ?? null);
