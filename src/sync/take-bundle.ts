/** `plait import` beside gc: where gc took what the bundle relied on, the file is read again from its beginning. */
import { type Imported, importBundle } from '../transfer/index.ts';
import type { Engine } from './engine.ts';
import { unlessCollected } from './unless-collected.ts';

export function takeBundle(engine: Engine, open: () => AsyncIterable<Uint8Array>): Promise<Imported> {
  const { blob, meta, manifest, signal } = engine;
  return unlessCollected(engine, () => importBundle({ blob, meta, manifest, signal }, open()));
}
