/**
 * Blocks: objects of one kind compressed together, self-describing. Layout (24-byte header, table, payload):
 *
 *   0 magic "PLTB" | 4 version u8 | 5 kind u8 | 6 codec u8 | 7 zero u8 | 8 count u32 | 12 rawLength u32
 *   16 storedLength u32 | 20 crc32 u32 of bytes 0..20, table and payload
 *   24 count x (length u32, id 32 bytes) | payload: storedLength bytes
 *
 * Reading is three steps of rising cost: `parseHeader` (lengths, nothing allocated by a claim), `openBlock` (checksum,
 * decompression), `verifyObjects` (hashes). Faults of bytes that a peer may have made are `protocol` where the format
 * is broken and `integrity` where checksum or hash is.
 */
import { crc32, zstdDecompressSync } from 'node:zlib';
import { PlaitError } from '../core/errors.ts';
import { hex, KIND, type Kind, objectHash } from '../core/hash.ts';
import { frameAt } from '../core/zstd-frame.ts';
import { BLOCK_MAX_OBJECTS, BLOCK_MAX_RAW, CODEC, type Codec, FORMAT_VERSION, ID_BYTES, MAX_OBJECT } from './format.ts';
import { release } from './release.ts';

export const BLOCK_HEADER = 24;
export const TABLE_ROW = 4 + ID_BYTES;
export const BLOCK_MAGIC = 0x42544c50; // "PLTB"

export interface BlockHeader {
  kind: Kind;
  codec: Codec;
  count: number;
  rawLength: number;
  storedLength: number;
  crc: number;
  /** Header + table + payload. */
  totalLength: number;
}

/** A header with its table: where each object lies in the raw data. */
export interface BlockTable extends BlockHeader {
  /** The block's own bytes of the table, count x 36; ids are views into it. */
  table: Uint8Array;
  /** Offset of each object in the raw data, count + 1 numbers (the last is rawLength). */
  offsets: Uint32Array;
}

const broken = (what: string): PlaitError => new PlaitError('protocol', `A block is malformed: ${what}.`);
const damaged = (what: string): PlaitError => new PlaitError('integrity', `A block is damaged: ${what}.`);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Fixed part only, of at least 24 bytes; checks every limit, so that totalLength is safe to allocate. */
export function parseFixed(bytes: Uint8Array): BlockHeader {
  if (bytes.length < BLOCK_HEADER) throw broken('it is shorter than its header');
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== BLOCK_MAGIC) throw broken('its first bytes are not those of a block');
  if (bytes[4] !== FORMAT_VERSION) {
    throw new PlaitError('format', `A block has format version ${bytes[4]}; this plait knows ${FORMAT_VERSION}.`, {
      hint: 'Use a newer plait.',
    });
  }
  const [kind, codec, zero] = [bytes[5], bytes[6], bytes[7]];
  if (kind > KIND.state) throw broken(`unknown kind ${kind}`);
  if (codec > 1 || zero !== 0) throw broken('unknown codec or flags');
  const count = view.getUint32(8, true);
  const rawLength = view.getUint32(12, true);
  const storedLength = view.getUint32(16, true);
  if (count < 1 || count > BLOCK_MAX_OBJECTS) throw broken(`${count} objects`);
  if (rawLength < count || rawLength > BLOCK_MAX_RAW) throw broken(`raw length ${rawLength}`);
  if (codec === CODEC.raw ? storedLength !== rawLength : storedLength >= rawLength || storedLength === 0) {
    throw broken(`stored length ${storedLength} of ${rawLength}`);
  }
  const totalLength = BLOCK_HEADER + count * TABLE_ROW + storedLength;
  return {
    kind: kind as Kind,
    codec: codec as Codec,
    count,
    rawLength,
    storedLength,
    crc: view.getUint32(20, true),
    totalLength,
  };
}

