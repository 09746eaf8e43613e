/**
 * Metadata made anew: the log from packs, what no log tells from states beside it and from what can still be read of the
 * old meta.db, what is whole from the packs themselves. Under a new epoch, for nobody knows what the old one gave out.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobStore } from '../../blob/contract.ts';
import { retryBusy, takeFileLock } from '../../blob/lock.ts';
import { PlaitError } from '../../core/errors.ts';
import { decodeGeneration } from '../../core/generation.ts';
import { KIND } from '../../core/hash.ts';
import type { GenerationHash, VolsetId } from '../../core/ids.ts';
import type { Generation } from '../../core/records.ts';
import type { MetaStore } from '../../meta/contract.ts';
import { refuseOpen } from '../../meta/index.ts';
import { chanceOf } from '../engine.ts';
import { openBlobs, openMeta, type StoreOptions } from '../store.ts';
import { makeAnew } from './make-anew.ts';
import type { Repaired } from './report.ts';
import { type Salvaged, salvage, salvageLog } from './salvage.ts';
import { discardDraft, finishSwap, markReady, putInPlace } from './swap.ts';
import { isBehind } from './tips.ts';
import { readTold } from './told.ts';

export interface MetadataOptions extends StoreOptions {
  signal: AbortSignal;
}

/** Before anybody has the store open in this process. Throws `busy` where another one works on it. */
export async function repairMetadata(dir: string, options: MetadataOptions): Promise<Repaired[]> {
  // Two at once would make their drafts under one name.
  const lock = await takeFileLock(join(dir, 'repair.lock'), waitOf(options), 'a repair of the store');
  try {
    return await repairAlone(dir, options);
  } finally {
    lock.release();
  }
}

async function repairAlone(dir: string, options: MetadataOptions): Promise<Repaired[]> {
  const { world } = options;
  const finished = await alone(dir, options, () => finishSwap(dir, world.now()));
  const index: Repaired[] = [];
  const why = await faultOf(dir, options, index);
  if (why === undefined) {
    return finished
      ? [{ what: 'metadata was made anew from packs by a repair that was cut off', volset: null }]
      : index;
  }
  const old = openIfUsable(dir, options);
  using _old = 'self' in old ? old : undefined;
  const read = (): Salvaged => ('self' in old ? salvage(old) : { volsets: new Map() });
  const kept = read();
  const repaired = await draft(dir, options, old, kept);
  await alone(dir, options, async () => {
    if (textOf(read()) !== textOf(kept)) throw inUse();
    // Closed at the latest now: closing removes its write-ahead log by its name.
    if ('self' in old) {
      old[Symbol.dispose]();
      await retryBusy(
        () => refuseOpen(join(dir, 'meta.db')),
        waitOf(options),
        'the metadata, which is to be repaired,',
      );
      if (textOf(salvageOnce(dir, options)) !== textOf(kept)) throw inUse();
    }
    markReady(dir);
    putInPlace(dir, world.now());
  });
  return [{ what: `metadata was made anew from packs: ${why}`, volset: null }, ...repaired];
}

/** What it says once nobody else has it open. */
function salvageOnce(dir: string, options: MetadataOptions): Salvaged {
  const now = openIfUsable(dir, options);
  using _now = 'self' in now ? now : undefined;
  return 'self' in now ? salvage(now) : { volsets: new Map() };
}

const textOf = ({ volsets, ...rest }: Salvaged): string => JSON.stringify([rest, [...volsets]]);

/** Nobody else has blobs of this store open meanwhile. */
async function alone<T>(dir: string, options: MetadataOptions, work: () => T | Promise<T>): Promise<T> {
  const lock = await takeFileLock(join(dir, 'index.lock'), waitOf(options), 'the store, which is to be repaired,');
  try {
    return await work();
  } finally {
    lock.release();
  }
}

const waitOf = ({ world, lockWaitMs, signal }: MetadataOptions) => ({ lockWaitMs, random: chanceOf(world), signal });

const inUse = (): PlaitError =>
  new PlaitError('busy', 'Another process has written to this store while it was repaired.', {
    hint: 'Stop what else uses it (a hub, a watch), and run the command again.',
  });

/** `index`: opening the packs makes a damaged index again. */
async function faultOf(dir: string, options: MetadataOptions, index: Repaired[]): Promise<string | undefined> {
  const meta = openIfUsable(dir, options);
  if (!('self' in meta)) return meta.unusable;
  using open = meta;
  const faults = faultsOf(open);
  if (faults.length > 0) return faults[0];
  await using blob = await openBlobs(dir, options);
  if (blob.indexRebuilt) index.push({ what: 'the chunk index was made again from packs', volset: null });
  const lacked = await lackedGenerations(blob, open);
  if (lacked > 0) return `it lacked ${lacked} generations that lie in packs`;
  return isBehind(open, await readTold(blob)) ? 'it lacked moves of branches that packs tell of' : undefined;
}

function openIfUsable(dir: string, options: MetadataOptions): MetaStore | { unusable: string } {
  try {
    return openMeta(dir, options);
  } catch (error) {
    if (!(error instanceof PlaitError)) throw error;
    if (!existsSync(join(dir, 'meta.db'))) return { unusable: 'it was missing' };
    if (error.code === 'integrity') return { unusable: error.message };
    throw error;
  }
}

function faultsOf(meta: MetaStore): string[] {
  try {
    return meta.verify();
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'integrity') return [error.message];
    throw error;
  }
}

/** 0 where none of them fits: what is before them is lost, and metadata made anew would lack them as well. */
async function lackedGenerations(blob: BlobStore, meta: MetaStore): Promise<number> {
  let lacked = 0;
  let fits = false;
  for await (const { volset, generation } of generationsIn(blob)) {
    if (meta.unknownGenerations(volset, [generation]).length === 0) continue;
    lacked++;
    fits ||= isTaken(meta, volset, generation);
  }
  return fits ? lacked : 0;
}

function isTaken(meta: MetaStore, volset: VolsetId, generation: Generation): boolean {
  try {
    meta.apply(volset, { peer: generation.store, generations: [generation], dryRun: true });
    return true;
  } catch (error) {
    if (error instanceof PlaitError && (error.code === 'protocol' || error.code === 'integrity')) return false;
    throw error;
  }
}

/** Sound ones; a block with the right checksum around a wrong generation is nobody's. */
export async function* generationsIn(blob: Pick<BlobStore, 'scanObjects'>) {
  for await (const { volset, bytes } of blob.scanObjects(KIND.generation)) {
    try {
      yield { volset, generation: decodeGeneration(volset, bytes) };
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code === 'format') throw error;
    }
  }
}

type Old = ReturnType<typeof openIfUsable>;

async function draft(dir: string, options: MetadataOptions, old: Old, kept: Salvaged): Promise<Repaired[]> {
  discardDraft(dir);
  await using blob = await openBlobs(dir, options);
  const { manifest } = await import('../../blob/manifest/index.ts');
  return await makeAnew(dir, options, {
    trees: { blob, manifest, signal: options.signal },
    kept,
    log: 'self' in old ? (held: ReadonlySet<GenerationHash>) => unlike(old, held) : () => [],
  });
}

/** What the old metadata holds and no pack. */
function* unlike(old: MetaStore, held: ReadonlySet<GenerationHash>) {
  for (const item of salvageLog(old)) if (!held.has(item.generation.hash)) yield item;
}
