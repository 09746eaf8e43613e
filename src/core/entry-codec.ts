/**
 * Bytes of an entry, without its path. See entry.ts for the frame; the fields are
 *
 *   01 mode    unsigned      absent when 0
 *   02 mtime   8 bytes, signed, little-endian   absent when 0
 *   03 uid     unsigned      absent when not kept
 *   04 gid     unsigned      absent when not kept
 *   05-7f      unknown, kept as `extra`
 *   81 size    unsigned      files; absent when 0
 *   82 extents inline list   files whose size is not 0, this or `list`
 *   83 list    32 bytes
 *   84 target  raw bytes     symlinks
 *   85 link group  path bytes, components joined by NUL   files and symlinks
 *
 * Unsigned values are little-endian without trailing zero bytes (0 has no bytes). All of this is checked on every
 * decoding; what an inline list holds only with `strict`, which is for bytes that came from elsewhere.
 */
import type { Entry, EntryKind } from './entry.ts';
import { PlaitError } from './errors.ts';
import { checkExtents, MAX_FILE } from './extents.ts';
import { hex, unhex } from './hash.ts';
import type { NodeId } from './ids.ts';
import { MAX_PATH, type PathKey } from './paths.ts';
import { ByteReader, malformed, writeVarint } from './varint.ts';

const KINDS: readonly (EntryKind | undefined)[] = [undefined, 'file', 'dir', 'symlink'];
const FILE = 1;
const DIR = 2;
const SYMLINK = 3;
const TAG = { mode: 1, mtime: 2, uid: 3, gid: 4, size: 0x81, extents: 0x82, list: 0x83, target: 0x84, link: 0x85 };
const LAST_PLAIN = TAG.gid;
const CRITICAL = 0x80;
const LAST_CRITICAL = TAG.link;

/** Longest symlink target in bytes. */
export const MAX_TARGET = 4096;
/** Longest encoded entry; what a later format adds in unknown fields must fit too. */
export const MAX_ENTRY = 65_536;
const NO_EXTENTS = new Uint8Array(0);
const scratch = Buffer.alloc(2 * MAX_ENTRY);

/** A fresh copy of the canonical bytes. Throws `unexpected` for an entry that cannot be (a bug, never user input). */
export function encodeEntry(entry: Entry): Uint8Array {
  const end = writeEntry(scratch, 0, entry);
  return new Uint8Array(scratch.subarray(0, end));
}

/** The same into `to`, which has room for MAX_ENTRY bytes at `start`. Returns the end. */
export function writeEntry(to: Buffer, start: number, entry: Entry): number {
  const fault = entryFault(entry, true);
  if (fault) throw new PlaitError('unexpected', `cannot encode an entry: ${fault}`);
  let pos = start;
  to[pos++] = entry.kind === 'file' ? FILE : entry.kind === 'dir' ? DIR : SYMLINK;
  if (entry.mode !== 0) pos = writeUint(to, pos, TAG.mode, entry.mode);
  if (entry.mtime !== 0n) {
    to[pos++] = TAG.mtime;
    to[pos++] = 8;
    pos = to.writeBigInt64LE(entry.mtime, pos);
  }
  if (entry.uid !== undefined) pos = writeUint(to, pos, TAG.uid, entry.uid);
  if (entry.gid !== undefined) pos = writeUint(to, pos, TAG.gid, entry.gid);
  if (entry.extra !== undefined) {
    to.set(entry.extra, pos);
    pos += entry.extra.length;
  }
  if (entry.size !== 0) pos = writeUint(to, pos, TAG.size, entry.size);
  const content = entry.content;
  if (content !== undefined) {
    if ('list' in content) pos = writeField(to, pos, TAG.list, unhex(content.list));
    else if (content.extents.length > 0) pos = writeField(to, pos, TAG.extents, content.extents);
  }
  if (entry.target !== undefined) pos = writeField(to, pos, TAG.target, entry.target);
  if (entry.linkGroup !== undefined) {
    to[pos++] = TAG.link;
    pos = writeVarint(to, pos, entry.linkGroup.length);
    pos += to.latin1Write(entry.linkGroup, pos);
  }
  if (pos - start > MAX_ENTRY) throw new PlaitError('unexpected', 'cannot encode an entry: it is too long');
  return pos;
}

