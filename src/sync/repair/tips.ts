/** Where our branches stood, in a store whose metadata is made anew. */
import { isAncestor } from '../../core/ancestry.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../core/ids.ts';
import type { ToldRef } from '../../core/state-object.ts';
import type { BranchView, MetaStore } from '../../meta/contract.ts';
import { listVolumes } from '../../volume/volume.ts';
import type { Told } from './told.ts';

export interface Witnesses {
  /** By the old metadata, where that could be read. */
  old?: Map<BranchId, SnapshotId | null>;
  /** By states in packs, latest first. */
  told?: Map<BranchId, ToldRef[]>;
  /** Snapshots that working directories of this store stand on, by branch. */
  bases: Map<BranchId, SnapshotId>;
}

export interface Tip {
  snapshot: SnapshotId;
  /** Nothing says so: it follows from history alone, or from where a working directory stands. */
  guessed: boolean;
}

/** Undefined: it had none, or nothing tells. */
export function tipOf(
  meta: MetaStore,
  volset: VolsetId,
  { id }: Pick<BranchView, 'id'>,
  { old, told, bases }: Witnesses,
  onlyLeaf: SnapshotId | undefined,
): Tip | undefined {
  // What others forgot is known, too: a branch that stands on it keeps it.
  const known = (id: SnapshotId | null): boolean => id === null || Object.hasOwn(meta.parentsOf(volset, [id]), id);
  const states = (told?.get(id) ?? []).map(({ snapshot }) => snapshot).filter(known);
  const kept = old?.get(id);
  if (kept !== undefined && known(kept)) {
    const later = states[0];
    return sure(later && isLater(meta, volset, kept, later) ? later : kept);
  }
  if (states.length > 0) return sure(states[0]);
  const base = bases.get(id);
  if (base !== undefined && onlyLeaf !== undefined && isLater(meta, volset, base, onlyLeaf))
    return { snapshot: onlyLeaf, guessed: true };
  const guess = base !== undefined && known(base) ? base : onlyLeaf;
  return guess === undefined ? undefined : { snapshot: guess, guessed: true };
}

const sure = (snapshot: SnapshotId | null): Tip | undefined =>
  snapshot === null ? undefined : { snapshot, guessed: false };

/**
 * Of a sound meta.db: packs tell of a branch that it went on from where it stands here. Each epoch tells everything when
 * it begins, so only one that has told nothing yet hears something new from an earlier one.
 */
export function isBehind(meta: MetaStore, { refs }: Pick<Told, 'refs'>): boolean {
  for (const { id } of meta.listVolsets()) {
    const head = meta.revision(id);
    for (const { id: branch, tip } of meta.listBranches(id)) {
      const last = refs.get(id)?.get(branch)?.[0];
      if (last === undefined || last.snapshot === null || last.snapshot === tip) continue;
      if (last.epoch === meta.self.epoch && last.revision <= head) continue;
      if (meta.findSnapshot(id, last.snapshot) && isLater(meta, id, tip, last.snapshot)) return true;
    }
  }
  return false;
}

/** An older meta.db was put back: what was told after it goes on from there. */
const isLater = (meta: MetaStore, volset: VolsetId, from: SnapshotId | null, to: SnapshotId): boolean =>
  from === null || isAncestor((ids) => meta.lineage(volset, ids), from, to);

export function basesOf(dir: string, volset: VolsetId): Map<BranchId, SnapshotId> {
  const bases = new Map<BranchId, SnapshotId>();
  for (const { state } of listVolumes(dir))
    if (state.volset === volset && state.branch !== null && state.base !== null) bases.set(state.branch, state.base);
  return bases;
}

/** The one snapshot that no other follows, where there is one branch for it. */
export function onlyLeafOf(meta: MetaStore, volset: VolsetId): SnapshotId | undefined {
  if (meta.listBranches(volset).length !== 1) return undefined;
  const leaves = new Set<SnapshotId>();
  for (let after: SnapshotId | null = null; ; ) {
    const page: SnapshotId[] = meta.snapshotPage(volset, after, 1000);
    if (page.length === 0) break;
    for (const id of page) leaves.add(id);
    after = page[page.length - 1];
  }
  for (const parents of Object.values(meta.parentsOf(volset, [...leaves]))) for (const id of parents) leaves.delete(id);
  return leaves.size === 1 ? [...leaves][0] : undefined;
}
