/**
 * The stat cache: for every path of the base what lstat showed when its entry was known to be right. A flat sorted file
 * read and written as a stream, so its size costs no memory.
 *
 *   header   "plait stat cache 1\n", root (64 hex digits, zeros = none), crc u32 of both
 *   section  payload length u32, crc u32 of the payload, payload of whole records
 *   end      a section of length 0 whose crc field holds the number of records mod 2^32
 *   record   flags u8, kind u8, path length u16, entry length u32, mode u32, size f64, mtime i64, ctime i64, ino u64,
 *            path, entry
 *
 * All little-endian. A file that does not check out is thrown away: everything is read again, nothing is guessed.
 */
import type { BigIntStats } from 'node:fs';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { EntryKind } from '../core/entry.ts';
import type { NodeId } from '../core/ids.ts';
import { type PathKey, ROOT } from '../core/paths.ts';
import type { FileStat } from '../core/stat.ts';
import { openExclusive, writeAll } from '../disk/durable.ts';
import { removeFile, renameFile } from '../disk/files.ts';
import type { BaseEntries } from './contract.ts';

export const FLAG = {
  /** The stat may be relied on: equal now means nothing has changed. */
  trusted: 1,
  /** A checkout could not write this path; what the stat shows (nothing, or the old file) stands for the entry. */
  held: 2,
  /** Another file system was mounted here. */
  mount: 4,
  /** Only in a delta: the path is gone. */
  deleted: 8,
} as const;

const MAGIC = Buffer.from('plait stat cache 1\n');
const ROOT_AT = MAGIC.length;
const HEADER = ROOT_AT + 64 + 4;
const FRAME = 8;
const FIXED = 48;
const SECTION = 1 << 18;
/** Longest path and entry are far below; a section may exceed SECTION by one record. */
const MAX_SECTION = SECTION + FIXED + 65_536 + 65_536;
const NO_ROOT = '0'.repeat(64);

const KINDS: EntryKind[] = ['file', 'dir', 'symlink'];
/** Kind byte of an encoded entry and of a record: 1 file, 2 dir, 3 symlink. */
export const kindOfByte = (byte: number): EntryKind => KINDS[byte - 1];

/** Base entries in path order with what is known of their stats. */
export interface BaseCursor {
  path: PathKey;
  flags: number;
  /** See kindOfByte. */
  kind: number;
  next(): boolean;
  /** View, valid until `next`. */
  entry(): Uint8Array;
  /** True when the record's stat is to be relied on and shows the same as `stats`. */
  isSame(stats: BigIntStats): boolean;
  /** Type and permission bits when last seen; 0 = unknown. */
  readonly mode: number;
  /** When last seen; of a directory only for comparing with what a checkout or snapshot left. */
  readonly mtimeNs: bigint;
  close(): void;
}

/** What a record keeps of a stat. */
export type KeptStat = Pick<FileStat, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino' | 'mode'>;

export class CacheReader implements BaseCursor {
  path = ROOT;
  flags = 0;
  kind = 0;
  #fd: number;
  #at = HEADER;
  #buffer: Buffer = Buffer.allocUnsafe(SECTION + FRAME);
  #view: DataView = new DataView(this.#buffer.buffer, this.#buffer.byteOffset);
  #text = '';
  #pos = 0;
  #end = 0;
  #next = 0;

