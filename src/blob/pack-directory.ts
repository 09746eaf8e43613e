/**
 * Directory of a pack: what blocks it holds and where. Bytes: volset (16 raw) | block count u32 | per block: offset u32,
 * then the block's own header and table as they stand in the file. Its SHA-256 is the pack's name; since it covers
 * every block's checksum and every object's id, the name covers the content.
 */
import { PlaitError } from '../core/errors.ts';
import { unhex } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { BLOCK_HEADER, type BlockTable, idAt, parseHeader, TABLE_ROW } from './block.ts';
import type { ObjectRef } from './contract.ts';
import { PACK_MAX_BYTES } from './format.ts';

export const PACK_HEADER = 32;
const FIXED = 20;
/** Fewer bytes than this hold no block. */
const SMALLEST_BLOCK = BLOCK_HEADER + TABLE_ROW + 1;

export interface PackedBlock extends BlockTable {
  /** Where the block begins in the pack. */
  offset: number;
}

export const refAt = (block: PackedBlock, n: number): ObjectRef => ({ kind: block.kind, id: idAt(block, n) });
/** In the order of the block's table. */
export const refsOf = (block: PackedBlock): ObjectRef[] =>
  Array.from({ length: block.count }, (_, n) => refAt(block, n));

/** Collects a directory while blocks are appended. */
export class DirectoryBuilder {
  readonly #parts: Uint8Array[] = [];
  length = FIXED;
  blocks = 0;
  objects = 0;

  add(offset: number, block: Uint8Array, count: number): void {
    const entry = Buffer.allocUnsafe(4 + BLOCK_HEADER + count * TABLE_ROW);
    entry.writeUInt32LE(offset, 0);
    entry.set(block.subarray(0, entry.length - 4), 4);
    this.#parts.push(entry);
    this.length += entry.length;
    this.blocks++;
    this.objects += count;
  }

  encode(volset: VolsetId): Buffer {
    const head = Buffer.alloc(FIXED);
    head.set(unhex(volset), 0);
    head.writeUInt32LE(this.blocks, 16);
    return Buffer.concat([head, ...this.#parts], this.length);
  }
}

const broken = (what: string): PlaitError => new PlaitError('integrity', `A pack's directory is malformed: ${what}.`);

/** Blocks in file order. `end` is where the directory begins: no block may reach beyond it. */
export function parseDirectory(bytes: Uint8Array, volset: VolsetId, end: number): PackedBlock[] {
  if (bytes.length < FIXED || end > PACK_MAX_BYTES) throw broken('it is too short, or the pack too long');
  if (!Buffer.from(bytes.subarray(0, 16)).equals(unhex(volset))) throw broken('it belongs to another volume set');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(16, true);
  if (count * (4 + SMALLEST_BLOCK - 1) > bytes.length) throw broken(`${count} blocks`);
  const blocks: PackedBlock[] = [];
  let at = FIXED;
  let free = PACK_HEADER;
  for (let n = 0; n < count; n++) {
    if (at + 4 > bytes.length) throw broken('it is cut off');
    const offset = view.getUint32(at, true);
    const block = parseHeader(bytes.subarray(at + 4));
    if (offset !== free) throw broken('blocks overlap or leave gaps');
    free = offset + block.totalLength;
    if (free > end) throw broken('a block reaches beyond the pack');
    blocks.push({ ...block, offset });
    at += 4 + BLOCK_HEADER + block.table.length;
  }
  if (at !== bytes.length || free !== end) throw broken('its lengths do not add up');
  return blocks;
}
