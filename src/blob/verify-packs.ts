/** Reads packs back: directories and block checksums always, every object's hash on request. Finds all, repairs nothing. */
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { hex } from '../core/hash.ts';
import { BLOCK_HEADER, checkBlock, idAt, openBlock, wrongObjects } from './block.ts';
import type { ObjectRef, PackDamage, PackInfo, VerifyOptions } from './contract.ts';
import type { IndexDb } from './index-db.ts';
import { readBlockAt, readDirectory, salvageBlocks, withFile } from './pack.ts';
import type { PackedBlock } from './pack-directory.ts';
import { packPath } from './pack-scan.ts';

export async function* verifyPacks(
  index: IndexDb,
  packsDir: string,
  options: VerifyOptions,
): AsyncGenerator<PackDamage> {
  const packs = chosen(index.packs(), options);
  let bytes = 0;
  for (const [n, info] of packs.entries()) {
    options.signal?.throwIfAborted();
    for (const damage of verifyPack(index, packsDir, info, options.readData)) yield damage;
    bytes += info.bytes;
    options.onProgress?.({ packs: n + 1, bytes });
    await tick();
  }
}

/** At least one pack, where there are any. */
function chosen(packs: PackInfo[], { sample, random }: VerifyOptions): PackInfo[] {
  if (sample === undefined || sample >= 1 || packs.length === 0) return packs;
  const draw = random ?? Math.random;
  const share = packs.filter(() => draw() < sample);
  return share.length > 0 ? share : [packs[Math.floor(draw() * packs.length)]];
}

function verifyPack(index: IndexDb, packsDir: string, info: PackInfo, readData: boolean): PackDamage[] {
  const damage = (what: string, lost: ObjectRef[]): PackDamage => ({
    volset: info.volset,
    pack: info.pack,
    what,
    lost,
  });
  const path = packPath(packsDir, info.volset, info.pack);
  try {
    return withFile(path, (fd) => {
      const { blocks } = readDirectory(fd, info.volset, info.pack);
      return blocks.flatMap((block) => {
        const fault = blockFault(fd, block, readData);
        return fault
          ? [damage(`block at byte ${block.offset}: ${fault.what}`, fault.lost)]
          : unindexed(index, info, block);
      });
    });
  } catch (error) {
    const text = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'the file is missing' : messageOf(error);
    return [damage(text, lostWithoutDirectory(index, path, info))];
  }
}

function messageOf(error: unknown): string {
  if (error instanceof PlaitError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return `it cannot be read (${code})`;
  throw error;
}

function blockFault(
  fd: number,
  block: PackedBlock,
  readData: boolean,
): { what: string; lost: ObjectRef[] } | undefined {
  try {
    const bytes = readBlockAt(fd, block.offset);
    const found = checkBlock(bytes);
    if (found.crc !== block.crc || !sameTable(bytes, block))
      return { what: 'it is not what the directory says', lost: refs(block) };
    if (!readData) return undefined;
    const wrong = wrongObjects(openBlock(bytes));
    if (wrong.length === 0) return undefined;
    return {
      what: `${wrong.length} objects have other bytes than their ids say`,
      lost: wrong.map((n) => refAt(block, n)),
    };
  } catch (error) {
    return { what: messageOf(error), lost: refs(block) };
  }
}

const sameTable = (bytes: Buffer, block: PackedBlock): boolean =>
  bytes.subarray(BLOCK_HEADER, BLOCK_HEADER + block.table.length).equals(block.table);

const refAt = (block: PackedBlock, n: number): ObjectRef => ({ kind: block.kind, id: idAt(block, n) });
const refs = (block: PackedBlock): ObjectRef[] => Array.from({ length: block.count }, (_, n) => refAt(block, n));

/** Sound objects that the index does not know: nothing is lost, but nobody finds them either. */
function unindexed(index: IndexDb, info: PackInfo, block: PackedBlock): PackDamage[] {
  const ids = Buffer.alloc(block.count * 32);
  for (let n = 0; n < block.count; n++) ids.set(idAt(block, n), n * 32);
  const missing = index.has(info.volset, block.kind, ids).reduce((sum, here) => sum + (1 - here), 0);
  if (missing === 0) return [];
  return [{ volset: info.volset, pack: info.pack, what: `${missing} objects are not in the chunk index`, lost: [] }];
}

/** What the index expects of the pack, less what can still be read out of it block by block. */
function lostWithoutDirectory(index: IndexDb, path: string, info: PackInfo): ObjectRef[] {
  const safe = new Set<string>();
  try {
    withFile(path, (fd) => {
      for (const block of salvageBlocks(fd, info.volset)) {
        for (let n = 0; n < block.count; n++) safe.add(`${block.kind}${hex(idAt(block, n))}`);
      }
    });
  } catch {
    // Not even its beginning can be read: all of it is lost.
  }
  return index.objectsOfPack(info.volset, info.pack).filter(({ kind, id }) => !safe.has(`${kind}${hex(id)}`));
}