  /** `path` must have passed `checkCache`. */
  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  next(): boolean {
    if (this.#next >= this.#end && !this.#load()) return false;
    const view = this.#view;
    const pos = this.#next;
    this.#pos = pos;
    this.flags = view.getUint8(pos);
    this.kind = view.getUint8(pos + 1);
    const pathEnd = pos + FIXED + view.getUint16(pos + 2, true);
    this.path = this.#text.slice(pos + FIXED, pathEnd) as PathKey;
    this.#next = pathEnd + view.getUint32(pos + 4, true);
    return true;
  }

  entry(): Uint8Array {
    const start = this.#pos + FIXED + this.path.length;
    return this.#buffer.subarray(start, this.#next);
  }

  /** The whole record, for copying. */
  record(): Uint8Array {
    return this.#buffer.subarray(this.#pos, this.#next);
  }

  get mode(): number {
    return this.#view.getUint32(this.#pos + 8, true);
  }

  get mtimeNs(): bigint {
    return this.#view.getBigInt64(this.#pos + 20, true);
  }

  get stat(): KeptStat {
    const pos = this.#pos;
    return {
      mode: this.mode,
      size: this.#view.getFloat64(pos + 12, true),
      mtimeNs: this.mtimeNs,
      ctimeNs: this.#view.getBigInt64(pos + 28, true),
      ino: this.#view.getBigUint64(pos + 36, true),
    };
  }

  isSame(stats: BigIntStats): boolean {
    if ((this.flags & FLAG.trusted) === 0) return false;
    const view = this.#view;
    const pos = this.#pos;
    return (
      view.getBigInt64(pos + 20, true) === stats.mtimeNs &&
      view.getBigInt64(pos + 28, true) === stats.ctimeNs &&
      view.getBigUint64(pos + 36, true) === stats.ino &&
      view.getUint32(pos + 8, true) === Number(stats.mode) &&
      view.getFloat64(pos + 12, true) === Number(stats.size)
    );
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #load(): boolean {
    const section = readSection(this.#fd, this.#at, this.#buffer);
    if (section === undefined || section.length === 0) return false;
    if (section.buffer !== this.#buffer) {
      this.#buffer = section.buffer;
      this.#view = new DataView(section.buffer.buffer, section.buffer.byteOffset);
    }
    this.#at += FRAME + section.length;
    this.#next = FRAME;
    this.#end = FRAME + section.length;
    this.#text = this.#buffer.toString('latin1', 0, this.#end);
    return true;
  }
}

/** One section with its frame; the buffer is replaced by a larger one if need be. */
function readSection(
  fd: number,
  at: number,
  buffer: Buffer,
): { length: number; crc: number; buffer: Buffer } | undefined {
  const got = readSync(fd, buffer, 0, Math.min(buffer.length, SECTION + FRAME), at);
  if (got < FRAME) return undefined;
  const length = buffer.readUInt32LE(0);
  const crc = buffer.readUInt32LE(4);
  if (length > MAX_SECTION) return undefined;
  if (length + FRAME <= got) return { length, crc, buffer };
  const larger = buffer.length >= length + FRAME ? buffer : Buffer.allocUnsafe(length + FRAME);
  const rest = readSync(fd, larger, 0, length + FRAME, at);
  return rest === length + FRAME ? { length, crc, buffer: larger } : undefined;
}

/** The root that a cache file stands for, after reading every byte of it; undefined when it is missing or damaged. */
export function checkCache(path: string): NodeId | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const header = Buffer.alloc(HEADER);
    if (readSync(fd, header, 0, HEADER, 0) !== HEADER || !header.subarray(0, ROOT_AT).equals(MAGIC)) return undefined;
    if (crc32(header.subarray(0, HEADER - 4)) !== header.readUInt32LE(HEADER - 4)) return undefined;
    return sectionsCheckOut(fd) ? (header.toString('latin1', ROOT_AT, ROOT_AT + 64) as NodeId) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function sectionsCheckOut(fd: number): boolean {
  const size = fstatSync(fd).size;
  let buffer: Buffer = Buffer.allocUnsafe(SECTION + FRAME);
  for (let at = HEADER; ; ) {
    const section = readSection(fd, at, buffer);
    if (section === undefined) return false;
    at += FRAME + section.length;
    if (section.length === 0) return at === size;
    buffer = section.buffer;
    if (crc32(buffer.subarray(FRAME, FRAME + section.length)) !== section.crc) return false;
  }
}

/** The base without any stats: every path has to be looked at. */
export class EntriesCursor implements BaseCursor {
  path = ROOT;
  flags = 0;
  kind = 0;
  readonly mode = 0;
  readonly mtimeNs = 0n;
  readonly #entries: Iterator<{ path: PathKey; bytes: Uint8Array }>;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(entries: BaseEntries) {
    this.#entries = entries()[Symbol.iterator]();
  }

  next(): boolean {
    const { done, value } = this.#entries.next();
    if (done) return false;
    this.path = value.path;
    this.#bytes = value.bytes;
    this.kind = value.bytes[0];
    return true;
  }

  entry(): Uint8Array {
    return this.#bytes;
  }

  isSame(): boolean {
    return false;
  }

  close(): void {
    this.#entries.return?.();
  }
}

/** Writes a cache, or a delta, in path order. */
export class CacheWriter {
  readonly path: string;
  #fd: number;
  #at = HEADER;
  #buffer = Buffer.allocUnsafe(MAX_SECTION + FRAME);
  #end = FRAME;
  count = 0;