/** Header and table of a block whose first bytes are given (the payload may be missing). Cheap; hashes nothing. */
export function parseHeader(bytes: Uint8Array): BlockTable {
  const header = parseFixed(bytes);
  const end = BLOCK_HEADER + header.count * TABLE_ROW;
  if (bytes.length < end) throw broken('its table is cut off');
  const table = bytes.subarray(BLOCK_HEADER, end);
  const view = viewOf(table);
  const offsets = new Uint32Array(header.count + 1);
  const limit = MAX_OBJECT[header.kind];
  let sum = 0;
  for (let n = 0; n < header.count; n++) {
    const length = view.getUint32(n * TABLE_ROW, true);
    if (length < 1 || length > limit) throw broken(`an object of ${length} bytes`);
    sum += length;
    if (sum > header.rawLength) break;
    offsets[n + 1] = sum;
  }
  if (sum !== header.rawLength) throw broken('object lengths do not add up');
  return { ...header, table, offsets };
}

/** Id of the n-th object, a view. */
export const idAt = (block: BlockTable, n: number): Uint8Array =>
  block.table.subarray(n * TABLE_ROW + 4, (n + 1) * TABLE_ROW);

/** The checksum as the format defines it: everything but the checksum itself. */
export const blockCrc = (bytes: Uint8Array): number =>
  crc32(bytes.subarray(BLOCK_HEADER), crc32(bytes.subarray(0, BLOCK_HEADER - 4)));

/** Exactly one block, whole and with the right checksum; nothing decompressed. */
export function checkBlock(bytes: Uint8Array): BlockTable {
  const block = parseHeader(bytes);
  if (bytes.length !== block.totalLength) throw broken(`${bytes.length} bytes where ${block.totalLength} are declared`);
  if (blockCrc(bytes) !== block.crc) throw damaged('wrong checksum');
  return block;
}

function inflate(block: BlockHeader, payload: Uint8Array): Uint8Array {
  const frame = frameAt(payload, block.rawLength);
  if ('fault' in frame) throw broken(frame.fault);
  if (frame.length !== payload.length) throw broken('bytes after its zstd frame');
  let raw: Buffer;
  try {
    // One byte more than needed keeps the decompressor from asking for a second buffer.
    const chunkSize = Math.max(64, block.rawLength + 1);
    raw = zstdDecompressSync(payload, { chunkSize, maxOutputLength: block.rawLength });
  } catch (cause) {
    throw new PlaitError('integrity', 'A block is damaged: it does not decompress to its declared size.', { cause });
  }
  if (raw.length !== block.rawLength)
    throw broken(`${raw.length} bytes in its zstd frame, ${block.rawLength} declared`);
  return raw;
}

export interface OpenBlock extends BlockTable {
  /** All objects' bytes, one after the other. */
  raw: Uint8Array;
}

/** Checks the whole block and decompresses it; object hashes are not checked (`verifyObjects`). */
export function openBlock(bytes: Uint8Array): OpenBlock {
  const block = checkBlock(bytes);
  const payload = bytes.subarray(BLOCK_HEADER + block.count * TABLE_ROW);
  return { ...block, raw: block.codec === CODEC.raw ? payload : inflate(block, payload) };
}

export type KeptBlock = Pick<OpenBlock, 'kind' | 'raw'>;

/** Opened as by `openBlock`, to be kept: of `bytes`, which must be nobody else's, nothing stays beside what it hands out. */
export function keptBlock(bytes: Uint8Array): KeptBlock {
  const { kind, codec, raw } = openBlock(bytes);
  if (codec !== CODEC.raw) release(bytes);
  // A small one is a piece of a pool.
  return { kind, raw: raw.buffer.byteLength > 2 * raw.length + TABLE_ROW ? Uint8Array.from(raw) : raw };
}

export const objectAt = (block: OpenBlock, n: number): Uint8Array =>
  block.raw.subarray(block.offsets[n], block.offsets[n + 1]);

/** Numbers of the objects whose bytes do not have their hash. */
export function wrongObjects(block: OpenBlock): number[] {
  const wrong: number[] = [];
  for (let n = 0; n < block.count; n++) {
    if (!objectHash(block.kind, objectAt(block, n)).equals(idAt(block, n))) wrong.push(n);
  }
  return wrong;
}

/** Throws `integrity` unless every object has its hash. */
export function verifyObjects(block: OpenBlock): void {
  const [first] = wrongObjects(block);
  if (first !== undefined) throw damaged(`object ${hex(idAt(block, first))} has other bytes than its id says`);
}
