/** All snapshots of a volset whose data is here, in one stable order; what one pass over them goes by. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { SnapshotView } from '../../meta/contract.ts';
import type { Engine } from '../engine.ts';

const PAGE = 1000;

export function* completeSnapshots(engine: Pick<Engine, 'meta' | 'signal'>, volset: VolsetId): Generator<SnapshotView> {
  for (const view of allSnapshots(engine, volset)) if (view.hasBlob) yield view;
}

export function* allSnapshots(engine: Pick<Engine, 'meta' | 'signal'>, volset: VolsetId): Generator<SnapshotView> {
  for (let after: SnapshotId | null = null; ; ) {
    const page = engine.meta.snapshotPage(volset, after, PAGE);
    for (const id of page) {
      engine.signal.throwIfAborted();
      const view = engine.meta.findSnapshot(volset, id);
      if (view) yield view;
    }
    if (page.length === 0) return;
    after = page[page.length - 1];
  }
}