  constructor(path: string) {
    this.path = path;
    removeFile(path);
    this.#fd = openExclusive(path);
  }

  /** `stat` undefined: nothing is known, so the path is read again. */
  put(path: PathKey, flags: number, stat: KeptStat | undefined, entry: Uint8Array): void {
    const length = FIXED + path.length + entry.length;
    this.#room(length);
    const buffer = this.#buffer;
    const pos = this.#end;
    buffer[pos] = flags;
    buffer[pos + 1] = entry[0] ?? 0;
    buffer.writeUInt16LE(path.length, pos + 2);
    buffer.writeUInt32LE(entry.length, pos + 4);
    buffer.writeUInt32LE(stat?.mode ?? 0, pos + 8);
    buffer.writeDoubleLE(stat?.size ?? 0, pos + 12);
    buffer.writeBigInt64LE(stat?.mtimeNs ?? 0n, pos + 20);
    buffer.writeBigInt64LE(stat?.ctimeNs ?? 0n, pos + 28);
    buffer.writeBigUInt64LE(BigInt.asUintN(64, stat?.ino ?? 0n), pos + 36);
    buffer.writeUInt32LE(0, pos + 44);
    buffer.write(path, pos + FIXED, 'latin1');
    buffer.set(entry, pos + FIXED + path.length);
    this.#end += length;
    this.count++;
  }

  /** A record as CacheReader gave it. */
  copy(record: Uint8Array): void {
    this.#room(record.length);
    this.#buffer.set(record, this.#end);
    this.#end += record.length;
    this.count++;
  }

  /** Ends the file. It is still under its temporary name. */
  finish(root: NodeId | null): void {
    this.#flush();
    const end = Buffer.alloc(FRAME);
    end.writeUInt32LE(this.count >>> 0, 4);
    this.#write(end);
    const header = Buffer.alloc(HEADER);
    MAGIC.copy(header);
    header.write(root ?? NO_ROOT, ROOT_AT, 'latin1');
    header.writeUInt32LE(crc32(header.subarray(0, HEADER - 4)), HEADER - 4);
    writeAll(this.#fd, header, 0);
    closeSync(this.#fd);
    this.#fd = -1;
  }

  abandon(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    removeFile(this.path);
  }

  #room(length: number): void {
    if (this.#end - FRAME >= SECTION - length && this.#end > FRAME) this.#flush();
  }

  #flush(): void {
    const length = this.#end - FRAME;
    if (length === 0) return;
    this.#buffer.writeUInt32LE(length, 0);
    this.#buffer.writeUInt32LE(crc32(this.#buffer.subarray(FRAME, this.#end)), 4);
    this.#write(this.#buffer.subarray(0, this.#end));
    this.#end = FRAME;
  }

  #write(bytes: Uint8Array): void {
    writeAll(this.#fd, bytes, this.#at);
    this.#at += bytes.length;
  }
}

/** Puts `delta` over `old`; both sorted, the delta wins. */
export function mergeCaches(old: CacheReader, delta: CacheReader, to: CacheWriter): void {
  let hasOld = old.next();
  let hasDelta = delta.next();
  while (hasOld || hasDelta) {
    if (!hasDelta || (hasOld && old.path < delta.path)) {
      to.copy(old.record());
      hasOld = old.next();
      continue;
    }
    if (hasOld && old.path === delta.path) hasOld = old.next();
    if ((delta.flags & FLAG.deleted) === 0) to.copy(delta.record());
    hasDelta = delta.next();
  }
}

/** Coarsest step that a file system's clock may have, for a file whose ctime is `ctimeNs`. */
const tickOf = (ctimeNs: bigint): bigint => (ctimeNs % 1_000_000_000n === 0n ? 2_000_000_000n : 20_000_000n);

/**
 * True when an equal stat later on proves that nothing has changed since: the file was last changed clearly before
 * `start`, the time (ns, by the file system's own clock and ours, the earlier) when the scan began.
 */
export function isOldEnough(stat: Pick<FileStat, 'mtimeNs' | 'ctimeNs'>, start: bigint): boolean {
  const limit = start - tickOf(stat.ctimeNs);
  return stat.mtimeNs < limit && stat.ctimeNs < limit;
}

export function moveCache(from: string, to: string): void {
  renameFile(from, to);
}
