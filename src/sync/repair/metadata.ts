/**
 * Metadata made anew: the log from packs, what no log tells from states beside it and from what can still be read of the
 * old meta.db, what is whole from the packs themselves. Under a new epoch, for nobody knows what the old one gave out.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobStore } from '../../blob/contract.ts';
import { takeFileLock } from '../../blob/lock.ts';
import { PlaitError } from '../../core/errors.ts';
import { decodeGeneration } from '../../core/generation.ts';
import { KIND } from '../../core/hash.ts';
import type { GenerationHash, VolsetId } from '../../core/ids.ts';
import type { MetaStore } from '../../meta/contract.ts';
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
  await alone(dir, options, () => {
    if (textOf(read()) !== textOf(kept)) throw inUse();
    // Closed at the latest now: closing removes its write-ahead log by its name.
    if ('self' in old) old[Symbol.dispose]();
    markReady(dir);
    putInPlace(dir, world.now());
  });
  return [{ what: `metadata was made anew from packs: ${why}`, volset: null }, ...repaired];
}

const textOf = ({ volsets, ...rest }: Salvaged): string => JSON.stringify([rest, [...volsets]]);

/** Nobody else has blobs of this store open meanwhile. */
async function alone<T>(dir: string, { world, lockWaitMs, signal }: MetadataOptions, work: () => T): Promise<T> {
  const wait = { lockWaitMs, random: chanceOf(world), signal };
  const lock = await takeFileLock(join(dir, 'index.lock'), wait, 'the store, which is to be repaired,');
  try {
    return work();
  } finally {
    lock.release();
  }
}

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

const PAGE = 1000;

async function lackedGenerations(blob: BlobStore, meta: MetaStore): Promise<number> {
  let lacked = 0;
  const told = new Map<VolsetId, Parameters<MetaStore['unknownGenerations']>[1]>();
  const flush = (volset: VolsetId): void => {
    lacked += meta.unknownGenerations(volset, told.get(volset) ?? []).length;
    told.delete(volset);
  };
  for await (const { volset, generation } of generationsIn(blob)) {
    const rows = told.get(volset) ?? [];
    told.set(volset, rows);
    rows.push({ store: generation.store, generation: generation.generation, hash: generation.hash });
    if (rows.length === PAGE) flush(volset);
  }
  for (const volset of [...told.keys()]) flush(volset);
  return lacked;
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
