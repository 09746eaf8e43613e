/** What a blob diff consists of: entry names, header and trailer, limits, the digest over its entries. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { parseJson } from '../core/bounded-json.ts';
import { PlaitError } from '../core/errors.ts';
import {
  isHash,
  isSnapshotId,
  isStoreId,
  isVolsetId,
  type SnapshotId,
  type StoreId,
  type VolsetId,
} from '../core/ids.ts';
import { isBlobNumber } from '../core/intervals.ts';

/** What is written; format 1, without parts and deltas, is still read. */
export const BLOB_DIFF_FORMAT = 2;

export interface DiffSnapshot {
  id: SnapshotId;
  /** Whose blob the receiver is expected to hold, or an earlier one of this stream; null: sent whole. */
  base: SnapshotId | null;
  /** The sender's number of this blob, where it numbers them: sealed once the blob is complete. */
  number?: number;
}

export interface DiffHeader {
  volset: VolsetId;
  /**
   * One part of an upload: any of the markers of `snapshots`, in order, and blocks wherever they fall. Without it all
   * markers are there, and every block belongs to the marker that follows.
   */
  part?: true;
  /** Oldest first; the order of the stream. Of a part: those whose markers are in it, or whom its deltas are for. */
  snapshots: DiffSnapshot[];
  /** Of a bundle: the store that wrote it. Only then generations and refs may occur. */
  store?: StoreId;
}

export interface DiffTrailer {
  blocks: number;
  deltas: number;
  snapshots: number;
  /** Content bytes of all entries before the trailer. */
  bytes: number;
  /**
   * SHA-256, hex, over one line `NAME SIZE CRC32\n` per entry before the trailer, CRC as 8 hex digits: of the whole
   * content, but of a block only over its first 24 bytes, its header, in which its own checksum stands.
   */
  digest: string;
}

export type DiffEntry =
  /** One encoded block, as the blob engine wrote it. */
  | { entry: 'block'; bytes: Uint8Array }
  /** Encoded deltas of one kind (delta-format.ts), 1 = manifest nodes; `for`: the snapshot of the header whose data it is; `raw`: bytes that they decode to. */
  | { entry: 'delta'; bytes: Uint8Array; kind: 0 | 1; for: SnapshotId; raw?: number }
  /** A marker: with what came before, this snapshot is complete. `bytes` is its body, canonical. */
  | { entry: 'snapshot'; id: SnapshotId; bytes: Uint8Array }
  /** Lines of JSON, one generation each; bundles only, before the first block. */
  | { entry: 'generations'; bytes: Uint8Array }
  /** JSON, bundles only, after the last snapshot. */
  | { entry: 'refs'; bytes: Uint8Array };

/** Bytes of one entry by its kind, and of all together; checked before anything is buffered. */
export interface DiffLimits {
  header: number;
  block: number;
  delta: number;
  body: number;
  generations: number;
  refs: number;
  total: number;
}

const MiB = 1024 * 1024;
export const TRANSFER_LIMITS: DiffLimits = {
  header: MiB,
  // A block holds at most 4 MiB raw; what does not compress lies raw, and its directory comes on top.
  block: 8 * MiB,
  delta: 4 * MiB,
  body: 64 * 1024,
  generations: 0,
  refs: 0,
  total: Number.POSITIVE_INFINITY,
};
/** A bundle names every snapshot of a history in its header. */
export const BUNDLE_LIMITS: DiffLimits = {
  ...TRANSFER_LIMITS,
  header: 64 * MiB,
  // Written in entries of 1 MiB and at most one generation more.
  generations: 8 * MiB,
  refs: 16 * MiB,
};

export const HEADER = 'header.json';
export const TRAILER = 'trailer.json';
export const REFS = 'refs.json';
const BLOCK = /^blocks\/([0-9]{6,10})$/;
const DELTA = /^deltas\/([0-9]{6,10})$/;
const SNAPSHOT = /^snapshots\/([0-9a-f]{64})\.json$/;
const GENERATIONS = /^generations\/([0-9]{6,10})\.ndjson$/;
const MAX_TRAILER = 4096;
/** Bytes of a block's header (docs/protocol.md, "Blocks"). */
const BLOCK_HEADER = 24;

const numbered = (n: number): string => String(n).padStart(6, '0');
export const blockName = (n: number): string => `blocks/${numbered(n)}`;
export const deltaName = (n: number): string => `deltas/${numbered(n)}`;
export const generationsName = (n: number): string => `generations/${numbered(n)}.ndjson`;
export const snapshotName = (id: SnapshotId): string => `snapshots/${id}.json`;

