/**
 * Contract of the blob engine: chunks, manifest nodes and bodies in packs, one index. Two engines implement it
 * (disk, memory); test/conformance/blob.ts is what both must pass. Everything is scoped to one volset: an object that
 * only another volset holds is not here.
 */
import type { Content, Extent } from '../core/entry.ts';
import type { FileResult, FileSource, FileTarget, StoredFile } from '../core/files.ts';
import type { Kind } from '../core/hash.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';
import type { Share } from '../core/peer.ts';

/** Where manifest functions read nodes. Synchronous: nodes are local, small and cached. */
export interface NodeSource {
  /** Bytes of a node; throws `integrity` when they are damaged, `blob-absent` when they are not here. */
  readNode(id: NodeId): Uint8Array;
}

/** Where manifest functions put nodes. Returns the id. Putting what is there already costs nothing. */
export interface NodeSink {
  putNode(bytes: Uint8Array): NodeId;
}

export interface BlobStore extends AsyncDisposable {
  reader(volset: VolsetId): BlobReader;
  /** No chunk and no manifest node is here for this volset. */
  isEmpty(volset: VolsetId): boolean;
  /** Bytes that can still be stored, as far as the file system says. */
  freeBytes(): Promise<number>;
  /** A session that adds objects. Nothing of it is visible to others before `finish` is called. */
  writer(volset: VolsetId, options?: WriterOptions): BlobWriter;
  /**
   * Takes blocks from a peer into quarantine, going on with what an earlier receiver of this id left there, up to its
   * first bad block. `owner` (default '') is remembered with it. Throws `busy` while another one lives.
   */
  receiver(volset: VolsetId, uploadId: string, owner?: string): Promise<BlobReceiver>;
  /** Upload ids of this owner and volset that were suspended or died, and that nobody has taken up; newest first. */
  unfinished(volset: VolsetId, owner: string): string[];
  /** Bytes in quarantine, of one owner or of all; living receivers included. */
  quarantineBytes(owner?: string): number;
  /** Removes what dead receivers left longer ago than the engine keeps it; a hub calls it now and then. */
  cleanQuarantine(): number;
  /** Packs of all volsets or one, for verify and status. */
  packs(volset?: VolsetId): PackInfo[];
  /**
   * Reads packs back: directory and block checksums always, with `readData` every object's hash.
   * `sample` in (0,1]: that share of the packs, drawn with `random`. Yields one item per damage found.
   */
  verifyPacks(options: VerifyOptions): AsyncIterable<PackDamage>;
  /** The index was missing, damaged or of an older version and was made again from the packs when this was opened. */
  readonly indexRebuilt: boolean;
  /**
   * Compares index.db with the packs' directories, both ways, and reads each `log.open` block by block; its torn end is
   * none. What no row names is none either: blocks travel whole, and gc leaves packs with a little garbage alone.
   */
  verifyIndex(options?: { signal?: AbortSignal }): AsyncIterable<IndexDamage>;
  /** Which of these lie in a pack of any volset, whatever the index says. Reads all directories. */
  inPacks(refs: ObjectRef[]): Promise<ObjectRef[]>;
  /**
   * Appends encoded generations and states to the volset's `log.open` (one fsync); sealed into a pack at 16 MiB.
   * Durable when it resolves. Safe beside other processes; a torn tail of an earlier crash is cut off first. Readers
   * find these objects once the log is sealed; `scanObjects` at once. Appending one again does no harm.
   */
  appendLog(volset: VolsetId, generations: Uint8Array[], states?: Uint8Array[]): Promise<void>;
  /** Every sound object of a kind that packs and log hold, for rebuilding metadata; may yield one twice, in any order. */
  scanObjects(kind: Kind, volset?: VolsetId): AsyncIterable<{ volset: VolsetId; id: Uint8Array; bytes: Uint8Array }>;
  /** Throws index.db's content away and makes it again from the packs. Borrowed objects have to be borrowed again. */
  rebuildIndex(): Promise<{ packs: number; objects: number }>;
  /**
   * Makes objects that `from` holds objects of `to` as well, without copying. The caller has checked that whoever asks
   * may read `from`. Answers with the number of `refs` that `to` holds now.
   */
  borrow(from: VolsetId, to: VolsetId, refs: Iterable<ObjectRef>): Promise<number>;
  /**
   * Frees what no root needs: rows of the index first, in small steps under its write lock after a look at the roots
   * that came since, then files. Packs with much garbage are written anew. Safe beside writers, receivers and readers of
   * this and other processes; one at a time (`busy`). A volset whose trees cannot be walked is left as it is.
   */
  collect(options: CollectOptions): Promise<CollectStats>;
  /**
   * Takes a damaged pack out of use: what can be read of it goes into a new pack, its file to `damaged/`, what is lost
   * out of the index, so that it is missed, asked for and stored anew.
   */
  retirePack(volset: VolsetId, pack: string): Promise<{ saved: number; lost: ObjectRef[] }>;
}

