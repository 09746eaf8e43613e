/**
 * Metadata for the time of one check, where meta.db cannot be used: what the generations in packs say, so that packs and
 * snapshots can be checked all the same. What was complete here it cannot know: every snapshot whose root is here counts.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '../../blob/contract.ts';
import { PlaitError } from '../../core/errors.ts';
import { decodeGeneration } from '../../core/generation.ts';
import { KIND, unhex } from '../../core/hash.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { Generation } from '../../core/records.ts';
import { makeDir, removeTree } from '../../disk/files.ts';
import type { MetaStore } from '../../meta/contract.ts';
import { openMetaStore } from '../../meta/index.ts';
import { rebuildMeta } from '../../meta/rebuild.ts';
import type { World } from '../engine.ts';
import { type Finding, noneAffected } from './findings.ts';
import { allSnapshots } from './snapshots.ts';

export const unusableMeta = (what: string): Finding => ({
  ...noneAffected(),
  kind: 'meta',
  volset: null,
  unusable: true,
  what,
});

/** Its files are gone when it is disposed. */
export async function standInMeta(blob: BlobStore, world: World, signal: AbortSignal): Promise<MetaStore> {
  const dir = join(tmpdir(), `plait-verify-${world.random(8).toString('hex')}`);
  makeDir(dir);
  const meta = openMetaStore({ path: join(dir, 'meta.db'), create: true, now: world.now, random: world.random });
  const dispose = meta[Symbol.dispose].bind(meta);
  meta[Symbol.dispose] = () => {
    dispose();
    removeTree(dir);
  };
  rebuildMeta(meta, await generationsOf(blob, signal));
  for (const { id } of meta.listVolsets()) markComplete({ meta, blob, signal }, id);
  return meta;
}

async function generationsOf(
  blob: BlobStore,
  signal: AbortSignal,
): Promise<{ volset: VolsetId; generation: Generation }[]> {
  const found: { volset: VolsetId; generation: Generation }[] = [];
  for await (const { volset, bytes } of blob.scanObjects(KIND.generation)) {
    signal.throwIfAborted();
    try {
      found.push({ volset, generation: decodeGeneration(volset, bytes) });
    } catch (error) {
      // A damaged one is told by the check of the log.
      if (!(error instanceof PlaitError)) throw error;
    }
  }
  return found;
}

function markComplete(
  { meta, blob, signal }: { meta: MetaStore; blob: BlobStore; signal: AbortSignal },
  volset: VolsetId,
): void {
  const reader = blob.reader(volset);
  const here: SnapshotId[] = [];
  for (const { id, body } of allSnapshots({ meta, signal }, volset))
    if (reader.has(KIND.node, unhex(body.root))[0] === 1) here.push(id);
  if (here.length > 0) meta.setBlobs(volset, here);
}
