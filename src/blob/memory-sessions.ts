/** Writers of the memory engine. */
import type { Content } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import type { FileSource, StoredFile } from '../core/files.ts';
import { hex, KIND, type Kind, objectHash, objectKey } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { objectAt, openBlock } from './block.ts';
import type { BlobWriter, Commit, WriterOptions, WriteStats } from './contract.ts';
import { extentsOf } from './file-bytes.ts';
import { ID_BYTES, MAX_OBJECT } from './format.ts';
import { manifest } from './manifest/index.ts';
import { hasMany, type Objects, putHeld } from './memory-objects.ts';
import { ingest } from './work/ingest.ts';
import { InlineRunner } from './work/inline.ts';

/** Makes `added` visible, then runs the commit; leaves `added` empty. What is `relied` upon must be there. */
export type Publish = (added: Objects, relied: Iterable<string>, commit?: Commit) => Promise<void>;

export class MemoryWriter implements BlobWriter {
  readonly #present: Objects;
  readonly #added: Objects = new Map();
  readonly #claimed = new Set<string>();
  readonly #relied = new Set<string>();
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
    if (this.#options.dryRun || this.#holds(kind, id)) return id;
    putHeld(this.#added, kind, bytes);
    this.#stats.storedBytes += bytes.length;
    if (kind === KIND.chunk) {
      this.#stats.newChunks++;
      this.#stats.addedBytes += bytes.length;
    }
    return id;
  }

  #holds(kind: Kind, id: Uint8Array): boolean {
    if (hasMany([this.#present], kind, id)[0] === 1) this.#relied.add(objectKey(kind, id));
    return hasMany([this.#present, this.#added], kind, id)[0] === 1;
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
    const here = new Uint8Array(ids.length / ID_BYTES);
    for (let n = 0; n < here.length; n++) {
      const id = ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES);
      const key = objectKey(kind, id);
      here[n] = this.#holds(kind, id) || this.#claimed.has(key) ? 0 : 1;
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
    if (!this.#options.dryRun) await this.#publish(this.#added, this.#relied, commit);
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
