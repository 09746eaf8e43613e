/**
 * What is replicated: writes to registers, tombstones and snapshot bodies, grouped in numbered generations of one
 * store each, chained by hash. See docs/design.md, "Metadata".
 *
 * Byte encoding of every record and body: canonical JSON (UTF-8, keys sorted by code unit, no white space, no absent
 * keys, integers only). Ids are hashes over these bytes, of writes over bytes in which one hash stands for register and
 * value; golden vectors stand in docs/protocol.md.
 *
 * `checkRecord` is the gate for everything from a peer or a pack; what it returns has exactly the documented keys.
 */
import { canonicalBytes } from './canonical.ts';
import { snapshotId, whatHash, writeId } from './hash.ts';
import type {
  BranchId,
  ChainId,
  GenerationHash,
  NodeId,
  SnapshotId,
  StoreId,
  VolsetId,
  WhatHash,
  WriteId,
} from './ids.ts';
import { isHash, isSnapshotId, isStoreId } from './ids.ts';
import { exactObject, malformed } from './malformed.ts';
import { hasControls, parseObject, parseRegister, RESOLVED } from './register.ts';
import { checkSnapshotBody } from './snapshot-body.ts';
import { isStamp } from './stamp.ts';

/** Hybrid clock: 48-bit milliseconds, 16-bit counter, as 16 hex digits. Compares as a string; never a number. */
export type Stamp = string;

/**
 * `volset:FIELD` | `branch:ID:FIELD` | `snapshot:ID:FIELD`; FIELD is name, description, owner, creator or `attr:KEY`.
 * Also `conflict:ID:resolved`, whose value is current, target or value: how somebody settled that conflict. Stores differ
 * in which side is whose, so current is here the side of the smaller of the two ids that met.
 */
export type RegisterKey = string;
/** `volset` | `branch:ID` | `snapshot:ID` | `conflict:ID` */
export type ObjectKey = string;

export interface Write {
  type: 'write';
  register: RegisterKey;
  /** null = unset. */
  value: string | null;
  /** Heads of this register that the author saw, sorted. */
  parents: WriteId[];
  stamp: Stamp;
  author: StoreId;
  resolution?: true;
}

export interface Tombstone {
  type: 'tombstone';
  object: ObjectKey;
  /** Heads of the object's registers that the author saw, sorted. */
  sees: WriteId[];
  /** Of a branch: its tip as the author saw it. */
  tip?: SnapshotId;
  stamp: Stamp;
  author: StoreId;
}

export interface SnapshotBody {
  type: 'snapshot';
  volset: VolsetId;
  /** In order of importance; a merge's parents are sorted. */
  parents: SnapshotId[];
  root: NodeId;
  /** Milliseconds since the epoch. */
  created: number;
  creator: string;
  /** Totals of the tree: number of files, and their bytes. */
  files: number;
  bytes: number;
  /** The working directory itself, which has no entry in the tree. */
  dir?: TopDirectory;
}

export interface TopDirectory {
  /** Permission bits, 0o777. */
  mode: number;
  /** Nanoseconds since the epoch, decimal: JSON has no numbers of 64 bits. */
  mtime: string;
}

export type AnyRecord = Write | Tombstone | SnapshotBody;

/**
 * Stands where compaction dropped a write that others follow: all of it but what it said, of which the hash stays. Its
 * own hash and id follow from that, so nothing in here can be another than it was. Parents and stamp let a store that
 * holds what it followed, and never held it itself, see that as followed, too.
 */
export interface PastRecord {
  type: 'past';
  author: StoreId;
  parents: WriteId[];
  stamp: Stamp;
  what: WhatHash;
  resolution?: true;
}

/** What a generation may hold: `past` only in one that was compacted. */
export type LoggedRecord = AnyRecord | PastRecord;

export interface GenerationHeader {
  store: StoreId;
  /** 1, 2, 3 … without gaps. */
  generation: number;
  /** Number of records. */
  count: number;
  /** Hash of the generation before; of generation 1: 64 zeros. */
  previous: GenerationHash;
  /** generationHash(canonical {count, generation, previous, records: [recordHash of each, in order], store, volset}). */
  hash: GenerationHash;
}

export interface Generation extends GenerationHeader {
  records: LoggedRecord[];
}

/**
 * chain -> highest generation held without gaps, with its hash. A store's history is one chain until two generations
 * claim the same place; see core/chain.ts.
 */
export type Vector = Record<ChainId, { generation: number; hash: GenerationHash }>;

/** A branch tip as its store last told it. `revision`: when it moved there (core/peer, Head). */
export interface Ref {
  branch: BranchId;
  snapshot: SnapshotId | null;
  revision: number;
}

/** UTF-8 bytes of a value. */
export const MAX_VALUE = 64 * 1024;
/** UTF-16 code units of a name. */
export const MAX_NAME_VALUE = 255;
export const MAX_WRITE_PARENTS = 1000;
export const MAX_TOMBSTONE_SEES = 10_000;

export const encodeRecord = (record: LoggedRecord): Buffer => canonicalBytes(record);

/** Hash of what a write says. */
export const whatOf = ({ register, value }: Pick<Write, 'register' | 'value'>): WhatHash =>
  whatHash(canonicalBytes({ register, value }));

