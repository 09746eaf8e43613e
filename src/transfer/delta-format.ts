/**
 * Bytes of an entry `deltas/NNNNNN`: any number of zstd frames, all of one kind, and a directory that says what each
 * decodes to and which bytes of the base are its dictionary. Names roots, not snapshots: whoever holds the nodes can
 * decode it. See docs/protocol.md, "Deltas of data".
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { MAX_DELTA_BASE, MAX_DELTA_PIECES, MAX_DELTA_RAW, MAX_DELTA_TARGETS } from '../core/delta-limits.ts';
import { PlaitError } from '../core/errors.ts';
import { MAX_CHUNK } from '../core/extents.ts';
import { hex, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';
import { ByteReader } from '../core/varint.ts';
import { frameAt } from '../core/zstd-frame.ts';
import { bad, DirectoryReader, DirectoryWriter, type Run, repeat } from './delta-directory.ts';

/** Chunks of one file. */
export interface DeltaFile {
  path: PathKey;
  /** Path of the old file, in the base's tree; usually the same. */
  base: PathKey;
  /** Extents of the new file, ascending; holes among them are skipped. */
  targets: Run[];
  /** Bytes of the old file, in the order of the dictionary; holes among them are left out. */
  pieces: Run[];
}

export interface NodeDelta {
  targets: { id: NodeId; length: number }[];
  /** Whole nodes. */
  base: NodeId[];
  frame: Uint8Array;
}

export interface ChunkDelta {
  files: DeltaFile[];
  frame: Uint8Array;
}

export type DeltaEntry = { root: NodeId; baseRoot: NodeId } & (
  | { kind: 1; deltas: NodeDelta[] }
  | { kind: 0; deltas: ChunkDelta[] }
);

const VERSION = 1;
/** version, kind, codec of the directory, both roots. */
const FIXED = 3 + 32 + 32;
/** Bytes of a directory: readers refuse more, writers end an entry long before. */
const MAX_DIRECTORY = 1024 * 1024;
const MAX_FRAMES = 65_536;
/** Of a manifest node. */
const MAX_NODE = 1024 * 1024;
export function encodeDeltas(entry: DeltaEntry): Uint8Array {
  const directory = new DirectoryWriter();
  directory.number(entry.deltas.length);
  if (entry.kind === 1) for (const delta of entry.deltas) writeNodes(directory, delta);
  else {
    let path = '';
    for (const delta of entry.deltas) path = writeFiles(directory, delta, path);
  }
  const raw = directory.take();
  const packed = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: 9 } });
  const small = packed.length < raw.length;
  const stored = small ? packed : raw;
  const head = new DirectoryWriter();
  for (const byte of [VERSION, entry.kind, small ? 1 : 0]) head.bytes([byte]);
  head.bytes(unhex(entry.root));
  head.bytes(unhex(entry.baseRoot));
  head.number(raw.length);
  if (small) head.number(stored.length);
  return Buffer.concat([head.take(), stored, ...entry.deltas.map(({ frame }) => frame)]);
}

function writeNodes(to: DirectoryWriter, { targets, base, frame }: NodeDelta): void {
  to.number(targets.length);
  for (const { id, length } of targets) {
    to.bytes(unhex(id));
    to.number(length);
  }
  to.number(base.length);
  for (const id of base) to.bytes(unhex(id));
  to.number(frame.length);
}

function writeFiles(to: DirectoryWriter, { files, frame }: ChunkDelta, before: string): string {
  to.number(files.length);
  let last = before;
  for (const { path, base, targets, pieces } of files) {
    to.path(path, last);
    last = path;
    to.path(base, path);
    to.runs(targets);
    to.runs(pieces);
  }
  to.number(frame.length);
  return last;
}

/** Bounded whatever the bytes are; frames are views. @throws `protocol`, `format` (unknown version) */
export function decodeDeltas(bytes: Uint8Array): DeltaEntry {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'integrity') throw bad('their directory is malformed', error);
    throw error;
  }
}

function decode(bytes: Uint8Array): DeltaEntry {
  if (bytes.length > 0 && bytes[0] !== VERSION) {
    throw new PlaitError('format', `deltas of an unknown version, ${bytes[0]}`, { hint: 'update plait on this side' });
  }
  if (bytes.length < FIXED) throw bad('they are cut short');
  const [, kind, codec] = bytes;
  if (kind > 1 || codec > 1) throw bad('an unknown kind or codec');
  const root = hex(bytes.subarray(3, 35)) as NodeId;
  const baseRoot = hex(bytes.subarray(35, 67)) as NodeId;
  const outer = new ByteReader(bytes, FIXED);
  const length = outer.varint();
  if (length === 0 || length > MAX_DIRECTORY) throw bad('a directory of impossible length');
  const storedLength = codec === 1 ? outer.varint() : length;
  const start = outer.skip(storedLength);
  const stored = bytes.subarray(start, outer.pos);
  const from = new DirectoryReader(codec === 1 ? inflate(stored, length) : stored, bytes, outer.pos);
  const count = from.count(MAX_FRAMES);
  const entry: DeltaEntry =
    kind === 1
      ? { root, baseRoot, kind, deltas: repeat(count, () => readNodes(from)) }
      : { root, baseRoot, kind: 0, deltas: readChunks(from, count) };
  from.finish();
  return entry;
}

function inflate(stored: Uint8Array, length: number): Uint8Array {
  const frame = frameAt(stored, length);
  if ('fault' in frame) throw bad(`their directory is ${frame.fault}`);
  if (frame.length !== stored.length) throw bad('bytes after the frame of their directory');
  let raw: Uint8Array;
  try {
    raw = zstdDecompressSync(stored, { maxOutputLength: length });
  } catch (cause) {
    throw bad('their directory does not decompress to its length', cause);
  }
  if (raw.length !== length) throw bad('their directory does not decompress to its length');
  return raw;
}

function readNodes(from: DirectoryReader): NodeDelta {
  let raw = 0;
  const targets = repeat(from.count(MAX_DELTA_TARGETS), () => {
    const id = from.id();
    const length = from.count(MAX_NODE);
    raw += length;
    return { id, length };
  });
  if (raw > MAX_DELTA_RAW) throw bad('a frame decodes to more than it may');
  const base = repeat(from.count(MAX_DELTA_PIECES), () => from.id());
  return { targets, base, frame: from.frame() };
}

function readChunks(from: DirectoryReader, count: number): ChunkDelta[] {
  let path = '' as PathKey;
  return repeat(count, () => {
    let targets = 0;
    let pieces = 0;
    let bytes = 0;
    const files = repeat(from.count(MAX_DELTA_TARGETS), (): DeltaFile => {
      path = from.path(path);
      const file: DeltaFile = { path, base: from.path(path), targets: from.runs(), pieces: from.runs() };
      for (const [, run] of file.targets) {
        if (run === 0) throw bad('an empty run of extents');
        targets += run;
      }
      for (const [, run] of file.pieces) bytes += run;
      pieces += file.pieces.length;
      return file;
    });
    // Holes among the pieces do not count as dictionary, but no sender has a reason to name them.
    if (targets > MAX_DELTA_TARGETS || pieces > MAX_DELTA_PIECES || bytes > MAX_DELTA_BASE + MAX_CHUNK) {
      throw bad('a frame of more than it may hold');
    }
    return { files, frame: from.frame() };
  });
}
