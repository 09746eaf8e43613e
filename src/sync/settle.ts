/**
 * Ends a command that changed metadata: closes the open generation and writes closed ones into packs, so that all
 * replicated metadata can be rebuilt from packs alone. The outbox in meta.db makes this safe to repeat: a command that
 * is killed in between leaves the rest to the next one.
 */
import { encodeGeneration } from '../core/generation.ts';
import type { VolsetId } from '../core/ids.ts';
import type { Vector } from '../core/records.ts';
import type { Store } from './engine.ts';

const BATCH = 256;

export async function settle(store: Store, volset: VolsetId): Promise<Vector> {
  const vector = store.meta.cut(volset);
  await packGenerations(store);
  return vector;
}

export async function packGenerations(store: Store): Promise<void> {
  for (;;) {
    const batch = store.meta.unpackedGenerations(BATCH);
    if (batch.length === 0) return;
    const byVolset = Map.groupBy(batch, (row) => row.volset);
    for (const [volset, rows] of byVolset) {
      await store.blob.appendLog(
        volset,
        rows.map((row) => encodeGeneration(row.generation)),
      );
    }
    store.meta.markPacked(
      batch.map(({ volset, generation }) => ({ volset, store: generation.store, generation: generation.generation })),
    );
  }
}
