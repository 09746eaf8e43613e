/**
 * Takes blocks from a peer into quarantine/<upload id>/: checked on a worker, appended to packs that nobody else sees.
 * What a dead process left under the same upload id is taken over, up to its first bad block.
 */
import { renameSync, rmSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, objectHash, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { type BlockTable, idAt, type OpenBlock, openBlock, parseFixed, parseHeader, verifyObjects } from './block.ts';
import { OpenFiles } from './caches.ts';
import type { BlobReceiver, Commit, NodeSource, WriteStats } from './contract.ts';
import { BLOCK_MAX_BYTES, ID_BYTES } from './format.ts';
import { rowsOfBlock } from './index-rows.ts';
import { diskFault } from './lock.ts';
import { readBlockAt, salvageBlocks, withFile } from './pack.ts';
import { ReceivedObjects, strayGenerations } from './received.ts';
import { release } from './release.ts';
import { NodePlaces } from './scratch.ts';
import type { Session } from './session.ts';
import { clearDir, type Keep, partsIn, type SessionPacks } from './session-packs.ts';
import type { Runner } from './work/protocol.ts';
import { BlockVerifier } from './work/verify.ts';

/** The first blocks of an upload are checked on this thread: most uploads are small, and a worker takes 30 ms to start. */
const INLINE_BYTES = 1024 * 1024;

export interface ReceiverParts {
  session: Session;
  packs: SessionPacks;
  /** Nodes that the volset holds. */
  volsetNodes: NodeSource;
  runner: () => Runner;
  closed: () => void;
}

/** Renames what an earlier session left, so that new packs get fresh names; answers with the files to take over. */
export function leftovers(session: Session): string[] {
  const old = partsIn(session.dir).map((path) => {
    const name = `${path}.old`;
    renameSync(path, name);
    return name;
  });
  clearDir(session.dir, (name) => name.endsWith('.part.old'));
  return old;
}

export class DiskReceiver implements BlobReceiver {
  readonly nodes: NodeSource;
  readonly #parts: ReceiverParts;
  readonly #places: NodePlaces;
  readonly #received: ReceivedObjects;
  readonly #files = new OpenFiles(8);
  #lastBlock: { key: string; block: OpenBlock } | undefined;
  #verifier: BlockVerifier | undefined;
  #seenBytes = 0;
  #closed = false;

  constructor(parts: ReceiverParts, old: string[]) {
    this.#parts = parts;
    this.#places = new NodePlaces(parts.session.dir);
    this.#received = new ReceivedObjects(parts.session.dir, (file) => parts.packs.lookedThrough(file));
    this.nodes = { readNode: (id) => this.#readNode(id) };
    for (const path of old) this.#takeOver(path);
  }

  async addBlock(bytes: Uint8Array): Promise<void> {
    if (bytes.length > BLOCK_MAX_BYTES)
      throw new PlaitError('protocol', `A block of ${bytes.length} bytes is too long.`);
    this.#checkOpen();
    if (parseFixed(bytes).kind === KIND.generation) throw strayGenerations();
    const checked = await this.#check(bytes);
    this.#checkOpen();
    this.#onDisk(() => this.#keep(checked));
    // What came back from a worker is nobody else's; all that is kept of it has been copied.
    if (checked !== bytes) release(checked);
  }

  async #check(bytes: Uint8Array): Promise<Uint8Array> {
    this.#seenBytes += bytes.length;
    if (this.#seenBytes > INLINE_BYTES) {
      this.#verifier ??= new BlockVerifier(this.#parts.runner());
      return this.#verifier.verify(bytes);
    }
    verifyObjects(openBlock(bytes));
    return bytes;
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    const here = this.#parts.packs.heldInVolset(kind, ids);
    for (let n = 0; n < here.length; n++) {
      if (here[n] === 0 && this.#received.lengthOf(kind, idOf(ids, n)) > 0) here[n] = 1;
    }
    return here;
  }

  need(kind: Kind, ids: Uint8Array): Uint32Array {
    const lengths = this.#parts.packs.lengths(kind, ids);
    const mark = (): void => {
      for (let n = 0; n < lengths.length; n++) {
        if (lengths[n] === 0) lengths[n] = this.#received.need(kind, idOf(ids, n));
      }
    };
    this.#onDisk(() => this.#received.batch(mark));
    return lengths;
  }

  /** The scratch databases have words of their own for a full disk. */
  #onDisk(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw diskFault(error);
    }
  }

  accept(): void {
    this.#received.accept();
  }

  async publish(commit?: Commit): Promise<WriteStats> {
    this.#checkOpen();
    const keep: Keep = (file, { kind, id }) => this.#received.take(file, kind as Kind, id);
    return this.#parts.packs.publish(commit, keep, this.#received.takeLate());
  }

  /** Keeps a checked block, unless all of it is here already. */
  #keep(bytes: Uint8Array): void {
    const block = parseHeader(bytes);
    const { packs } = this.#parts;
    if (!this.has(block.kind, idsOf(block)).includes(0)) return;
    const { file, offset } = packs.append(bytes);
    for (const { id, length } of rowsOfBlock({ ...block, offset })) this.#received.add(block.kind, id, length, file);
    if (block.kind === KIND.node) this.#places.put(file, rowsOfBlock({ ...block, offset }));
  }

  #takeOver(path: string): void {
    try {
      withFile(path, (fd) => {
        for (const { bytes, kind } of salvageBlocks(fd, this.#parts.packs.volset)) {
          if (kind === KIND.generation) continue;
          verifyObjects(openBlock(bytes));
          this.#keep(bytes);
        }
      });
    } catch (error) {
      // What cannot be read is sent again.
      if (!(error instanceof PlaitError)) throw error;
    }
    rmSync(path, { force: true });
  }

  #readNode(id: NodeId): Uint8Array {
    const raw = unhex(id);
    const place = this.#places.find(raw);
    if (!place) return this.#parts.volsetNodes.readNode(id);
    let block: OpenBlock;
    try {
      block = this.#openBlock(place.file, place.block);
    } catch (error) {
      // Published meanwhile, and then repacked by gc: the index knows where it is now.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return this.#parts.volsetNodes.readNode(id);
      throw error;
    }
    const bytes = Uint8Array.from(block.raw.subarray(place.raw, place.raw + place.length));
    if (!objectHash(KIND.node, bytes).equals(raw))
      throw new PlaitError('integrity', `Node ${id} was damaged in quarantine.`);
    return bytes;
  }

  #openBlock(file: number, offset: number): OpenBlock {
    const key = `${file}:${offset}`;
    if (this.#lastBlock?.key === key) return this.#lastBlock.block;
    const block = openBlock(readBlockAt(this.#files.open(this.#parts.packs.filePath(file)), offset));
    this.#lastBlock = { key, block };
    return block;
  }

  #checkOpen(): void {
    if (this.#closed) throw new PlaitError('unexpected', 'This upload has been closed.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#places.close();
    this.#received.close();
    this.#files.closeAll();
    await this.#parts.packs.close();
    this.#parts.session.remove();
    this.#parts.closed();
  }
}

const idOf = (ids: Uint8Array, n: number): Uint8Array => ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES);

function idsOf(block: BlockTable): Uint8Array {
  const ids = Buffer.allocUnsafe(block.count * 32);
  for (let n = 0; n < block.count; n++) ids.set(idAt(block, n), n * 32);
  return ids;
}
