/** Packs with much garbage, and small ones where there are several, are written anew: only what is needed, grouped well. */
import { closeSync, openSync } from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { hex, type Kind, objectHash } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { checkBlock, idAt, objectAt, openBlock } from './block.ts';
import { BLOCK_TARGET } from './format.ts';
import type { LiveObjects } from './gc-live.ts';
import { batchesOf, isUnreadable } from './gc-packs.ts';
import type { PackName, Step, Steps } from './gc-step.ts';
import type { IndexDb } from './index-db.ts';
import { NewPacks } from './new-packs.ts';
import { readBlockAt, readDirectory } from './pack.ts';
import type { PackedBlock } from './pack-directory.ts';
import { packPath } from './pack-scan.ts';

/** Blocks with less raw data compress badly: they are grouped anew. */
const WHOLE = BLOCK_TARGET / 2;

export interface RewriteOptions {
  volset: VolsetId;
  packs: PackName[];
  index: IndexDb;
  packsDir: string;
  sessionDir: string;
  live: LiveObjects;
  steps: Steps;
  signal?: AbortSignal;
  /** A pack that cannot be read is left as it is. */
  onDamage: (pack: PackName, what: string) => void;
  onPack: (pack: PackName) => void;
}

/** Answers with the number of packs that went for it. */
export async function rewrite(options: RewriteOptions): Promise<number> {
  const { volset, packs, index, packsDir, sessionDir, steps } = options;
  const copied: PackName[] = [];
  let freed = 0;
  const onPlaced = async (): Promise<void> => {
    for (const name of copied.splice(0)) {
      if (await steps.free(name, batchesOf(index, packsDir, name))) freed++;
      options.onPack(name);
    }
  };
  const run = <T>(body: (step: Step) => T): Promise<T> => steps.run(volset, body);
  const made = new NewPacks({ volset, packsDir, sessionDir, from: packs, run, onPlaced });
  try {
    for (const name of packs) {
      if (await copyLive(options, name, made)) copied.push(name);
    }
    await made.flush();
  } finally {
    made.discard();
  }
  return freed;
}

/** False where it cannot be read; what was copied until then is as good there as here. */
async function copyLive(options: RewriteOptions, name: PackName, made: NewPacks): Promise<boolean> {
  const holders = [name.volset, ...options.index.borrowersOf(name.volset)];
  let fd: number | undefined;
  try {
    fd = openSync(packPath(options.packsDir, name.volset, name.pack), 'r');
    for (const block of readDirectory(fd, name.volset, name.pack).blocks) {
      options.signal?.throwIfAborted();
      const wanted = wantedOf(options, name, block, holders);
      if (wanted.length > 0) await copyBlock(fd, block, wanted, made);
      await tick();
    }
    return true;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    options.onDamage(name, error instanceof Error ? error.message : String(error));
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Numbers of the objects in the block that somebody needs, and finds here. */
function wantedOf(
  { index, live, volset }: RewriteOptions,
  { pack }: PackName,
  block: PackedBlock,
  holders: VolsetId[],
): number[] {
  const wanted: number[] = [];
  for (let n = 0; n < block.count; n++) {
    const id = idAt(block, n);
    const isNeeded = (holder: VolsetId): boolean => {
      const place = index.find(holder, block.kind, id)?.place;
      return place?.pack === pack && place.volset === volset && live.isLive(holder, block.kind, id);
    };
    if (holders.some(isNeeded)) wanted.push(n);
  }
  return wanted;
}

async function copyBlock(fd: number, { offset, count, kind }: PackedBlock, wanted: number[], made: NewPacks) {
  const bytes = readBlockAt(fd, offset);
  const { rawLength } = checkBlock(bytes);
  if (wanted.length === count && rawLength >= WHOLE) return made.addBlock(bytes);
  const block = openBlock(bytes);
  for (const n of wanted) {
    const object = objectAt(block, n);
    checkHash(kind, idAt(block, n), object);
    await made.add(kind, idAt(block, n), object);
  }
}

function checkHash(kind: Kind, id: Uint8Array, bytes: Uint8Array): void {
  if (objectHash(kind, bytes).equals(id)) return;
  throw new PlaitError('integrity', `object ${hex(id)} has other bytes than its id says`);
}
