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
import { MAX_PATH, type PathKey } from '../core/paths.ts';
import { ByteReader, varintSize, writeVarint } from '../core/varint.ts';
import { frameAt } from '../core/zstd-frame.ts';

/**
 * A run of extents of the new file (first index, how many), or of bytes of the old one (first byte, how many; 0 = up to
 * its end, which is what most files need and compresses best).
 */
export type Run = [start: number, count: number];

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
/** Bytes of all paths of an entry, written out: each may share all but its last byte with the one before. */
const MAX_PATHS = 16 * 1024 * 1024;
/** Of a manifest node. */
const MAX_NODE = 1024 * 1024;
/** No frame that gains anything is longer than what it decodes to. */
const MAX_FRAME = MAX_DELTA_RAW;

const bad = (what: string, cause?: unknown): PlaitError =>
  new PlaitError('protocol', `deltas: ${what}`, cause === undefined ? {} : { cause });

export function encodeDeltas(entry: DeltaEntry): Uint8Array {
  const directory = new Writer();
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
  const head = new Writer();
  for (const byte of [VERSION, entry.kind, small ? 1 : 0]) head.bytes([byte]);
  head.bytes(unhex(entry.root));
  head.bytes(unhex(entry.baseRoot));
  head.number(raw.length);
  if (small) head.number(stored.length);
  return Buffer.concat([head.take(), stored, ...entry.deltas.map(({ frame }) => frame)]);
}

function writeNodes(to: Writer, { targets, base, frame }: NodeDelta): void {
  to.number(targets.length);
  for (const { id, length } of targets) {
    to.bytes(unhex(id));
    to.number(length);
  }
  to.number(base.length);
  for (const id of base) to.bytes(unhex(id));
  to.number(frame.length);
}

function writeFiles(to: Writer, { files, frame }: ChunkDelta, before: string): string {
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
  const from = new Reader(codec === 1 ? inflate(stored, length) : stored, bytes, outer.pos);
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

function readNodes(from: Reader): NodeDelta {
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

function readChunks(from: Reader, count: number): ChunkDelta[] {
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

function repeat<T>(count: number, one: () => T): T[] {
  const items: T[] = [];
  for (let n = 0; n < count; n++) items.push(one());
  return items;
}

class Writer {
  #to = Buffer.allocUnsafe(4096);
  #at = 0;

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#to.length) return;
    const next = Buffer.allocUnsafe(Math.max(this.#to.length * 2, this.#at + bytes));
    this.#to.copy(next, 0, 0, this.#at);
    this.#to = next;
  }

  bytes(bytes: Uint8Array | number[]): void {
    this.#room(bytes.length);
    this.#to.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  number(value: number): void {
    this.#room(varintSize(value));
    this.#at = writeVarint(this.#to, this.#at, value);
  }

  /** As many bytes as it shares with the one before, then the rest of it. */
  path(path: string, before: string): void {
    let shared = 0;
    while (shared < path.length && shared < before.length && path[shared] === before[shared]) shared++;
    this.number(shared);
    this.number(path.length - shared);
    this.bytes(Buffer.from(path.slice(shared), 'latin1'));
  }

  /** Starts are counted from the end of the run before where they can be: sign and distance. */
  runs(runs: Run[]): void {
    this.number(runs.length);
    let end = 0;
    for (const [start, count] of runs) {
      this.number(start >= end ? (start - end) * 2 : (end - start) * 2 - 1);
      this.number(count);
      end = start + count;
    }
  }

  take(): Buffer {
    return this.#to.subarray(0, this.#at);
  }
}

class Reader {
  readonly #directory: ByteReader;
  readonly #bytes: Uint8Array;
  #next: number;
  #paths = 0;

  /** Frames lie in `bytes` from `frames` on. */
  constructor(directory: Uint8Array, bytes: Uint8Array, frames: number) {
    this.#directory = new ByteReader(directory);
    this.#bytes = bytes;
    this.#next = frames;
  }

  /** 1..max */
  count(max: number): number {
    const value = this.#directory.varint();
    if (value < 1 || value > max) throw bad('a number beyond its limit');
    return value;
  }

  id(): NodeId {
    const at = this.#directory.skip(32);
    return hex(this.#directory.bytes.subarray(at, at + 32)) as NodeId;
  }

  path(before: string): PathKey {
    const shared = this.#directory.varint();
    const length = this.#directory.varint();
    if (shared > before.length || shared + length > MAX_PATH || shared + length === 0) throw bad('an impossible path');
    this.#paths += shared + length;
    if (this.#paths > MAX_PATHS) throw bad('paths of more bytes than they may have');
    const at = this.#directory.skip(length);
    const rest = this.#directory.bytes.subarray(at, at + length);
    const suffix = Buffer.from(rest.buffer, rest.byteOffset, length).latin1Slice();
    if (length > 0 && shared < before.length && suffix[0] === before[shared]) throw bad('a path that shares more');
    return (before.slice(0, shared) + suffix) as PathKey;
  }

  runs(): Run[] {
    let end = 0;
    return repeat(this.count(MAX_DELTA_TARGETS), (): Run => {
      const step = this.#directory.varint();
      const start = step % 2 === 0 ? end + step / 2 : end - (step + 1) / 2;
      const count = this.#directory.varint();
      end = start + count;
      if (start < 0 || !Number.isSafeInteger(end)) throw bad('an impossible run');
      return [start, count];
    });
  }

  frame(): Uint8Array {
    const start = this.#next;
    this.#next += this.count(MAX_FRAME);
    if (this.#next > this.#bytes.length) throw bad('a frame is cut short');
    return this.#bytes.subarray(start, this.#next);
  }

  finish(): void {
    const { pos, end } = this.#directory;
    if (pos !== end || this.#next !== this.#bytes.length) throw bad('bytes behind their end');
  }
}