export interface CollectOptions {
  /** Others are asked for roots as well, since they may have come meanwhile; all of theirs is garbage that no root needs. */
  volsets: VolsetId[];
  /**
   * Complete blobs with numbers behind `after`, ascending. Asked anew, from the last number on, under the index's write
   * lock. Synchronous, for nothing may come between.
   */
  roots: (volset: VolsetId, after: number) => Iterable<CollectRoot>;
  /** 32 raw bytes: generations as they stand in the log now. Without it all of them are kept. */
  generations?: (volset: VolsetId) => Iterable<Uint8Array>;
  /** Counts only. */
  dryRun?: boolean;
  /** A pack is written anew where more than this share of it (0..1) is garbage. Default 0.1. */
  waste?: number;
  /** Of these every pack with any garbage is written anew: something that was forgotten is to be on the disk no more. */
  thorough?: ReadonlySet<VolsetId>;
  signal?: AbortSignal;
  onProgress?: (progress: { phase: 'mark' | 'sweep'; snapshots?: number; packs?: number; bytes?: number }) => void;
}

export interface CollectRoot {
  number: number;
  snapshot: SnapshotId;
  root: NodeId;
}

export interface CollectStats {
  /** Bytes of all packs. After: as they are, or (dry run) would be about. */
  bytesBefore: number;
  bytesAfter: number;
  packsRemoved: number;
  packsRewritten: number;
  objectsRemoved: number;
  /** Left as they are, since not everything could be read. */
  skipped: { volset: VolsetId; what: string }[];
  /** Volsets with packs that were left to sessions at work: garbage in them goes the next time. */
  busy: VolsetId[];
}

/** Makes in meta.db visible what the packs now hold. Asynchronous where meta.db lives on another thread. */
export type Commit = () => void | Promise<void>;

export interface WriterOptions {
  signal?: AbortSignal;
  /** Chunk and hash only: contents are computed, nothing is compressed or stored, `finish` does nothing (status). */
  dryRun?: boolean;
  onProgress?: (progress: { files: number; bytes: number; path?: PathKey }) => void;
}

export interface BlobReader extends NodeSource {
  /** One byte per id: 1 = this volset holds it. `ids` is n x 32 raw bytes. */
  has(kind: Kind, ids: Uint8Array): Uint8Array;
  /** Bytes of each object, 0 = this volset does not hold it. `ids` is n x 32 raw bytes. */
  lengths(kind: Kind, ids: Uint8Array): Uint32Array;
  /** Verified bytes of one object. Throws `blob-absent` or `integrity`. */
  readObject(kind: Kind, id: Uint8Array): Uint8Array;
  /** A file's extents, whichever way its content is stored. */
  extents(content: Content): Iterable<Extent>;
  /** A file's bytes in order, in pieces of at most one chunk (holes as zeros, <= 256 KiB each). Each piece is verified. */
  readFile(content: Content): Iterable<Uint8Array>;
  /**
   * Writes files below `root` on all cores, in pack order, each through a temporary name in `tempDir` (same file
   * system) and rename; see disk/place.ts. Result order is not target order. Stops at `signal`.
   */
  extract(
    root: string,
    tempDir: string,
    targets: Iterable<FileTarget>,
    options?: WriterOptions,
  ): AsyncIterable<FileResult>;
  /**
   * Blocks that hold the wanted objects, each as encoded block bytes (blob/block.ts): as it lies in the pack if at
   * least half of its bytes is wanted, else regrouped. Missing objects throw `blob-absent`. `share`: only what lies in
   * blocks that fall to it; together the shares are everything, each object in one.
   */
  blocks(wanted: Iterable<ObjectRef>, share?: Share): AsyncIterable<Uint8Array>;
  /**
   * The targets, one behind the other, as one zstd frame whose dictionary is the base's bytes (blob/delta.ts has the
   * limits). Undefined where that gains nothing or zstd does not take the base as a dictionary. On a worker, base read
   * there too. Throws `blob-absent`, `integrity` of this store.
   */
  encodeDelta(targets: ObjectRef[], base: BasePiece[]): Promise<Uint8Array | undefined>;
  /** Stored (compressed) bytes of what these objects occupy, for offers and progress; an estimate. */
  storedBytes(wanted: Iterable<ObjectRef>): number;
}

/** Part of an object that serves as dictionary; pieces are put one behind the other. */
export interface BasePiece extends ObjectRef {
  /** Bytes of the object. */
  start: number;
  length: number;
}

export interface DeltaInput {
  kind: 0 | 1;
  /** 32 raw bytes and length in bytes of each, in the order of the frame. */
  targets: { id: Uint8Array; length: number }[];
  base: BasePiece[];
  frame: Uint8Array;
}

export interface ObjectRef {
  kind: Kind;
  /** 32 raw bytes. */
  id: Uint8Array;
}