/** What stays of a write when what it says is dropped: its hash and its id are the same. */
export function pastOf(write: Write): PastRecord {
  const { author, parents, stamp, resolution } = write;
  return { type: 'past', author, parents, stamp, what: whatOf(write), ...(resolution && { resolution }) };
}

/** Covers all that a record says; what its generation's hash is made of. Alike for a write and what stays of it. */
export function recordHash(record: LoggedRecord): SnapshotId | WriteId {
  if (record.type === 'snapshot') return snapshotId(encodeRecord(record));
  if (record.type === 'tombstone') return writeId(encodeRecord(record));
  const past = record.type === 'write' ? pastOf(record) : record;
  return writeId(canonicalBytes({ ...past, type: 'write' }));
}

/**
 * What others refer to a record by: its hash, but for a resolution the hash of what was decided only, so that two stores
 * that settle the same conflict alike make the same write.
 */
export function recordId(record: LoggedRecord): SnapshotId | WriteId {
  if ((record.type !== 'write' && record.type !== 'past') || !record.resolution) return recordHash(record);
  const { parents, resolution } = record;
  const what = record.type === 'write' ? whatOf(record) : record.what;
  return writeId(canonicalBytes({ type: 'write', parents, resolution, what }));
}

/** Throws `protocol` unless `value` is a record that may stand in a generation of `volset`. */
export function checkRecord(value: unknown, volset: VolsetId): AnyRecord {
  const type =
    typeof value === 'object' && value !== null && Object.hasOwn(value, 'type') ? (value as AnyRecord).type : undefined;
  if (type === 'write') return checkWrite(value);
  if (type === 'tombstone') return checkTombstone(value);
  if (type === 'snapshot') return checkSnapshotBody(value, volset);
  return malformed('a record is of no known type');
}

/** The same for what may stand in a generation that was compacted. */
export function checkLogged(value: unknown, volset: VolsetId): LoggedRecord {
  const isPast = typeof value === 'object' && value !== null && Object.hasOwn(value, 'type');
  if (!isPast || (value as LoggedRecord).type !== 'past') return checkRecord(value, volset);
  const past = exactObject(value, 'a dropped record', ['type', 'author', 'parents', 'stamp', 'what'], ['resolution']);
  if (!isHash(past['what'])) malformed('a dropped record has no hash of what it said');
  checkIds(past['parents'], MAX_WRITE_PARENTS, 'parents of a dropped record');
  checkOrigin(past);
  checkMark(past);
  return value as PastRecord;
}

function checkWrite(value: unknown): Write {
  const write = exactObject(
    value,
    'a write',
    ['type', 'register', 'value', 'parents', 'stamp', 'author'],
    ['resolution'],
  );
  const fault = valueFault(write['register'], write['value']);
  if (fault !== undefined) malformed(fault);
  checkIds(write['parents'], MAX_WRITE_PARENTS, 'parents of a write');
  checkOrigin(write);
  checkMark(write);
  return value as Write;
}

/** What forbids `value` in that register, as a phrase; undefined = nothing. */
export function valueFault(key: unknown, value: unknown): string | undefined {
  const register = parseRegister(key);
  if (register === undefined) return 'a write names no register';
  if (register.object.startsWith('conflict:')) return resolvedFault(value);
  const isName = register.field === 'name';
  if (value === null) return isName && !register.object.startsWith('snapshot:') ? 'a name is taken away' : undefined;
  if (typeof value !== 'string' || !value.isWellFormed()) return 'a value is no text';
  if (Buffer.byteLength(value) > MAX_VALUE) return 'a value is too long';
  if (isName && value.length > MAX_NAME_VALUE) return 'a name is too long';
  if (isName && (value === '' || hasControls(value))) return 'a name is empty or has control characters';
  return undefined;
}

/** How a conflict was settled; null = not. */
const SETTLED = [null, 'current', 'target', 'value'];
const resolvedFault = (value: unknown): string | undefined =>
  SETTLED.includes(value as string | null) ? undefined : `a conflict is \`${RESOLVED}\` in no known way`;

function checkTombstone(value: unknown): Tombstone {
  const tombstone = exactObject(value, 'a tombstone', ['type', 'object', 'sees', 'stamp', 'author'], ['tip']);
  const object = parseObject(tombstone['object']);
  if (object === undefined || object.kind === 'conflict') malformed('a tombstone names no object');
  checkIds(tombstone['sees'], MAX_TOMBSTONE_SEES, 'heads under a tombstone');
  checkOrigin(tombstone);
  if (Object.hasOwn(tombstone, 'tip') && (object.kind !== 'branch' || !isSnapshotId(tombstone['tip']))) {
    malformed('a tombstone has a bad tip');
  }
  return value as Tombstone;
}

function checkOrigin(record: Record<string, unknown>): void {
  if (!isStamp(record['stamp'])) malformed('a record has no stamp');
  if (!isStoreId(record['author'])) malformed('a record has no author');
}

function checkMark(record: Record<string, unknown>): void {
  if (Object.hasOwn(record, 'resolution') && record['resolution'] !== true)
    malformed('a write has a bad resolution mark');
}

function checkIds(ids: unknown, limit: number, what: string): void {
  if (!Array.isArray(ids) || ids.length > limit || !ids.every(isHash))
    malformed(`${what} are no list of at most ${limit} ids`);
  for (let i = 1; i < ids.length; i++) if (!(ids[i - 1] < ids[i])) malformed(`${what} are not sorted`);
}
