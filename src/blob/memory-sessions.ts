/** Sessions of the memory engine that add objects. */
import type { Content } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import type { FileSource, StoredFile } from '../core/files.ts';
import { hex, KIND, type Kind, objectHash, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { idAt, objectAt, openBlock, verifyObjects } from './block.ts';
import type { BlobReceiver, BlobWriter, Commit, NodeSource, WriterOptions, WriteStats } from './contract.ts';
import { extentsOf } from './file-bytes.ts';
import { BLOCK_MAX_BYTES, ID_BYTES, MAX_OBJECT } from './format.ts';
import { manifest } from './manifest/index.ts';
import { type Held, hasMany, keyOf, lengthsOf, type Objects, putHeld } from './memory-objects.ts';
import { absent } from './object-reader.ts';
import { strayGenerations } from './received.ts';
import { ingest } from './work/ingest.ts';
import { InlineRunner } from './work/inline.ts';

/** Makes `added` visible, then runs the commit; leaves `added` empty. */
export type Publish = (added: Objects, commit?: Commit) => Promise<void>;

export class MemoryWriter implements BlobWriter {
  readonly #present: Objects;
  readonly #added: Objects = new Map();
  readonly #claimed = new Set<string>();
  readonly #options: WriterOptions;
  readonly #publish: Publish;
  readonly #stats: WriteStats = { newChunks: 0, addedBytes: 0, storedBytes: 0 };
  #closed = false;

  constructor(present: Objects, options: WriterOptions, publish: Publish) {
    this.#present = present;
    this.#options = options;
    this.#publish = publish;
  }

  putNode(bytes: Uint8Array): NodeId {
    return hex(this.putObject(KIND.node, bytes)) as NodeId;
  }

  putObject(kind: Kind, bytes: Uint8Array): Uint8Array {
    this.#checkOpen();
    if (bytes.length < 1 || bytes.length > MAX_OBJECT[kind]) {
      throw new PlaitError('unexpected', `An object of kind ${kind} may not have ${bytes.length} bytes.`);
    }
    const id = objectHash(kind, bytes);
    if (this.#options.dryRun || hasMany([this.#present, this.#added], kind, id)[0] === 1) return id;
    putHeld(this.#added, kind, bytes);
    this.#stats.storedBytes += bytes.length;
    if (kind === KIND.chunk) {
      this.#stats.newChunks++;
      this.#stats.addedBytes += bytes.length;
    }
    return id;
  }

  putBytes(bytes: Uint8Array): Content {
    return manifest.buildList(
      this,
      extentsOf(bytes, (chunk) => this.putObject(KIND.chunk, chunk)),
    );
  }

  ingest(root: string, files: Iterable<FileSource> | AsyncIterable<FileSource>): AsyncIterable<StoredFile> {
    this.#checkOpen();
    const { dryRun, signal, onProgress } = this.#options;
    return ingest({
      runner: new InlineRunner(),
      root,
      files,
      sink: { claim: (kind, ids) => this.#claim(kind, ids), append: (block) => this.#append(block) },
      buildList: (extents) => manifest.buildList(this, extents),
      dryRun: dryRun === true,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
  }

  #claim(kind: Kind, ids: Uint8Array): Uint8Array {
    const here = hasMany([this.#present, this.#added], kind, ids);
    for (let n = 0; n < here.length; n++) {
      const key = keyOf(kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
      here[n] = here[n] === 1 || this.#claimed.has(key) ? 0 : 1;
      this.#claimed.add(key);
    }
    return here;
  }

  #append(bytes: Uint8Array): void {
    const block = openBlock(bytes);
    for (let n = 0; n < block.count; n++) this.putObject(block.kind, objectAt(block, n));
  }

  async finish(commit?: Commit): Promise<WriteStats> {
    this.#checkOpen();
    if (!this.#options.dryRun) await this.#publish(this.#added, commit);
    return { ...this.#stats };
  }

  #checkOpen(): void {
    if (this.#closed) throw new PlaitError('unexpected', 'This writer has been closed.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#added.clear();
  }
}

export class MemoryReceiver implements BlobReceiver {
  readonly nodes: NodeSource;
  readonly #present: Objects;
  readonly #added: Objects = new Map();
  readonly #marked = new Set<string>();
  readonly #accepted = new Set<string>();
  readonly #publish: Publish;
  readonly #stats: WriteStats = { newChunks: 0, addedBytes: 0, storedBytes: 0 };

  constructor(present: Objects, publish: Publish) {
    this.#present = present;
    this.#publish = publish;
    const read = (key: string): Held | undefined => this.#added.get(key) ?? this.#present.get(key);
    this.nodes = {
      readNode: (id) => {
        const held = read(KIND.node + id);
        if (!held) throw absent(KIND.node, unhex(id));
        return held.bytes;
      },
    };
  }

  async addBlock(bytes: Uint8Array): Promise<void> {
    if (bytes.length > BLOCK_MAX_BYTES)
      throw new PlaitError('protocol', `A block of ${bytes.length} bytes is too long.`);
    const block = openBlock(bytes);
    if (block.kind === KIND.generation) throw strayGenerations();
    verifyObjects(block);
    for (let n = 0; n < block.count; n++) {
      const key = keyOf(block.kind, idAt(block, n));
      if (this.#present.has(key) || this.#added.has(key)) continue;
      this.#added.set(key, { kind: block.kind, bytes: Uint8Array.from(objectAt(block, n)) });
    }
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    return hasMany([this.#present, this.#added], kind, ids);
  }

  need(kind: Kind, ids: Uint8Array): Uint32Array {
    for (let at = 0; at < ids.length; at += ID_BYTES) this.#marked.add(keyOf(kind, ids.subarray(at, at + ID_BYTES)));
    return lengthsOf([this.#present, this.#added], kind, ids);
  }

  accept(): void {
    for (const key of this.#marked) this.#accepted.add(key);
    this.#marked.clear();
  }

  async publish(commit?: Commit): Promise<WriteStats> {
    const kept: Objects = new Map();
    for (const key of this.#accepted) {
      const held = this.#added.get(key);
      if (!held) continue;
      kept.set(key, held);
      this.#added.delete(key);
      this.#stats.storedBytes += held.bytes.length;
      if (held.kind !== KIND.chunk) continue;
      this.#stats.newChunks++;
      this.#stats.addedBytes += held.bytes.length;
    }
    this.#accepted.clear();
    await this.#publish(kept, commit);
    return { ...this.#stats };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#added.clear();
  }
}