export interface BlobWriter extends NodeSink, AsyncDisposable {
  /**
   * Reads, chunks, hashes, compresses and packs files below `root` on all cores, memory bounded. Results come in the
   * order of `files`. A file larger than 16 MiB is cut into segments that all cores share.
   */
  ingest(root: string, files: Iterable<FileSource> | AsyncIterable<FileSource>): AsyncIterable<StoredFile>;
  /** Chunks and stores bytes that are at hand (tests, import of small things). */
  putBytes(bytes: Uint8Array): Content;
  /** Snapshot bodies and generations. Returns the 32 raw id bytes. */
  putObject(kind: Kind, bytes: Uint8Array): Uint8Array;
  /**
   * Seals and fsyncs packs, re-checks what it took as present if gc ran meanwhile, runs `commit` (which makes the
   * snapshot visible in meta.db) under index.db's write lock, then releases it. If `commit` throws, no snapshot is
   * visible; the objects stay, durable and found by `has`, until gc (a second try is then cheap). Throws `busy` with the
   * lost ids in `data.missing` when gc took something that this session relied on.
   */
  finish(commit?: Commit): Promise<WriteStats>;
  // [Symbol.asyncDispose]: abandons what was not finished.
}

export interface WriteStats {
  newChunks: number;
  /** Raw bytes of new chunks. */
  addedBytes: number;
  /** Bytes that the packs of this session occupy. */
  storedBytes: number;
}

export interface BlobReceiver extends AsyncDisposable {
  /**
   * Checks one encoded block (frame, lengths, checksum, every object's hash) on a worker and keeps it in quarantine.
   * Resolves when the block is accepted; at most a bounded number is in flight (await it, or gather the promises).
   * Takes `bytes` over: memory that they fill wholly may move to another thread, and be empty for the caller.
   * Throws `integrity` for wrong bytes, `protocol` for a block that breaks the format or its limits, or holds
   * generations, which never come in blocks.
   */
  addBlock(bytes: Uint8Array): Promise<void>;
  /**
   * Decodes a delta on a worker, base from volset or quarantine; each target that has the bytes of its id is kept as if
   * it had come in a block. Answers with the targets that are not here afterwards (base missing or wrong bytes): they
   * have to come plainly. Throws `protocol` for what breaks the limits. Memory is bounded as in `addBlock`.
   */
  addDelta(delta: DeltaInput): Promise<ObjectRef[]>;
  /** Resolves when everything that was accepted before the call is durable in quarantine (or published). */
  sync(): Promise<void>;
  /** Ids of a kind that lie in quarantine, for telling a sender what an earlier try brought. */
  heldIds(kind: Kind): Iterable<Uint8Array>;
  /** Bytes that this upload has in quarantine. */
  readonly bytes: number;
  /** Closes it and leaves what was received, durable, for the next receiver of this id. */
  suspend(): Promise<void>;
  /** What quarantine and the volset together hold; for have/want. */
  has(kind: Kind, ids: Uint8Array): Uint8Array;
  /**
   * Marks objects as needed by the snapshot that is being checked. Answers with their lengths in bytes, 0 where neither
   * quarantine nor the volset holds one. Marks count once `accept` is called; may be called again for what was published.
   */
  need(kind: Kind, ids: Uint8Array): Uint32Array;
  /** The snapshot was found whole: what was marked for it is published with it. */
  accept(): void;
  /** Reads nodes from quarantine or the volset. */
  readonly nodes: NodeSource;
  /**
   * Makes what was received and accepted part of the volset: packs sealed, fsynced, moved, indexed; `commit` runs under
   * index.db's write lock as in BlobWriter.finish. May be called again for what came since. What nothing needs is not
   * indexed and not counted: it stays in quarantine, where a later snapshot of this upload may still need it, or as
   * unused bytes of a pack. The caller has checked before that each snapshot is complete.
   */
  publish(commit?: Commit): Promise<WriteStats>;
  // [Symbol.asyncDispose]: what was not published is deleted, unless it was suspended.
}

export interface PackInfo {
  volset: VolsetId;
  /** 64 hex digits: SHA-256 of the pack's directory. */
  pack: string;
  bytes: number;
  objects: number;
  /** Milliseconds since the epoch, as its file says; 0 where there is no file. */
  written: number;
  /** Milliseconds since the epoch: when all of it was last read and found sound; null: not yet. */
  verified: number | null;
}

export interface VerifyOptions {
  readData: boolean;
  sample?: number;
  /** Bytes of packs to read at most (one pack at least), those first that were not read for longest. */
  budget?: number;
  random?: () => number;
  signal?: AbortSignal;
  onProgress?: (progress: { packs: number; bytes: number }) => void;
}

export interface PackDamage {
  volset: VolsetId;
  pack: string;
  /** What is wrong, for people. */
  what: string;
  /** Objects that cannot be read for it. */
  lost: ObjectRef[];
}

export interface IndexDamage {
  kind: 'index' | 'log';
  /** Null: of all of them. */
  volset: VolsetId | null;
  what: string;
}
