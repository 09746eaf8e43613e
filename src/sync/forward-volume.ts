/** After a pull: the working directory follows its branch, if it has no unsaved change. */

import { compareTips } from '../core/ancestry.ts';
import type { VolsetId } from '../core/ids.ts';
import type { Problem } from '../volume/contract.ts';
import { finishCheckout, moveVolume } from './checkout.ts';
import { type Engine, rootHere } from './engine.ts';
import { compareWithBase } from './working-tree.ts';

export interface Forwarded {
  moved: boolean;
  /** Its edits kept it where it is (exit 8). */
  unsaved: boolean;
  problems: Problem[];
}

const STAYS: Forwarded = { moved: false, unsaved: false, problems: [] };

export async function forwardVolume(engine: Engine, volset: VolsetId): Promise<Forwarded> {
  const { volume } = engine;
  if (!volume || volume.state.volset !== volset || volume.state.branch === null) return STAYS;
  await finishCheckout(engine, volume);
  const { base, branch } = volume.state;
  const tip = branch === null ? null : (engine.meta.findBranch(volset, branch)?.tip ?? null);
  if (tip === null || tip === base || !engine.meta.findSnapshot(volset, tip)?.hasBlob) return STAYS;
  if (base !== null) {
    const { relation } = compareTips((ids) => engine.meta.lineage(volset, ids), base, tip);
    if (relation !== 'behind') return STAYS;
  }
  if (await isDirty(engine)) return { moved: false, unsaved: true, problems: [] };
  const root = rootHere(engine, volset, tip);
  const { problems } = await moveVolume(engine, volume, { snapshot: tip, root, branch });
  return { moved: true, unsaved: false, problems };
}

async function isDirty(engine: Engine): Promise<boolean> {
  const { volume } = engine;
  if (!volume) return false;
  await using writer = engine.blob.writer(volume.state.volset, { signal: engine.signal, dryRun: true });
  const { changes } = compareWithBase(engine, volume, writer);
  for await (const _ of changes) return true;
  return false;
}
