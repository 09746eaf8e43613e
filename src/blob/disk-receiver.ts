/**
 * Takes blocks from a peer into quarantine/<upload id>/: checked on a worker, appended to packs that nobody else sees.
 * What a dead process left under the same upload id is taken over, up to its first bad block.
 */
import { renameSync, rmSync } from 'node:fs';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, objectHash, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { type BlockTable, idAt, type OpenBlock, openBlock, parseHeader, verifyObjects } from './block.ts';
import { OpenFiles } from './caches.ts';
import type { BlobReceiver, Commit, NodeSource, WriteStats } from './contract.ts';
import { BLOCK_MAX_BYTES } from './format.ts';
import { rowsOfBlock } from './index-rows.ts';
import { readBlockAt, salvageBlocks, withFile } from './pack.ts';
import { NodePlaces } from './scratch.ts';
import type { Session } from './session.ts';
import { clearDir, partsIn, type SessionPacks } from './session-packs.ts';
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
  readonly #files = new OpenFiles(8);
  #lastBlock: { key: string; block: OpenBlock } | undefined;
  #verifier: BlockVerifier | undefined;
  #seenBytes = 0;
  #closed = false;

  constructor(parts: ReceiverParts, old: string[]) {
    this.#parts = parts;
    this.#places = new NodePlaces(parts.session.dir);
    this.nodes = { readNode: (id) => this.#readNode(id) };
    for (const path of old) this.#takeOver(path);
  }

  async addBlock(bytes: Uint8Array): Promise<void> {
    if (bytes.length > BLOCK_MAX_BYTES)
      throw new PlaitError('protocol', `A block of ${bytes.length} bytes is too long.`);
    this.#checkOpen();
    // The check may move the memory to a worker; the caller's stays the caller's.
    const checked = await this.#check(new Uint8Array(bytes));
    this.#checkOpen();
    this.#keep(checked);
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
    return this.#parts.packs.has(kind, ids);
  }

  async publish(commit?: Commit): Promise<WriteStats> {
    this.#checkOpen();
    return this.#parts.packs.publish(commit);
  }

  /** Keeps a checked block, unless all of it is here already. */
  #keep(bytes: Uint8Array): void {
    const block = parseHeader(bytes);
    const { packs } = this.#parts;
    if (!packs.claim(block.kind, idsOf(block)).includes(1)) return;
    const { file, offset } = packs.append(bytes);
    if (block.kind === KIND.node) this.#places.put(file, rowsOfBlock({ ...block, offset }));
  }

  #takeOver(path: string): void {
    try {
      withFile(path, (fd) => {
        for (const { bytes } of salvageBlocks(fd, this.#parts.packs.volset)) {
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
      // Published meanwhile: the file has moved to the volset.
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
    this.#files.closeAll();
    await this.#parts.packs.close();
    this.#parts.session.remove();
    this.#parts.closed();
  }
}

function idsOf(block: BlockTable): Uint8Array {
  const ids = Buffer.allocUnsafe(block.count * 32);
  for (let n = 0; n < block.count; n++) ids.set(idAt(block, n), n * 32);
  return ids;
}
