/**
 * Reads packs back: directories always, block checksums and every object's hash as far as asked for. Finds all, repairs
 * nothing. A pack that was read whole and found sound is noted at once, so that a run that is cut off has kept what it did.
 */
import { closeSync, openSync } from 'node:fs';
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { objectKey } from '../core/hash.ts';
import { BLOCK_HEADER, type BlockTable, checkBlock, idAt, openBlock, wrongObjects } from './block.ts';
import type { ObjectRef, PackDamage, VerifyOptions } from './contract.ts';
import type { IndexDb } from './index-db.ts';
import { readBlockAt, readDirectory, salvageBlocks, withFile } from './pack.ts';
import { type PackedBlock, refAt, refsOf } from './pack-directory.ts';
import { packPath } from './pack-scan.ts';
import type { IndexedPack } from './pack-times.ts';

/** What verification reads from. `check` tests a whole block with all hashes, on a worker, and takes its memory over. */
export interface VerifySource {
  index: IndexDb;
  packsDir: string;
  check: (bytes: Uint8Array) => Promise<unknown>;
  now: () => number;
}

/** How far a pack is read. */
type Depth = 'directory' | 'checksums' | 'hashes';

export async function* verifyPacks(source: VerifySource, options: VerifyOptions): AsyncGenerator<PackDamage> {
  const all = source.index.packs();
  const read = chosen(all, options, source.now());
  const isPart = options.sample !== undefined || options.budget !== undefined;
  const taken = new Set(read);
  const rest = isPart ? all.filter((info) => !taken.has(info)) : [];
  const depth: Depth = options.readData ? 'hashes' : 'checksums';
  let [packs, bytes] = [0, 0];
  for (const [infos, how] of [[read, depth] as const, [rest, 'directory'] as const]) {
    for (const info of infos) {
      options.signal?.throwIfAborted();
      const found = await verifyPack(source, info, how);
      // Unless gc has taken it away, or written it anew, in the meantime.
      if (found.length > 0 && isKnown(source.index, info)) yield* found;
      if (how === 'hashes' && found.length === 0)
        await source.index.setVerified(info.volset, info.pack, Math.max(0, source.now()));
      await tick();
      if (how === 'directory') continue;
      bytes += info.bytes;
      options.onProgress?.({ packs: ++packs, bytes });
    }
  }
}

const isKnown = (index: IndexDb, { volset, pack }: IndexedPack): boolean =>
  index.packs(volset).some((info) => info.pack === pack);

/** At least one pack, where there are any. */
export function chosen(packs: IndexedPack[], { sample, budget, random }: VerifyOptions, now: number): IndexedPack[] {
  if (packs.length === 0) return packs;
  if (budget !== undefined) return withinBudget(packs, budget, now);
  if (sample === undefined || sample >= 1) return packs;
  const draw = random ?? Math.random;
  const share = packs.filter(() => draw() < sample);
  return share.length > 0 ? share : [packs[Math.floor(draw() * packs.length)]];
}

/** Those first that were not read for longest. A time that has not come yet says nothing. */
function withinBudget(packs: IndexedPack[], budget: number, now: number): IndexedPack[] {
  const last = ({ verified }: IndexedPack): number => (verified === null || verified > now ? -1 : verified);
  const order = packs.toSorted((a, b) => last(a) - last(b));
  let left = budget;
  const read: IndexedPack[] = [];
  for (const info of order) {
    if (read.length > 0 && info.bytes > left) break;
    read.push(info);
    left -= info.bytes;
  }
  return read;
}

