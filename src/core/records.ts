/**
 * What is replicated: writes to registers, tombstones and snapshot bodies, grouped in numbered generations of one
 * store each, chained by hash. See docs/design.md, "Metadata".
 *
 * Byte encoding of every record and body: canonical JSON (UTF-8, keys sorted by code unit, no white space, no absent
 * keys, integers only). Ids are hashes over these bytes; golden vectors stand in docs/protocol.md.
 */
import type { BranchId, GenerationHash, NodeId, SnapshotId, StoreId, VolsetId, WriteId } from './ids.ts';

/** Hybrid clock: 48-bit milliseconds, 16-bit counter, as 16 hex digits. Compares as a string; never a number. */
export type Stamp = string;

/** `volset:FIELD` | `branch:ID:FIELD` | `snapshot:ID:FIELD`; FIELD is name, description, owner, creator or `attr:KEY`. */
export type RegisterKey = string;
/** `volset` | `branch:ID` | `snapshot:ID` */
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
}

export type AnyRecord = Write | Tombstone | SnapshotBody;

export interface GenerationHeader {
  store: StoreId;
  /** 1, 2, 3 … without gaps. */
  generation: number;
  /** Number of records. */
  count: number;
  /** Hash of the generation before; of generation 1: 64 zeros. */
  previous: GenerationHash;
  /** generationHash(canonical {count, generation, previous, records: [record hashes in order], store, volset}). */
  hash: GenerationHash;
}

export interface Generation extends GenerationHeader {
  records: AnyRecord[];
}

/** store id -> highest generation held without gaps, with its hash. */
export type Vector = Record<StoreId, { generation: number; hash: GenerationHash }>;

/** A branch tip as its store last told it. `revision` counts that store's ref changes of the volset, from 1. */
export interface Ref {
  branch: BranchId;
  snapshot: SnapshotId | null;
  revision: number;
}
