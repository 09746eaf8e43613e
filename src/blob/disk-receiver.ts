/**
 * Takes blocks from a peer into quarantine/<upload id>/: checked on a worker, appended to packs that nobody else sees.
 * Any number of its methods may be under way at once. Marks are one set: whoever verifies snapshots does so one after
 * another, from the first `need` to `accept`.
 */
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { type BlockTable, idAt, openBlock, parseFixed, parseHeader, verifyObjects } from './block.ts';
import type { BlobReader, BlobReceiver, Commit, DeltaInput, NodeSource, ObjectRef, WriteStats } from './contract.ts';
import type { DeltaSource } from './delta-source.ts';
import { DiskDeltas } from './disk-deltas.ts';
import { BLOCK_MAX_BYTES, ID_BYTES } from './format.ts';
import { rowsOfBlock } from './index-rows.ts';
import { receiveFault } from './lock.ts';
import type { LooseObjects } from './loose-objects.ts';
import type { PackedBlock } from './pack-directory.ts';
import { clearScratch } from './quarantine.ts';
import { QuarantineReader } from './quarantine-reader.ts';
import { isOwnKind, ReceivedObjects, strayObjects } from './received.ts';
import { release } from './release.ts';
import type { Session } from './session.ts';
import type { Keep, SessionPacks } from './session-packs.ts';
import { takeOver } from './take-over.ts';
import type { DeltaWorkers } from './work/delta.ts';
import type { ChunkPlace } from './work/extract-types.ts';
import type { Runner } from './work/protocol.ts';
import { BlockVerifier } from './work/verify.ts';

/** The first blocks of an upload are checked on this thread: most uploads are small, and a worker takes 30 ms to start. */
const INLINE_BYTES = 1024 * 1024;

export interface ReceiverParts {
  session: Session;
  packs: SessionPacks;
  /** What the volset holds. */
  reader: BlobReader;
  runner: () => Runner;
  deltas: () => DeltaWorkers;
  /** Where what the volset holds lies. */
  located: Pick<DeltaSource, 'locate'>;
  closed: () => void;
}

