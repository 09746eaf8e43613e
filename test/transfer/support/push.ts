/** What a push does with data: queue it, then drain the queue. */
import { manifest } from '../../../src/blob/manifest/index.ts';
import type { SnapshotId } from '../../../src/core/ids.ts';
import type { Peer } from '../../../src/core/peer.ts';
import type { Priority } from '../../../src/meta/contract.ts';
import { type Drained, type DrainOptions, drainQueue } from '../../../src/transfer/drain.ts';
import { oldestFirst } from '../../../src/transfer/negotiation.ts';
import { type TestStore, VOLSET } from './stores.ts';

export const NOW = 1_000_000;
export const REMOTE = 'origin';

export function queueUp({ meta }: TestStore, snapshots: SnapshotId[], priority: Priority = 1, remote = REMOTE): void {
  meta.enqueue(
    VOLSET,
    remote,
    snapshots.map((snapshot) => ({ snapshot, priority })),
    NOW,
  );
}

export const drain = (store: TestStore, peer: Peer, options: Partial<DrainOptions> = {}): Promise<Drained> =>
  drainQueue({
    ...store,
    manifest,
    peer,
    volset: VOLSET,
    remote: REMOTE,
    now: () => NOW,
    random: () => 0.5,
    ...options,
  });

/** Oldest first, whatever their order; insists on all of them. */
export function push(
  store: TestStore,
  peer: Peer,
  snapshots: SnapshotId[],
  options: Partial<DrainOptions> = {},
): Promise<Drained> {
  const { volset = VOLSET } = options;
  const items = oldestFirst(store.meta, volset, snapshots).map((snapshot) => ({ snapshot, priority: 1 as const }));
  store.meta.enqueue(volset, REMOTE, items, NOW);
  return drain(store, peer, { insist: snapshots, ...options });
}
