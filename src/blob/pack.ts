/**
 * Packs: files of blocks with a directory at the end. Bytes: header (magic "PLTPACK\0", version u32, zero u32, volset
 * 16 raw) | blocks | directory (pack-directory.ts) | footer (directory offset u64, directory length u32, version u32,
 * SHA-256 of the directory, magic "PLTPEND\0"). A file without footer is an unfinished pack: quarantine, `log.open`.
 */

import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import { hex, unhex } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { BLOCK_HEADER, type BlockTable, checkBlock, parseFixed } from './block.ts';
import { DIRECTORY_MAX_BYTES, FORMAT_VERSION, PACK_MAX_BYTES } from './format.ts';
import { PACK_HEADER, type PackedBlock, parseDirectory } from './pack-directory.ts';

export const PACK_FOOTER = 56;
const HEAD_MAGIC = Buffer.from('PLTPACK\0', 'latin1');
const END_MAGIC = Buffer.from('PLTPEND\0', 'latin1');

export function packHeader(volset: VolsetId): Buffer {
  const head = Buffer.alloc(PACK_HEADER);
  head.set(HEAD_MAGIC, 0);
  head.writeUInt32LE(FORMAT_VERSION, 8);
  head.set(unhex(volset), 16);
  return head;
}

/** Pack id (64 hex digits) and footer of a pack whose directory begins at `offset`. */
export function packFooter(directory: Uint8Array, offset: number): { pack: string; footer: Buffer } {
  const sum = hash('sha256', directory, 'buffer');
  const footer = Buffer.alloc(PACK_FOOTER);
  footer.writeBigUInt64LE(BigInt(offset), 0);
  footer.writeUInt32LE(directory.length, 8);
  footer.writeUInt32LE(FORMAT_VERSION, 12);
  footer.set(sum, 16);
  footer.set(END_MAGIC, 48);
  return { pack: hex(sum), footer };
}

const damaged = (what: string): PlaitError => new PlaitError('integrity', `A pack is damaged: ${what}.`);

/** Exactly `length` bytes at `offset`, or fewer where the file ends. */
export function readAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const got = readSync(fd, bytes, done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return done === length ? bytes : bytes.subarray(0, done);
}

/** Whole encoded block at `offset`; its lengths are checked before they are believed, its checksum is not. */
export function readBlockAt(fd: number, offset: number): Buffer {
  const head = readAt(fd, offset, BLOCK_HEADER);
  if (head.length < BLOCK_HEADER) throw damaged('a block lies beyond its end');
  const { totalLength } = parseFixed(head);
  const bytes = readAt(fd, offset, totalLength);
  if (bytes.length < totalLength) throw damaged('a block is cut off');
  return bytes;
}

export function checkHead(fd: number, volset: VolsetId): void {
  const head = readAt(fd, 0, PACK_HEADER);
  if (head.length < PACK_HEADER || !head.subarray(0, 8).equals(HEAD_MAGIC)) throw damaged('it does not begin as one');
  checkVersion(head.readUInt32LE(8));
  if (!head.equals(packHeader(volset))) throw damaged('it belongs to another volume set');
}

function checkVersion(version: number): void {
  if (version === FORMAT_VERSION) return;
  throw new PlaitError('format', `A pack has format version ${version}; this plait knows ${FORMAT_VERSION}.`, {
    hint: 'Use a newer plait.',
  });
}

/** Directory of a sealed pack. `pack`, where given, is the name it must have. */
export function readDirectory(fd: number, volset: VolsetId, pack?: string): { pack: string; blocks: PackedBlock[] } {
  const { size } = fstatSync(fd);
  if (size < PACK_HEADER + PACK_FOOTER || size > PACK_MAX_BYTES) throw damaged(`${size} bytes long`);
  checkHead(fd, volset);
  const footer = readAt(fd, size - PACK_FOOTER, PACK_FOOTER);
  if (!footer.subarray(48).equals(END_MAGIC)) throw damaged('it does not end as one');
  checkVersion(footer.readUInt32LE(12));
  const offset = Number(footer.readBigUInt64LE(0));
  const length = footer.readUInt32LE(8);
  if (length > DIRECTORY_MAX_BYTES || offset + length + PACK_FOOTER !== size) throw damaged('wrong directory length');
  const directory = readAt(fd, offset, length);
  const sum = hash('sha256', directory, 'buffer');
  if (!sum.equals(footer.subarray(16, 48))) throw damaged('wrong directory checksum');
  if (pack !== undefined && hex(sum) !== pack) throw damaged('it is not the pack that its name says');
  return { pack: hex(sum), blocks: parseDirectory(directory, volset, offset) };
}

export interface SalvagedBlock extends BlockTable {
  offset: number;
  bytes: Buffer;
}

/**
 * Blocks of a file that may be unfinished, in order, up to the first that is not whole and sound (its bytes are
 * handed out too, as they had to be read). The end of the last one is where an appender goes on.
 */
export function* salvageBlocks(fd: number, volset: VolsetId): Generator<SalvagedBlock, void, undefined> {
  checkHead(fd, volset);
  for (let offset = PACK_HEADER; ; ) {
    let bytes: Buffer;
    let block: BlockTable;
    try {
      bytes = readBlockAt(fd, offset);
      block = checkBlock(bytes);
    } catch (error) {
      if (error instanceof PlaitError) return;
      throw error;
    }
    yield { ...block, offset, bytes };
    offset += block.totalLength;
  }
}

/** Runs `use` with the file open for reading. */
export function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
