/** Garbage collection of the memory engine. */
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, objectKey, unhex } from '../core/hash.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { CollectOptions, CollectRoot, CollectStats } from './contract.ts';
import { DAMAGE, unwalkable } from './gc-live.ts';
import { liveSteps } from './manifest/live.ts';
import type { Objects } from './memory-objects.ts';
import { absent } from './object-reader.ts';

export function collectMemory(volsets: ReadonlyMap<VolsetId, Objects>, options: CollectOptions): CollectStats {
  const stats: CollectStats = {
    bytesBefore: 0,
    bytesAfter: 0,
    packsRemoved: 0,
    packsRewritten: 0,
    objectsRemoved: 0,
    skipped: [],
    busy: [],
  };
  const named = new Set(options.volsets);
  for (const [volset, objects] of volsets) {
    options.signal?.throwIfAborted();
    const live = liveIn(
      objects,
      () => options.roots(volset, 0),
      (what) => stats.skipped.push({ volset, what }),
    );
    const keepsLog = named.has(volset) || (live?.size ?? 0) > 0;
    for (const [key, { kind, bytes }] of objects) {
      stats.bytesBefore += bytes.length;
      if (!live || (kind > KIND.snapshot ? keepsLog : live.has(key))) stats.bytesAfter += bytes.length;
      else {
        stats.objectsRemoved++;
        if (!options.dryRun) objects.delete(key);
      }
    }
  }
  return stats;
}

/** Undefined where a tree cannot be walked. */
function liveIn(
  objects: Objects,
  roots: () => Iterable<CollectRoot>,
  skip: (what: string) => void,
): Set<string> | undefined {
  const live = new Set<string>();
  const meet = (kind: Kind, id: Uint8Array): boolean => live.size < live.add(objectKey(kind, id)).size;
  let at: SnapshotId | undefined;
  try {
    for (const { snapshot, root } of roots()) {
      at = snapshot;
      meet(KIND.snapshot, unhex(snapshot));
      for (const _ of liveSteps({ readNode: (id) => nodeOf(objects, unhex(id)) }, root, meet));
      at = undefined;
    }
  } catch (error) {
    if (!(error instanceof PlaitError) || !DAMAGE.has(error.code)) throw error;
    skip(unwalkable(at, error));
    return undefined;
  }
  return live;
}

function nodeOf(objects: Objects, id: Uint8Array): Uint8Array {
  const held = objects.get(objectKey(KIND.node, id));
  if (!held) throw absent(KIND.node, id);
  return held.bytes;
}