async function verifyPack(source: VerifySource, info: IndexedPack, depth: Depth): Promise<PackDamage[]> {
  const damage = (what: string, lost: ObjectRef[]): PackDamage => ({
    volset: info.volset,
    pack: info.pack,
    what,
    lost,
  });
  const { index, packsDir } = source;
  const path = packPath(packsDir, info.volset, info.pack);
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const { blocks } = readDirectory(fd, info.volset, info.pack);
    const found = isForgotten(index, info, blocks) ? [damage('no object of it is in the chunk index', [])] : [];
    if (depth === 'directory') return found;
    for await (const { block, fault } of faults(fd, blocks, depth === 'hashes' ? source.check : undefined)) {
      if (fault) found.push(damage(`block at byte ${block.offset}: ${fault.what}`, fault.lost));
    }
    return found;
  } catch (error) {
    const text = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'the file is missing' : messageOf(error);
    return [damage(text, lostWithoutDirectory(index, path, info))];
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

interface Fault {
  what: string;
  lost: ObjectRef[];
}

/** Blocks whose check is under way at a time. */
const WINDOW = 8;

/** One result a block, in file order; checks of data run side by side. */
async function* faults(
  fd: number,
  blocks: PackedBlock[],
  check: VerifySource['check'] | undefined,
): AsyncGenerator<{ block: PackedBlock; fault: Fault | undefined }> {
  const running: { block: PackedBlock; done: Promise<Fault | undefined> }[] = [];
  for (const block of blocks) {
    const done = blockFault(fd, block, check);
    // Looked at in its turn; until then a failure is not an unhandled one.
    done.catch(() => {});
    running.push({ block, done });
    const first = running.length >= WINDOW ? running.shift() : undefined;
    if (first) yield { block: first.block, fault: await first.done };
  }
  for (const { block, done } of running) yield { block, fault: await done };
}

function messageOf(error: unknown): string {
  if (error instanceof PlaitError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return `it cannot be read (${code})`;
  throw error;
}

async function blockFault(
  fd: number,
  block: PackedBlock,
  check: VerifySource['check'] | undefined,
): Promise<Fault | undefined> {
  try {
    const bytes = readBlockAt(fd, block.offset);
    const found = checkBlock(bytes);
    if (found.crc !== block.crc || !sameTable(bytes, block)) {
      return { what: 'it is not what the directory says', lost: refsOf(block) };
    }
    await check?.(bytes);
    return undefined;
  } catch (error) {
    return { what: messageOf(error), lost: lostOf(fd, block) };
  }
}

/** The objects that cannot be read out of a faulty block. */
function lostOf(fd: number, block: PackedBlock): ObjectRef[] {
  try {
    const opened = openBlock(readBlockAt(fd, block.offset));
    return sameIds(opened, block) ? wrongObjects(opened).map((n) => refAt(block, n)) : refsOf(block);
  } catch {
    return refsOf(block);
  }
}

const sameIds = (a: BlockTable, b: BlockTable): boolean => Buffer.compare(a.table, b.table) === 0;

const sameTable = (bytes: Buffer, block: PackedBlock): boolean =>
  bytes.subarray(BLOCK_HEADER, BLOCK_HEADER + block.table.length).equals(block.table);

/**
 * Nobody finds anything of the pack. Single objects may well be unknown: a block travels whole for the half that is
 * wanted, and only what a snapshot needs is recorded. One that is needed and unknown is missed by its snapshot.
 */
function isForgotten(index: IndexDb, info: IndexedPack, blocks: PackedBlock[]): boolean {
  return blocks.every((block) => {
    const ids = Buffer.concat(refsOf(block).map(({ id }) => id));
    return index.has(info.volset, block.kind, ids).every((here) => here === 0);
  });
}

/** What the index expects of the pack, less what can still be read out of it block by block. */
function lostWithoutDirectory(index: IndexDb, path: string, info: IndexedPack): ObjectRef[] {
  const safe = new Set<string>();
  try {
    withFile(path, (fd) => {
      for (const block of salvageBlocks(fd, info.volset)) {
        for (let n = 0; n < block.count; n++) safe.add(objectKey(block.kind, idAt(block, n)));
      }
    });
  } catch {
    // Not even its beginning can be read: all of it is lost.
  }
  return index.objectsOfPack(info.volset, info.pack).filter(({ kind, id }) => !safe.has(objectKey(kind, id)));
}
