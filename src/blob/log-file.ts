/**
 * packs/<volset>/log.open: objects that must be durable one small batch at a time (generations, states). Blocks are appended
 * and synced; at 16 MiB the file gets a directory and becomes a pack. Callers hold the index's write lock throughout,
 * so there is one appender. A torn tail of a crash is cut off by the next append; sound blocks behind a damaged place
 * are no torn tail and are kept.
 */
import { closeSync, existsSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, objectHash } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { openExclusive, renameDurable, writeAll } from '../disk/durable.ts';
import { openUpdate, removeFile, syncFile, truncateTo } from '../disk/files.ts';
import { BLOCK_HEADER, type BlockTable, checkBlock, parseFixed } from './block.ts';
import { BlockBuilder } from './block-builder.ts';
import { LOG_TARGET } from './format.ts';
import type { IndexWrite } from './index-db.ts';
import { checkHead, packFooter, packHeader, readAt, type SalvagedBlock, salvageBlocks } from './pack.ts';
import { DirectoryBuilder, PACK_HEADER } from './pack-directory.ts';
import { ensurePackDir, packPath, readPackContent } from './pack-scan.ts';

const BLOCK_START = Buffer.from('PLTB', 'latin1');

export const logPath = (packsDir: string, volset: VolsetId): string => join(packsDir, volset, 'log.open');

export interface LogTail {
  /** Where the last sound block ends; the file had this length when it was looked at. */
  end: number;
  inode: bigint;
}

/** Appends and syncs. `known` saves reading the file when nobody else has appended since. Answers with the new tail. */
export function appendLog(
  tx: IndexWrite,
  packsDir: string,
  volset: VolsetId,
  { generations, states }: { generations: readonly Uint8Array[]; states: readonly Uint8Array[] },
  known: LogTail | undefined,
): LogTail | undefined {
  const path = logPath(packsDir, volset);
  let fd = openLog(path, volset);
  try {
    let end = soundEnd(fd, volset, known);
    if (end === undefined) {
      const mended = withoutDamage(fd, path, volset);
      closeSync(fd);
      fd = mended.fd;
      end = mended.end;
    }
    truncateTo(fd, end);
    for (const blocks of [encodeAll(KIND.generation, generations), encodeAll(KIND.state, states)]) {
      for (const block of blocks) {
        writeAll(fd, block, end);
        end += block.length;
      }
    }
    syncFile(fd);
    const tail = { end, inode: fstatSync(fd, { bigint: true }).ino };
    if (end < LOG_TARGET) return tail;
    sealLog(tx, fd, path, packsDir, volset, end);
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function openLog(path: string, volset: VolsetId): number {
  if (existsSync(path)) return openUpdate(path);
  ensurePackDir(path);
  // Under its name only with its header: a power cut could leave one without, which belongs to no volset.
  const made = `${path}.new`;
  removeFile(made);
  const fd = openExclusive(made);
  try {
    writeAll(fd, packHeader(volset), 0);
    syncFile(fd);
    renameDurable(made, path);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Where to go on; undefined when something before the last sound block is damaged. */
function soundEnd(fd: number, volset: VolsetId, known: LogTail | undefined): number | undefined {
  const { size, ino } = fstatSync(fd, { bigint: true });
  if (known && known.inode === ino && BigInt(known.end) === size) return known.end;
  if (size < PACK_HEADER) {
    // A crash between creation and the first sync: nothing was ever acknowledged from here.
    truncateTo(fd, 0);
    writeAll(fd, packHeader(volset), 0);
    return PACK_HEADER;
  }
  if (!beginsSoundly(fd, volset)) return undefined;
  let end = PACK_HEADER;
  for (const block of logBlocks(fd, volset)) {
    if (block.offset !== end) return undefined;
    end += block.totalLength;
  }
  return end;
}

/** A header of another version is not ours to mend. */
function beginsSoundly(fd: number, volset: VolsetId): boolean {
  try {
    checkHead(fd, volset);
    return true;
  } catch (error) {
    if (error instanceof PlaitError && error.code !== 'format') return false;
    throw error;
  }
}

/** Every sound block of the log, also behind damage: this is the only copy of generations beside meta.db. */
export function* logBlocks(fd: number, volset: VolsetId): Generator<SalvagedBlock> {
  let end = PACK_HEADER;
  if (beginsSoundly(fd, volset)) {
    for (const block of salvageBlocks(fd, volset)) {
      yield block;
      end = block.offset + block.totalLength;
    }
  }
  const rest = readAt(fd, end, Math.max(0, fstatSync(fd).size - end));
  for (let at = rest.indexOf(BLOCK_START, end === PACK_HEADER ? 0 : 1); at >= 0; ) {
    const block = soundBlock(rest.subarray(at));
    if (block) yield { ...block, offset: end + at };
    at = rest.indexOf(BLOCK_START, at + (block?.totalLength ?? 1));
  }
}

function soundBlock(bytes: Buffer): (BlockTable & { bytes: Buffer }) | undefined {
  try {
    if (bytes.length < BLOCK_HEADER) return undefined;
    const block = bytes.subarray(0, parseFixed(bytes).totalLength);
    return { ...checkBlock(block), bytes: block };
  } catch (error) {
    if (error instanceof PlaitError) return undefined;
    throw error;
  }
}

/** The log with its sound blocks only, put in place of the damaged one. */
function withoutDamage(from: number, path: string, volset: VolsetId): { fd: number; end: number } {
  const made = `${path}.new`;
  removeFile(made);
  const fd = openExclusive(made);
  try {
    writeAll(fd, packHeader(volset), 0);
    let end = PACK_HEADER;
    for (const { bytes } of logBlocks(from, volset)) {
      writeAll(fd, bytes, end);
      end += bytes.length;
    }
    syncFile(fd);
    renameDurable(made, path);
    return { fd, end };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function* encodeAll(kind: Kind, bodies: readonly Uint8Array[]): Generator<Uint8Array> {
  const builder = new BlockBuilder(kind);
  for (const bytes of bodies) {
    if (!builder.fits(bytes.length)) yield builder.encode();
    builder.add(objectHash(kind, bytes), bytes);
    if (builder.full) yield builder.encode();
  }
  if (builder.count > 0) yield builder.encode();
}

function sealLog(tx: IndexWrite, fd: number, path: string, packsDir: string, volset: VolsetId, end: number): void {
  const builder = new DirectoryBuilder();
  for (const { bytes, offset } of salvageBlocks(fd, volset)) builder.add(offset, bytes, parseFixed(bytes).count);
  const directory = builder.encode(volset);
  const { pack, footer } = packFooter(directory, end);
  writeAll(fd, directory, end);
  writeAll(fd, footer, end + directory.length);
  syncFile(fd);
  const target = packPath(packsDir, volset, pack);
  renameDurable(path, target);
  const { row, rows } = readPackContent(packsDir, volset, pack);
  if (row.objects === 0) throw new PlaitError('integrity', 'A log was sealed into an unreadable pack.');
  tx.rows.objects(tx.rows.pack(row), rows);
}