/** `deep`: also look into an inline list of extents. */
function entryFault(entry: Entry, deep: boolean): string | undefined {
  const { kind, mode, mtime, size, content } = entry;
  if (!(mode >= 0 && mode <= 0o7777 && Number.isInteger(mode))) return 'its mode is out of range';
  if (BigInt.asIntN(64, mtime) !== mtime) return 'its mtime is out of range';
  if (!(size >= 0 && size <= MAX_FILE && Number.isInteger(size))) return 'its size is out of range';
  if (!isId32(entry.uid) || !isId32(entry.gid)) return 'its owner is out of range';
  if (entry.extra !== undefined && !isExtra(entry.extra)) return 'its unknown fields are not well formed';
  if (kind !== 'symlink' && entry.target !== undefined) return 'only a symlink has a target';
  if (kind === 'dir' && entry.linkGroup !== undefined) return 'a directory has no link group';
  const group = entry.linkGroup;
  if (group !== undefined && (group === '' || group.length > MAX_PATH)) return 'its link group is not a path';
  if (kind !== 'file') {
    if (size !== 0 || content !== undefined) return 'only a file has content';
    if (kind === 'symlink') return mode === 0 ? targetFault(entry.target) : 'a symlink has no mode';
    return undefined;
  }
  if (content !== undefined && 'list' in content) return size > 0 ? undefined : 'an empty file has no list';
  if (!deep) return undefined;
  const held = content === undefined ? 0 : checkExtents(content.extents);
  return held === size ? undefined : `its extents hold ${held} bytes, its size is ${size}`;
}

const isId32 = (id: number | undefined): boolean =>
  id === undefined || (id >= 0 && id <= 0xffffffff && Number.isInteger(id));

function isExtra(extra: Uint8Array): boolean {
  if (extra.length === 0 || extra.length > MAX_ENTRY / 2) return false;
  const reader = new ByteReader(extra);
  let last = LAST_PLAIN;
  while (reader.pos < reader.end) {
    const tag = reader.u8();
    if (tag <= last || tag >= CRITICAL) return false;
    last = tag;
    reader.skip(reader.varint());
  }
  return true;
}

function targetFault(target: Uint8Array | undefined): string | undefined {
  if (target === undefined || target.length === 0) return 'a symlink needs a target';
  if (target.length > MAX_TARGET) return 'a symlink target is too long';
  return target.includes(0) ? 'a symlink target holds NUL' : undefined;
}

function writeUint(to: Uint8Array, start: number, tag: number, value: number): number {
  to[start] = tag;
  let pos = start + 2;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) to[pos++] = rest % 256;
  to[start + 1] = pos - start - 2;
  return pos;
}

function writeField(to: Uint8Array, start: number, tag: number, value: Uint8Array): number {
  to[start] = tag;
  const pos = writeVarint(to, start + 1, value.length);
  to.set(value, pos);
  return pos + value.length;
}

export interface DecodeOptions {
  /** Also check what the inline list of extents holds. */
  strict?: boolean;
}

/**
 * Views into `bytes` are kept for extents, target and extra: copy the entry if it outlives the node that it came from.
 * Throws `integrity` for bytes that `encodeEntry` would not have written, `format` for an unknown critical field.
 */
export function decodeEntry(path: PathKey, bytes: Uint8Array, options: DecodeOptions = {}): Entry {
  return decodeEntryAt(path, bytes, 0, bytes.length, options.strict === true);
}

export function decodeEntryAt(path: PathKey, bytes: Uint8Array, start: number, end: number, strict: boolean): Entry {
  if (end - start > MAX_ENTRY) throw malformed('an entry is too long');
  const reader = new ByteReader(bytes, start, end);
  const kind = KINDS[reader.u8()];
  if (kind === undefined) throw new PlaitError('format', 'an entry of unknown kind', { hint: UPGRADE });
  const entry: Entry = { path, kind, mode: 0, mtime: 0n, size: 0 };
  let last = 0;
  let extra = -1;
  let extraEnd = 0;
  while (reader.pos < end) {
    const at = reader.pos;
    const tag = reader.u8();
    if (tag <= last) throw malformed('the fields of an entry are out of order');
    last = tag;
    const length = reader.varint();
    const value = reader.skip(length);
    if (tag > LAST_PLAIN && tag < CRITICAL) {
      if (extra < 0) extra = at;
      extraEnd = reader.pos;
    } else readField(entry, tag, bytes, value, length);
  }
  if (extra >= 0) entry.extra = bytes.subarray(extra, extraEnd);
  finishEntry(entry, strict);
  return entry;
}

