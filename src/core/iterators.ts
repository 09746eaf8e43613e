/**
 * Ways through history, as generators that read no further than they are asked. Each yields a snapshot once.
 */
import { type AncestryLookup, Walk } from './ancestry.ts';
import type { SnapshotId } from './ids.ts';

export interface NamedTip {
  name: string;
  tip: SnapshotId | null;
}

/** One branch: from its tip to the root, children before their parents. */
export function* branchSnapshots(lookup: AncestryLookup, tip: SnapshotId): Generator<SnapshotId> {
  const walk = new Walk(lookup);
  walk.start(tip, 1);
  for (let next = walk.pop(); next !== undefined; next = walk.pop()) {
    yield next.id;
    walk.pushParents(next.id, 1);
  }
}

/** All branches by name, each from the root up, parents first; history that an earlier branch shared is left out. */
export function* allSnapshots(lookup: AncestryLookup, branches: Iterable<NamedTip>): Generator<SnapshotId> {
  const seen = new Set<SnapshotId>();
  const sorted = [...branches].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const { tip } of sorted) {
    if (tip === null) continue;
    const own = unseen(lookup, tip, seen);
    for (const id of own.reverse()) yield id;
  }
}

/** Ancestors of `tip` that are not in `seen`, children first; adds them to it. Everything below a seen one is seen. */
function unseen(lookup: AncestryLookup, tip: SnapshotId, seen: Set<SnapshotId>): SnapshotId[] {
  const own: SnapshotId[] = [];
  if (seen.has(tip)) return own;
  const walk = new Walk(lookup);
  walk.start(tip, 1);
  for (let next = walk.pop(); next !== undefined; next = walk.pop()) {
    if (seen.has(next.id)) continue;
    seen.add(next.id);
    own.push(next.id);
    walk.pushParents(next.id, 1);
  }
  return own;
}

export function* filtered<T>(items: Iterable<T>, keep: (item: T) => boolean): Generator<T> {
  for (const item of items) if (keep(item)) yield item;
}

/** Pairs each id with its snapshot, which is read only when asked for, and once. */
export function* lazy<T>(
  ids: Iterable<SnapshotId>,
  read: (id: SnapshotId) => T,
): Generator<{ id: SnapshotId; read: () => T }> {
  for (const id of ids) {
    let once: { value: T } | undefined;
    yield {
      id,
      read: () => {
        once ??= { value: read(id) };
        return once.value;
      },
    };
  }
}
