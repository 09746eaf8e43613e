/** Volsets of a few snapshots of a few files: what stands beside a large one. */
import { randomBytes } from 'node:crypto';
import { manifest } from '../../src/blob/manifest/index.ts';
import type { BranchId, SnapshotId, VolsetId } from '../../src/core/ids.ts';
import { keyOfText } from '../../src/core/paths.ts';
import type { Store } from '../../src/sync/engine.ts';
import { Bulk } from './bulk.ts';
import { Chance } from './chance.ts';
import { entriesOf } from './tree.ts';

const NAMES = ['survey', 'frames', 'audio', 'models', 'notes', 'exports', 'labels', 'calibration'];
const DAY_MS = 24 * 3_600_000;

export async function addSmallVolsets(store: Store, count: number, snapshots: number): Promise<void> {
  const chance = new Chance(3);
  for (let i = 0; i < count; i++) await addSmall(store, `${chance.of(NAMES)}-${i}`, chance, snapshots);
}

async function addSmall(store: Store, name: string, chance: Chance, snapshots: number): Promise<void> {
  const bulk = new Bulk(store, randomBytes(16).toString('hex') as VolsetId);
  const branch = randomBytes(16).toString('hex') as BranchId;
  bulk.edit({ edit: 'create-volset', name, creator: 'ada@lab' });
  bulk.edit({ edit: 'create-branch', branch, name: 'main', creator: 'ada@lab' });
  const paths = Array.from({ length: 5 + chance.below(60) }, (_, i) => keyOfText(`part${i % 4}/file${i}.txt`));
  let created = Date.now() - (1 + chance.below(300)) * DAY_MS;
  let parents: SnapshotId[] = [];
  let root = manifest.build(
    bulk,
    entriesOf(paths, (path) => bulk.file(path, 0, created)),
  );
  for (let i = 1 + chance.below(2 * snapshots - 1); i > 0; i--) {
    const snapshot = bulk.snapshot(branch, { parents, root, created, creator: 'ada@lab', description: `round ${i}` });
    parents = [snapshot];
    created += DAY_MS / 24;
    const path = chance.of(paths);
    root = bulk.patch(root, [[path, bulk.file(path, i, created)]]);
  }
  await bulk.end();
}