export class DiskReceiver implements BlobReceiver {
  readonly nodes: NodeSource;
  readonly #parts: ReceiverParts;
  readonly #received: ReceivedObjects;
  readonly #quarantine: QuarantineReader;
  readonly #loose: LooseObjects;
  readonly #deltas: DiskDeltas;
  #verifier: BlockVerifier | undefined;
  #seenBytes = 0;
  /** `opening`: what an earlier receiver left is not all looked at yet, and is not ours to remove. */
  #state: 'opening' | 'open' | 'closed' = 'opening';

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#received = new ReceivedObjects(parts.session.dir);
    this.#quarantine = new QuarantineReader((file) => parts.packs.files.path(file));
    this.nodes = { readNode: (id) => this.#readNode(id) };
    this.#deltas = new DiskDeltas({
      runner: parts.runner,
      workers: parts.deltas,
      has: (kind, ids) => this.has(kind, ids),
      read: (kind, id) => this.#read(kind, id),
      locate: (ref) => this.#locate(ref),
      append: (block) => {
        this.#checkOpen();
        this.#onDisk(() => this.#append(block));
      },
    });
    this.#loose = this.#deltas.loose;
  }

  /** What an earlier receiver of this upload left; before anything else. */
  async takeOver(): Promise<void> {
    await takeOver({
      dir: this.#parts.session.dir,
      packs: this.#parts.packs,
      check: async (bytes) => {
        const checked = await this.#check(bytes);
        this.#checkOpen();
        return checked;
      },
      lacks: (block) => this.#parts.packs.heldInVolset(block.kind, idsOf(block)).includes(0),
      add: (file, block) => this.#addAbsent(file, block),
    });
    this.#checkOpen();
    this.#state = 'open';
  }

  get bytes(): number {
    return this.#parts.packs.files.bytes;
  }

  async addBlock(bytes: Uint8Array): Promise<void> {
    if (bytes.length > BLOCK_MAX_BYTES)
      throw new PlaitError('protocol', `A block of ${bytes.length} bytes is too long.`);
    this.#checkOpen();
    if (isOwnKind(parseFixed(bytes).kind)) throw strayObjects();
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

  async addDelta(delta: DeltaInput): Promise<ObjectRef[]> {
    this.#checkOpen();
    const lacking = await this.#deltas.add(delta);
    this.#checkOpen();
    return lacking;
  }

  has(kind: Kind, ids: Uint8Array): Uint8Array {
    const here = this.#parts.packs.heldInVolset(kind, ids);
    for (let n = 0; n < here.length; n++) {
      if (here[n] === 0 && this.#isReceived(kind, idOf(ids, n))) here[n] = 1;
    }
    return here;
  }

  #isReceived(kind: Kind, id: Uint8Array): boolean {
    return this.#received.holds(kind, id) || this.#loose.find(kind, id) !== undefined;
  }

  heldIds(kind: Kind): Iterable<Uint8Array> {
    this.#flushLoose();
    return this.#received.ids(kind);
  }

  need(kind: Kind, ids: Uint8Array): Uint32Array {
    this.#flushLoose();
    const lengths = this.#parts.packs.lengths(kind, ids);
    const mark = (): void => {
      for (let n = 0; n < lengths.length; n++) {
        if (lengths[n] === 0) lengths[n] = this.#received.need(kind, idOf(ids, n));
      }
    };
    this.#onDisk(() => this.#received.batch(mark));
    return lengths;
  }

  accept(): void {
    this.#received.accept();
  }

  async publish(commit?: Commit): Promise<WriteStats> {
    await this.#loose.settle();
    this.#checkOpen();
    this.#flushLoose();
    const keep: Keep = {
      wanted: (file, row) => this.#received.wanted(file, row),
      recorded: (rows) => this.#onDisk(() => this.#received.recorded(rows)),
      late: this.#received.late,
    };
    try {
      return await this.#parts.packs.publish(commit, keep);
    } catch (error) {
      throw receiveFault(error);
    }
  }

  async sync(): Promise<void> {
    await this.#loose.settle();
    this.#checkOpen();
    this.#flushLoose();
    try {
      await this.#parts.packs.files.sync();
    } catch (error) {
      throw receiveFault(error);
    }
  }

  #flushLoose(): void {
    this.#loose.flush();
  }

  #onDisk(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw receiveFault(error);
    }
  }

  /** Keeps a checked block, unless all of it is here already. */
  #keep(bytes: Uint8Array): void {
    const block = parseHeader(bytes);
    if (this.has(block.kind, idsOf(block)).includes(0)) this.#append(bytes);
  }

  #append(bytes: Uint8Array): void {
    const { file, offset } = this.#parts.packs.files.append(bytes);
    const block = { ...parseHeader(bytes), offset };
    for (const { id, ...place } of rowsOfBlock(block)) {
      const isIndexed = (): boolean => this.#parts.packs.heldInVolset(block.kind, id)[0] === 1;
      this.#received.add(block.kind, id, { ...place, file }, isIndexed);
    }
  }

  #addAbsent(file: number, block: PackedBlock): number {
    const held = this.#parts.packs.heldInVolset(block.kind, idsOf(block));
    let [n, added] = [0, 0];
    for (const { id, ...place } of rowsOfBlock(block)) {
      if (held[n++] === 1) continue;
      this.#received.add(block.kind, id, { ...place, file }, () => true);
      added++;
    }
    return added;
  }

  /** Throws `blob-absent`. */
  #locate(ref: ObjectRef): ChunkPlace {
    const place = this.#received.find(ref.kind, ref.id);
    if (!place) return this.#parts.located.locate(ref);
    return { pack: this.#parts.packs.files.path(place.file), block: place.block, raw: place.raw };
  }

  #readNode(id: NodeId): Uint8Array {
    return this.#read(KIND.node, unhex(id));
  }

  /** Verified bytes from wherever they are here; throws `blob-absent`, `integrity`. */
  #read(kind: Kind, id: Uint8Array): Uint8Array {
    const loose = this.#loose.find(kind, id);
    if (loose) return loose;
    const place = this.#received.find(kind, id);
    const bytes = place && this.#quarantine.read(kind, id, place);
    // Not received, or published meanwhile and then repacked by gc: the index knows where it is now.
    return bytes ?? this.#parts.reader.readObject(kind, id);
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new PlaitError('unexpected', 'This upload has been closed.');
  }

  async suspend(): Promise<void> {
    await this.#loose.settle();
    this.#checkOpen();
    try {
      this.#flushLoose();
    } catch (error) {
      // No room: what is on the disk stays, and these come again. They were never said to be durable.
      if (!(error instanceof PlaitError) || error.code !== 'no-space') throw error;
    }
    await this.sync();
    const { session } = this.#parts;
    await this.#close(() => {
      clearScratch(session.dir);
      session.release();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { session } = this.#parts;
    const opening = this.#state === 'opening';
    await this.#close(() => (opening ? session.release() : session.remove()));
  }

  async #close(leave: () => void): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#parts.packs.close();
    this.#received.close();
    this.#quarantine.close();
    leave();
    this.#parts.closed();
  }
}

const idOf = (ids: Uint8Array, n: number): Uint8Array => ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES);

function idsOf(block: BlockTable): Uint8Array {
  const ids = Buffer.allocUnsafe(block.count * ID_BYTES);
  for (let n = 0; n < block.count; n++) ids.set(idAt(block, n), n * ID_BYTES);
  return ids;
}
