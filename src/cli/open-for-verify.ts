/** Opens a store for `plait verify`, which must run on one that is damaged: what cannot be opened is a finding. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { MetaStore } from '../meta/contract.ts';
import { openMetaStore } from '../meta/index.ts';
import type { Engine } from '../sync/engine.ts';
import { formatFault, isStore, looksLikeStore, openBlobs } from '../sync/store.ts';
import type { Finding } from '../sync/verify/findings.ts';
import { standInMeta, unusableMeta } from '../sync/verify/stand-in.ts';
import type { Context } from './context.ts';
import { type Located, locate, openMetaEngine, requireLocated, storeOptions } from './open-engine.ts';

export interface OpenedForVerify {
  engine: Engine;
  found: Finding[];
}

export async function openForVerify(context: Context): Promise<OpenedForVerify> {
  const located = locateDamaged(context);
  const found: Finding[] = [];
  try {
    if (formatFault(located.store) === undefined) return { engine: await context.engine(), found };
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  // Something is wrong with the format file, with meta.db, or with the notes of the working directory.
  const settings = storeOptions(context);
  const blob = await openBlobs(located.store, { ...settings, signal: context.signal });
  context.onClose(async () => blob[Symbol.asyncDispose]());
  const meta = await metaOf(context, located, found, () => standInMeta(blob, settings.world, context.signal));
  context.onClose(() => meta[Symbol.dispose]());
  const { manifest } = await import('../blob/manifest/index.ts');
  return { engine: { ...openMetaEngine(context, located, { meta }), blob, manifest }, found };
}

/** Of `format` only what is said of small files: another version of a store is not for us to judge. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof PlaitError)) return false;
  return error.code === 'integrity' || error.code === 'no-store' || (error.code === 'format' && !error.data?.['known']);
}

async function metaOf(
  context: Context,
  { store }: Located,
  found: Finding[],
  standIn: () => Promise<MetaStore>,
): Promise<MetaStore> {
  const path = join(store, 'meta.db');
  const { world, lockWaitMs } = storeOptions(context);
  try {
    return openMetaStore({ path, now: world.now, random: world.random, lockWaitMs });
  } catch (error) {
    if (!(error instanceof PlaitError) || (error.code !== 'integrity' && error.code !== 'no-store')) throw error;
    found.push(unusableMeta(error.code === 'no-store' ? `${path} is missing` : error.message));
    return standIn();
  }
}

/** The store, be it that its format file is gone or that the notes of its working directories cannot be read. */
export function locateDamaged(context: Context): Located {
  try {
    const located = locate(context);
    if (located && (isStore(located.store) || looksLikeStore(located.store))) return located;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  const { store, dir } = context.place;
  if (store !== undefined && looksLikeStore(store)) return { store };
  for (let at = dir; ; at = dirname(at)) {
    for (const candidate of [join(at, '.plait'), at])
      if (statSync(candidate, { throwIfNoEntry: false })?.isDirectory() && looksLikeStore(candidate))
        return { store: candidate };
    if (at === dirname(at) || store !== undefined) return requireLocated(context);
  }
}
