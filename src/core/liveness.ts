/**
 * What deletion means. A tombstone says what its author saw of an object: the unfollowed writes of its registers and, of
 * a branch, the tip. Whatever nobody who deleted it had seen keeps it, so nothing is lost by deleting. Pure: the same
 * known records (and, for a branch or a snapshot, the same live refs) give the same answer on every store.
 */
import type { SnapshotId, WriteId } from './ids.ts';
import type { Tombstone } from './records.ts';

export type Seen = Pick<Tombstone, 'sees' | 'tip'>;

/** Is the first snapshot the second one or an ancestor of it? core/ancestry.isAncestor over what the store knows. */
export type Precedes = (ancestor: SnapshotId, descendant: SnapshotId) => boolean;

export interface Evidence {
  tombstones: readonly Seen[];
  /** Every unfollowed write of all registers of the object. */
  heads: readonly WriteId[];
  /** Of those among them that a policy chose: what they follow. */
  chosen?: ReadonlyMap<WriteId, readonly WriteId[]>;
  /** Of a branch: live refs, our own and those that the peer of this round shows. */
  tips?: readonly SnapshotId[];
}

/**
 * `kept-by-ref`: its registers are covered, and only a ref that no tombstone saw keeps it. Others cannot know of that
 * ref: who notices writes a revival, so that the branch is alive everywhere.
 */
export type Liveness = 'alive' | 'dead' | 'kept-by-ref';

/**
 * Those of `heads` that no tombstone lists. Nobody made an edit where a policy chose between two values: who saw both
 * has seen what was chosen.
 */
export function unseenHeads({ tombstones, heads, chosen }: Evidence): WriteId[] {
  const seen = new Set(tombstones.flatMap(({ sees }) => sees));
  const isSeen = (id: WriteId): boolean =>
    seen.has(id) || (chosen?.get(id)?.every((parent) => seen.has(parent)) ?? false);
  return heads.filter((id) => !isSeen(id));
}

/** Those of `tips` that lead past every tombstone. */
export const unseenTips = ({ tombstones, tips = [] }: Evidence, precedes: Precedes): SnapshotId[] =>
  tips.filter((tip) => !tombstones.some((tombstone) => tombstone.tip !== undefined && precedes(tip, tombstone.tip)));

/**
 * Does a live ref keep a snapshot that was forgotten? `branches`: of each live branch the tips that are known, our own
 * and the peer's. One that is behind keeps nothing: it moves on as soon as it hears of the other.
 */
export function isHeldByTip(
  snapshot: SnapshotId,
  branches: Iterable<readonly SnapshotId[]>,
  precedes: Precedes,
): boolean {
  for (const tips of branches)
    if (tips.includes(snapshot) && !tips.some((tip) => tip !== snapshot && precedes(snapshot, tip))) return true;
  return false;
}

/** Of a branch or a snapshot, and of a volset's own registers. */
export function livenessOf(evidence: Evidence, precedes: Precedes): Liveness {
  if (evidence.tombstones.length === 0 || unseenHeads(evidence).length > 0) return 'alive';
  return unseenTips(evidence, precedes).length > 0 ? 'kept-by-ref' : 'dead';
}

/** A volset lives while one of its branches does. */
export const isVolsetDead = (own: Evidence, liveBranches: number): boolean =>
  liveBranches === 0 && livenessOf(own, () => false) === 'dead';
