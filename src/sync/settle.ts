/**
 * Ends a command that changed metadata: closes the open generation and writes closed ones into packs, with what no log
 * tells of this store where that has changed, so that metadata can be rebuilt from packs alone. The outbox in meta.db makes this safe to repeat: a command that
 * is killed in between leaves the rest to the next one.
 */
import type { BlobStore } from '../blob/contract.ts';
import type { MaybeAsync } from '../core/async.ts';
import { encodeGeneration } from '../core/generation.ts';
import type { VolsetId } from '../core/ids.ts';
import type { Vector } from '../core/records.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { Store } from './engine.ts';

const BATCH = 256;
/** A hub's thread compresses few at a time, for others wait meanwhile. */
const HUB_BATCH = 8;
const HUB_EVERY_MS = 1000;

interface Outbox {
  meta: MaybeAsync<Pick<MetaStore, 'unpackedGenerations' | 'unpackedStates' | 'markPacked'>>;
  blob: Pick<BlobStore, 'appendLog'>;
}

export async function settle(store: Store, volset: VolsetId): Promise<Vector> {
  const vector = store.meta.cut(volset);
  await packGenerations(store);
  return vector;
}

export async function packGenerations(store: Outbox, limit = BATCH): Promise<void> {
  for (;;) {
    const batch = await store.meta.unpackedGenerations(limit);
    // Behind all generations, so that whatever a state names is in front of it.
    const states = batch.length < limit ? await store.meta.unpackedStates() : [];
    if (batch.length === 0 && states.length === 0) return;
    const generationsOf = Map.groupBy(batch, (row) => row.volset);
    const statesOf = Map.groupBy(states, (row) => row.volset);
    for (const volset of new Set([...generationsOf.keys(), ...statesOf.keys()])) {
      await store.blob.appendLog(
        volset,
        (generationsOf.get(volset) ?? []).map(({ generation }) => encodeGeneration(generation)),
        (statesOf.get(volset) ?? []).map(({ bytes }) => bytes),
      );
    }
    await store.meta.markPacked(
      batch.map(({ volset, generation: { store, generation, hash } }) => ({ volset, store, generation, hash })),
      states.map(({ mark }) => mark),
    );
    if (batch.length < limit) return;
  }
}

/** Does so as long as a hub runs: pushes fill its outbox. The answer stops it and packs what came last. */
export function keepPacked(
  store: Outbox,
  onError: (error: unknown) => void,
  everyMs = HUB_EVERY_MS,
): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const round = async (): Promise<void> => {
    // Nothing is lost by a failure: the outbox keeps what was not packed.
    await packGenerations(store, HUB_BATCH).catch(onError);
    if (!stopped) timer = setTimeout(start, everyMs).unref();
  };
  const start = (): void => {
    running = round();
  };
  start();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
    await packGenerations(store, HUB_BATCH).catch(onError);
  };
}
