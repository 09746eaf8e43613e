/** Adds objects to one volset: groups what is put here into blocks, hands files to the workers, publishes at the end. */
import type { Content } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import type { FileSource, StoredFile } from '../core/files.ts';
import { Flat } from '../core/flat.ts';
import { hex, KIND, type Kind, objectHash } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { BlockGroups } from './block-groups.ts';
import type { BlobWriter, Commit, WriterOptions, WriteStats } from './contract.ts';
import { extentsOf } from './file-bytes.ts';
import { MAX_OBJECT } from './format.ts';
import { manifest } from './manifest/index.ts';
import type { Session } from './session.ts';
import type { SessionPacks } from './session-packs.ts';
import type { PackSink } from './sink.ts';
import { ingestUnits } from './work/ingest.ts';
import type { Runner } from './work/protocol.ts';

const NOTHING: WriteStats = { newChunks: 0, addedBytes: 0, storedBytes: 0 };

export interface WriterParts {
  /** Absent in a dry run. */
  packs?: SessionPacks;
  session?: Session;
  runner: () => Runner;
  closed: () => void;
}

export class DiskWriter implements BlobWriter {
  readonly #parts: WriterParts;
  readonly #options: WriterOptions;
  readonly #groups = new BlockGroups();
  #state: 'open' | 'failed' | 'closed' = 'open';

  constructor(parts: WriterParts, options: WriterOptions) {
    this.#parts = parts;
    this.#options = options;
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
    const { packs } = this.#parts;
    if (!packs || packs.claim(kind, id)[0] === 0) return id;
    for (const block of this.#groups.add(kind, id, bytes)) packs.append(block);
    return id;
  }

  putBytes(bytes: Uint8Array): Content {
    return manifest.buildList(
      this,
      extentsOf(bytes, (chunk) => this.putObject(KIND.chunk, chunk)),
    );
  }

  ingest(root: string, files: Iterable<FileSource> | AsyncIterable<FileSource>): AsyncIterable<StoredFile> {
    return new Flat(this.#ingest(root, files));
  }

  async *#ingest(
    root: string,
    files: Iterable<FileSource> | AsyncIterable<FileSource>,
  ): AsyncGenerator<StoredFile[], void, undefined> {
    this.#checkOpen();
    const { packs, runner } = this.#parts;
    const { signal, onProgress } = this.#options;
    let ended = false;
    try {
      yield* ingestUnits({
        runner: runner(),
        root,
        files,
        sink: packs ? freeing(packs) : { claim: (_kind, ids) => new Uint8Array(ids.length / 32), append: () => {} },
        buildList: (extents) => manifest.buildList(this, extents),
        dryRun: packs === undefined,
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      });
      ended = true;
    } catch (error) {
      // Chunks may have been promised that nobody stored: nothing of this session may become visible.
      this.#state = 'failed';
      throw error;
    } finally {
      if (!ended && signal?.aborted) this.#state = 'failed';
    }
  }

  async finish(commit?: Commit): Promise<WriteStats> {
    this.#checkOpen();
    const { packs } = this.#parts;
    if (!packs) return NOTHING;
    this.#options.signal?.throwIfAborted();
    for (const block of this.#groups.rest()) packs.append(block);
    return packs.publish(commit);
  }

  #checkOpen(): void {
    if (this.#state === 'open') return;
    throw new PlaitError('unexpected', `This writer has ${this.#state === 'failed' ? 'failed' : 'been closed'}.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#parts.packs?.close();
    this.#parts.session?.remove();
    this.#parts.closed();
  }
}

/** Blocks come from the workers in memory of their own: freed at once, they do not pile up until a collection. */
const freeing = (packs: SessionPacks): PackSink => ({
  claim: (kind, ids) => packs.claim(kind, ids),
  append: (block) => {
    packs.append(block);
    (block.buffer as ArrayBuffer).transfer(0);
  },
});