const UPGRADE = 'a newer plait wrote this; upgrade plait';

function readField(entry: Entry, tag: number, bytes: Uint8Array, at: number, length: number): void {
  switch (tag) {
    case TAG.mode:
      entry.mode = readUint(bytes, at, length, 0o7777, false);
      return;
    case TAG.mtime:
      entry.mtime = readTime(bytes, at, length);
      return;
    case TAG.uid:
      entry.uid = readUint(bytes, at, length, 0xffffffff, true);
      return;
    case TAG.gid:
      entry.gid = readUint(bytes, at, length, 0xffffffff, true);
      return;
    case TAG.size:
      entry.size = readUint(bytes, at, length, MAX_FILE, false);
      return;
    case TAG.extents:
      if (length === 0) throw malformed('an empty list of extents');
      entry.content = { extents: bytes.subarray(at, at + length) };
      return;
    case TAG.list:
      if (length !== 32 || entry.content !== undefined) throw malformed('a list id of the wrong form');
      entry.content = { list: hex(bytes.subarray(at, at + 32)) as NodeId };
      return;
    case TAG.target:
      entry.target = bytes.subarray(at, at + length);
      return;
    case TAG.link:
      entry.linkGroup = latin1(bytes, at, length) as PathKey;
      return;
    default:
      throw new PlaitError('format', 'an entry has a field that this plait does not know', {
        hint: UPGRADE,
        data: { tag },
      });
  }
}

function latin1(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).latin1Slice(0, length);
}

function readUint(bytes: Uint8Array, at: number, length: number, max: number, mayBeZero: boolean): number {
  if (length > 7 || (length === 0 && !mayBeZero)) throw malformed('a number in an entry has the wrong length');
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  if (length > 0 && bytes[at + length - 1] === 0) throw malformed('a number is not in its shortest form');
  if (value > max) throw malformed('a number in an entry is out of range');
  return value;
}

function readTime(bytes: Uint8Array, at: number, length: number): bigint {
  if (length !== 8) throw malformed('a time has the wrong length');
  const low = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  const high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
  if (low === 0 && high === 0) throw malformed('a default value is written out');
  return (BigInt(high) << 32n) | BigInt(low);
}

function finishEntry(entry: Entry, strict: boolean): void {
  if (entry.kind === 'file') {
    if (entry.content === undefined) {
      if (entry.size !== 0) throw malformed('a file has no content');
      entry.content = { extents: NO_EXTENTS };
    } else if (entry.size === 0) throw malformed('an empty file has content');
  }
  const fault = entryFault(entry, strict);
  if (fault) throw malformed(fault);
}

/** What totals need of an entry, without decoding it. */
export interface EntryFacts {
  file: boolean;
  size: number;
  linked: boolean;
}

/** Reads into `facts`; the bytes are an entry that was decoded or encoded here before. */
export function readFacts(bytes: Uint8Array, start: number, end: number, facts: EntryFacts): void {
  facts.file = bytes[start] === FILE;
  facts.size = 0;
  facts.linked = false;
  let pos = start + 1;
  while (pos < end) {
    const tag = bytes[pos];
    let length = bytes[pos + 1];
    pos += 2;
    if (length > 127) {
      const reader = new ByteReader(bytes, pos - 1, end);
      length = reader.varint();
      pos = reader.pos;
    }
    if (length > end - pos) throw malformed('cut short');
    if (tag === TAG.size) facts.size = readUint(bytes, pos, length, MAX_FILE, false);
    else if (tag === LAST_CRITICAL) facts.linked = true;
    pos += length;
  }
}

/** Equal entries have equal bytes, and the other way round. */
export const sameEntryBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
