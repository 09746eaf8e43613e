/** Reads the objects and files of one volset. */
import type { Content, Extent } from '../core/entry.ts';
import type { FileResult, FileTarget } from '../core/files.ts';
import { KIND, type Kind, unhex } from '../core/hash.ts';
import type { NodeId, VolsetId } from '../core/ids.ts';
import type { Share } from '../core/peer.ts';
import type { BasePiece, BlobReader, ObjectRef, WriterOptions } from './contract.ts';
import type { DeltaSource } from './delta-source.ts';
import { piecesOf } from './file-bytes.ts';
import type { IndexDb } from './index-db.ts';
import { manifest } from './manifest/index.ts';
import type { ObjectReader } from './object-reader.ts';
import { sendBlocks } from './send-blocks.ts';

/** How files are written, given by the engine: extraction needs its packs, workers and index. */
export type Extract = (
  volset: VolsetId,
  root: string,
  tempDir: string,
  targets: Iterable<FileTarget>,
  options: WriterOptions,
) => AsyncIterable<FileResult>;

export class DiskReader implements BlobReader {
  readonly #volset: VolsetId;
  readonly #index: IndexDb;
  readonly #objects: ObjectReader;
  readonly #extract: Extract;
  readonly #deltas: DeltaSource;

  constructor(
    volset: VolsetId,
    index: IndexDb,
    objects: ObjectReader,
    { extract, deltas }: { extract: Extract; deltas: DeltaSource },
  ) {
    this.#volset = volset;
    this.#index = index;
    this.#objects = objects;
    this.#extract = extract;
    this.#deltas = deltas;
  }

  readNode(id: NodeId): Uint8Array {
    return this.#objects.read(this.#volset, KIND.node, unhex(id));
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    return this.#index.has(this.#volset, kind, ids);
  }

  lengths(kind: Kind, ids: Uint8Array): Uint32Array {
    return this.#index.lengths(this.#volset, kind, ids);
  }

  readObject(kind: Kind, id: Uint8Array): Uint8Array {
    return this.#objects.read(this.#volset, kind, id);
  }

  extents(content: Content): Iterable<Extent> {
    return manifest.extents(this, content);
  }

  readFile(content: Content): Iterable<Uint8Array> {
    return piecesOf(this.extents(content), (id) => this.readObject(KIND.chunk, id));
  }

  extract(
    root: string,
    tempDir: string,
    targets: Iterable<FileTarget>,
    options: WriterOptions = {},
  ): AsyncIterable<FileResult> {
    return this.#extract(this.#volset, root, tempDir, targets, options);
  }

  blocks(wanted: Iterable<ObjectRef>, share?: Share): AsyncIterable<Uint8Array> {
    return sendBlocks(this.#index, this.#objects, this.#volset, wanted, share);
  }

  encodeDelta(targets: ObjectRef[], base: BasePiece[]): Promise<Uint8Array | undefined> {
    return this.#deltas.encode(targets, base);
  }

  storedBytes(wanted: Iterable<ObjectRef>): number {
    let bytes = 0;
    for (const { kind, id } of wanted) {
      const found = this.#index.find(this.#volset, kind, id);
      if (found) bytes += found.length * (found.place.bytes / Math.max(1, found.place.raw));
    }
    return Math.ceil(bytes);
  }
}
