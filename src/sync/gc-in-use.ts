/** Snapshots of this store that its working directories stand on, or are on their way to: never dropped. */
import type { SnapshotId, StoreId, VolsetId } from '../core/ids.ts';
import { listVolumes } from '../volume/volume.ts';
import type { Engine } from './engine.ts';

/** Throws where a volume's state cannot be read: what it stands on is not known then. */
export function basesOf({ dir }: Pick<Engine, 'dir'>, volset: VolsetId): Set<SnapshotId> {
  const bases = new Set<SnapshotId>();
  for (const volume of listVolumes(dir)) {
    const { state } = volume;
    if (state.volset !== volset) continue;
    const pending = volume.pendingCheckout();
    for (const id of [state.base, state.expected, state.moving, pending?.snapshot]) if (id) bases.add(id);
  }
  return bases;
}

/** Our own, and those that remotes were last seen with: a pull would bring these back. */
export function tipsOf({ meta }: Pick<Engine, 'meta'>, volset: VolsetId): Set<SnapshotId> {
  const tips = new Set<SnapshotId>();
  const add = (from: StoreId | 'self'): void => {
    for (const { snapshot } of meta.refs(volset, from)) if (snapshot !== null) tips.add(snapshot);
  };
  add('self');
  for (const { identity } of meta.listRemotes()) if (identity) add(identity);
  return tips;
}