export const bad = (what: string, code: 'protocol' | 'integrity' | 'quota' = 'protocol'): PlaitError =>
  new PlaitError(code, `blob diff: ${what}`);

/** Limit for an entry of that name; throws `protocol` for a name that is none of ours. */
export function entryLimit(name: string, limits: DiffLimits): number {
  if (BLOCK.test(name)) return limits.block;
  if (DELTA.test(name)) return limits.delta;
  if (SNAPSHOT.test(name)) return limits.body;
  if (GENERATIONS.test(name)) return limits.generations;
  if (name === HEADER) return limits.header;
  if (name === TRAILER) return MAX_TRAILER;
  if (name === REFS) return limits.refs;
  throw bad('an entry of unknown name');
}

export function encodeHeader(header: DiffHeader): Uint8Array {
  const { volset, part, snapshots, store } = header;
  const listed = snapshots.map(({ id, base, number }) => ({ id, base, number }));
  return Buffer.from(`${JSON.stringify({ format: BLOB_DIFF_FORMAT, volset, part, store, snapshots: listed })}\n`);
}

export function decodeHeader(bytes: Uint8Array): DiffHeader {
  const { format, volset, part, store, snapshots } = parseObject(bytes, 'header');
  if (format !== BLOB_DIFF_FORMAT && format !== 1) {
    throw new PlaitError('format', 'this blob diff has a format that this plait does not know', {
      hint: 'update plait on this side',
    });
  }
  if (!isVolsetId(volset)) throw bad('its header names no volset');
  if (store !== undefined && !isStoreId(store)) throw bad('its header names no valid store');
  if (part !== undefined && (part !== true || format === 1 || store !== undefined))
    throw bad("its header is no part's");
  if (!Array.isArray(snapshots)) throw bad('its header lists no snapshots');
  const listed = decodeSnapshots(snapshots);
  return { volset, snapshots: listed, ...(part && { part }), ...(store !== undefined && { store }) };
}

function decodeSnapshots(items: unknown[]): DiffSnapshot[] {
  const seen = new Set<string>();
  return items.map((item) => {
    const { id, base, number } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
    if (!isSnapshotId(id) || !(base === null || isSnapshotId(base))) throw bad('its header lists an invalid snapshot');
    if (number !== undefined && !isBlobNumber(number)) throw bad('its header lists an invalid number');
    if (seen.has(id)) throw bad('its header lists a snapshot twice');
    seen.add(id);
    return { id, base, ...(number !== undefined && { number }) };
  });
}

export const encodeTrailer = (trailer: DiffTrailer): Uint8Array => Buffer.from(`${JSON.stringify(trailer)}\n`);

export function decodeTrailer(bytes: Uint8Array): DiffTrailer {
  // Format 1 knew no deltas.
  const { blocks, deltas = 0, snapshots, bytes: total, digest } = parseObject(bytes, 'trailer');
  const counts = [blocks, deltas, snapshots, total];
  if (!counts.every((n) => Number.isSafeInteger(n)) || !isHash(digest)) throw bad('its trailer is invalid');
  return { blocks, deltas, snapshots, bytes: total, digest } as DiffTrailer;
}

export function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(bytes);
  } catch (error) {
    if (error instanceof PlaitError) throw error;
    throw bad(`its ${what} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`its ${what} is not an object`);
  return value as Record<string, unknown>;
}

/** Counts what passes, for the trailer. */
export class DiffTally {
  blocks = 0;
  deltas = 0;
  snapshots = 0;
  bytes = 0;
  readonly #digest = createHash('sha256');

  add(name: string, content: Uint8Array): void {
    this.bytes += content.byteLength;
    const block = name.startsWith('blocks/');
    if (block) this.blocks++;
    if (name.startsWith('deltas/')) this.deltas++;
    if (name.startsWith('snapshots/')) this.snapshots++;
    // Blocks are checked by their own checksum and by hashes; this sum shows that none was lost, added or swapped.
    const crc = crc32(block ? content.subarray(0, BLOCK_HEADER) : content);
    this.#digest.update(`${name} ${content.byteLength} ${crc.toString(16).padStart(8, '0')}\n`);
  }

  trailer(): DiffTrailer {
    const { blocks, deltas, snapshots, bytes } = this;
    return { blocks, deltas, snapshots, bytes, digest: this.#digest.digest('hex') };
  }
}
