/**
 * The blob engine in memory: the same contract and the same block code without files, for tests and for checking that
 * nobody relies on more than the contract says.
 */
import type { Content, Extent } from '../core/entry.ts';
import type { FileResult, FileTarget } from '../core/files.ts';
import { KIND, type Kind, objectKey, unhex } from '../core/hash.ts';
import type { NodeId, VolsetId } from '../core/ids.ts';
import type { Share } from '../core/peer.ts';
import { BlockGroups } from './block-groups.ts';
import type {
  BasePiece,
  BlobReader,
  BlobReceiver,
  BlobStore,
  BlobWriter,
  CollectOptions,
  CollectStats,
  Commit,
  IndexDamage,
  ObjectRef,
  PackDamage,
  PackInfo,
  WriterOptions,
} from './contract.ts';
import { piecesOf } from './file-bytes.ts';
import { manifest } from './manifest/index.ts';
import { collectMemory } from './memory-collect.ts';
import { extractSimply } from './memory-files.ts';
import { checkRelied, deltaOf, hasMany, lengthsOf, type Objects, putHeld } from './memory-objects.ts';
import { MemoryReceiver, MemoryUploads } from './memory-receiver.ts';
import { MemoryWriter } from './memory-sessions.ts';
import { absent } from './object-reader.ts';

export function openMemoryBlobs(): BlobStore {
  return new MemoryEngine();
}

class MemoryEngine implements BlobStore {
  readonly #volsets = new Map<VolsetId, Objects>();
  readonly #uploads = new MemoryUploads();
  #lock: Promise<unknown> = Promise.resolve();

  #objects(volset: VolsetId): Objects {
    const objects = this.#volsets.get(volset) ?? new Map();
    this.#volsets.set(volset, objects);
    return objects;
  }

  /** What `finish` and `publish` do: objects first, then the commit, one at a time. */
  #publish = (volset: VolsetId, added: Objects, relied: Iterable<string>, commit?: Commit): Promise<void> => {
    const run = this.#lock.then(async () => {
      checkRelied([this.#objects(volset), added], relied);
      for (const [key, held] of added) this.#objects(volset).set(key, held);
      added.clear();
      await commit?.();
    });
    this.#lock = run.catch(() => {});
    return run;
  };

  reader(volset: VolsetId): BlobReader {
    return new MemoryReader(this.#objects(volset));
  }

  writer(volset: VolsetId, options: WriterOptions = {}): BlobWriter {
    return new MemoryWriter(this.#objects(volset), options, (...what) => this.#publish(volset, ...what));
  }

  async receiver(volset: VolsetId, uploadId: string, owner = ''): Promise<BlobReceiver> {
    const upload = this.#uploads.take(uploadId, { volset, owner });
    return new MemoryReceiver(this.#objects(volset), upload, (...what) => this.#publish(volset, ...what));
  }

  unfinished(volset: VolsetId, owner: string): string[] {
    return this.#uploads.unfinished({ volset, owner });
  }

  quarantineBytes(owner?: string): number {
    return this.#uploads.bytes(owner);
  }

  /** It keeps what was suspended as long as it lives itself. */
  cleanQuarantine(): number {
    return 0;
  }

  isEmpty(volset: VolsetId): boolean {
    for (const { kind } of this.#objects(volset).values()) if (kind <= 1) return false;
    return true;
  }

  async freeBytes(): Promise<number> {
    return Number.POSITIVE_INFINITY;
  }

  packs(): PackInfo[] {
    return [];
  }

  async *verifyPacks(): AsyncGenerator<PackDamage> {
    // Memory has no packs to be damaged.
  }

  readonly indexRebuilt = false;

  async *verifyIndex(): AsyncGenerator<IndexDamage> {
    // Nor an index.
  }

  async inPacks(): Promise<ObjectRef[]> {
    return [];
  }

  async rebuildIndex(): Promise<{ packs: number; objects: number }> {
    let objects = 0;
    for (const held of this.#volsets.values()) objects += held.size;
    return { packs: 0, objects };
  }

  async appendLog(volset: VolsetId, generations: Uint8Array[], states: Uint8Array[] = []): Promise<void> {
    for (const bytes of generations) putHeld(this.#objects(volset), KIND.generation, bytes);
    for (const bytes of states) putHeld(this.#objects(volset), KIND.state, bytes);
  }

  async *scanObjects(kind: Kind, volset?: VolsetId) {
    for (const [id, objects] of this.#volsets) {
      if (volset !== undefined && id !== volset) continue;
      for (const [key, held] of objects) {
        if (held.kind === kind) yield { volset: id, id: unhex(key.slice(1)) as Uint8Array, bytes: held.bytes };
      }
    }
  }

  async borrow(from: VolsetId, to: VolsetId, refs: Iterable<ObjectRef>): Promise<number> {
    let count = 0;
    for (const { kind, id } of refs) {
      const held = this.#objects(from).get(objectKey(kind, id));
      if (held && !this.#objects(to).has(objectKey(kind, id))) this.#objects(to).set(objectKey(kind, id), held);
      if (this.#objects(to).has(objectKey(kind, id))) count++;
    }
    return count;
  }

  /** Nothing comes between, so there is nothing to look at again. */
  collect(options: CollectOptions): Promise<CollectStats> {
    const run = this.#lock.then(() => collectMemory(this.#volsets, options));
    this.#lock = run.catch(() => {});
    return run;
  }

  /** It has no packs. */
  async retirePack(): Promise<{ saved: number; lost: ObjectRef[] }> {
    return { saved: 0, lost: [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class MemoryReader implements BlobReader {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  readNode(id: NodeId): Uint8Array {
    return this.readObject(KIND.node, unhex(id));
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    return hasMany([this.#objects], kind, ids);
  }

  lengths(kind: Kind, ids: Uint8Array): Uint32Array {
    return lengthsOf([this.#objects], kind, ids);
  }

  readObject(kind: Kind, id: Uint8Array): Uint8Array {
    const held = this.#objects.get(objectKey(kind, id));
    if (!held) throw absent(kind, id);
    return held.bytes;
  }

  extents(content: Content): Iterable<Extent> {
    return manifest.extents(this, content);
  }

  readFile(content: Content): Iterable<Uint8Array> {
    return piecesOf(this.extents(content), (id) => this.readObject(KIND.chunk, id));
  }

  extract(root: string, tempDir: string, targets: Iterable<FileTarget>): AsyncIterable<FileResult> {
    return extractSimply(root, tempDir, targets, {
      extents: (content) => this.extents(content),
      chunk: (id) => this.readObject(KIND.chunk, id),
    });
  }

  async *blocks(wanted: Iterable<ObjectRef>, share?: Share): AsyncGenerator<Uint8Array> {
    const groups = new BlockGroups();
    for (const { kind, id } of wanted) {
      // Without blocks that lie somewhere, an object's own id deals it out.
      if (share && id[0] % share.of !== share.index) continue;
      yield* groups.add(kind, id, this.readObject(kind, id));
    }
    yield* groups.rest();
  }

  async encodeDelta(targets: ObjectRef[], base: BasePiece[]): Promise<Uint8Array | undefined> {
    return deltaOf(targets, base, (kind, id) => this.readObject(kind, id));
  }

  storedBytes(wanted: Iterable<ObjectRef>): number {
    let bytes = 0;
    for (const { kind, id } of wanted) bytes += this.#objects.get(objectKey(kind, id))?.bytes.length ?? 0;
    return bytes;
  }
}
