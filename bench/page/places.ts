/** What of a made store is looked at: its large volset, and snapshots far apart. */
import { randomBytes } from 'node:crypto';
import type { SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { openMeta, type StoreOptions } from '../../src/sync/store.ts';
import { FLAT } from './tree.ts';

export interface Places {
  volset: VolsetId;
  first: SnapshotId;
  /** In the middle of the history. */
  middle: SnapshotId;
  last: SnapshotId;
  snapshots: number;
  volsets: number;
  /** As paths go into addresses and queries. */
  flat: string;
  file: string;
}

export const storeOptions = (): StoreOptions => ({
  world: { now: Date.now, random: randomBytes, creator: 'ada@lab' },
  label: 'hub.lab',
  lockWaitMs: 10_000,
});

export function placesOf(dir: string): Places {
  using meta = openMeta(dir, storeOptions());
  const volsets = meta.listVolsets();
  const large = volsets.reduce((most, one) => (one.snapshots > most.snapshots ? one : most));
  const last = meta.listBranches(large.id).find(({ name }) => name === 'main')?.tip;
  const older = meta.snapshotPage(large.id, null, 1 + (large.snapshots >> 1));
  if (!last) throw new Error('the store has no main branch with snapshots');
  return {
    volset: large.id,
    first: older[0],
    middle: older[older.length - 1],
    last,
    snapshots: large.snapshots,
    volsets: volsets.length,
    flat: path64(FLAT),
    file: path64(`${FLAT}/IMG_000000.txt`),
  };
}

const path64 = (path: string): string => Buffer.from(path).toString('base64url');
