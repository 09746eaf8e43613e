/** The blob engine over a store's directory (docs/design.md, "Store on disk"): packs/, index.db, tmp/, quarantine/. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind, unhex } from '../core/hash.ts';
import type { NodeId, VolsetId } from '../core/ids.ts';
import { ensureDir } from '../disk/durable.ts';
import { ChunkPlaces } from './chunk-places.ts';
import type {
  BlobReader,
  BlobReceiver,
  BlobStore,
  BlobWriter,
  CollectOptions,
  CollectStats,
  IndexDamage,
  ObjectRef,
  PackDamage,
  PackInfo,
  VerifyOptions,
  WriterOptions,
} from './contract.ts';
import { DeltaSource } from './delta-source.ts';
import { DiskReader, type Extract } from './disk-reader.ts';
import { DiskReceiver } from './disk-receiver.ts';
import { DiskWriter } from './disk-writer.ts';
import { collect } from './gc.ts';
import { fill, type OpenedIndex, openOrRebuild } from './index-rebuild.ts';
import { ROWS_PER_TRANSACTION } from './index-rows.ts';
import { listObjects, type StoredObject } from './list-objects.ts';
import { type LockWait, receiveFault } from './lock.ts';
import { appendLog, type LogTail } from './log-file.ts';
import { ObjectReader } from './object-reader.ts';
import { volsetsIn } from './pack-scan.ts';
import { PackTimes } from './pack-times.ts';
import { Quarantine } from './quarantine.ts';
import { type RetireSource, retirePack } from './retire.ts';
import { cleanSessions, type Session, takeNewSession } from './session.ts';
import { SessionPacks } from './session-packs.ts';
import { ownerPath } from './upload-owner.ts';
import { inPacks, verifyIndex } from './verify-index.ts';
import { verifyLog } from './verify-log.ts';
import { verifyPacks } from './verify-packs.ts';
import { DeltaWorkers } from './work/delta.ts';
import { extract } from './work/extract.ts';
import { WorkerPool } from './work/pool.ts';
import type { Runner } from './work/protocol.ts';
import { BlockVerifier } from './work/verify.ts';

export interface DiskEngineOptions {
  /** Longest wait for another process's lock, ms. */
  lockWaitMs?: number;
  /** Bound of the cache of decoded blocks, bytes. */
  cacheBytes?: number;
  /** Worker threads; default one a core. */
  workers?: number;
  /** How long the quarantine of a dead process is kept for resuming, ms. */
  keepQuarantineMs?: number;
  now?: () => number;
  random?: () => number;
  /** Ends waiting for locks. */
  signal?: AbortSignal;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Opens the engine in a store directory, which is made if it is missing; throws `busy`, `format`, `integrity`. */
export async function openDiskBlobs(dir: string, options: DiskEngineOptions = {}): Promise<BlobStore> {
  const { lockWaitMs = 60_000, random = Math.random, signal } = options;
  const wait: LockWait = { lockWaitMs, random, signal };
  const opened = await openOrRebuild(dir, wait);
  for (const name of ['packs', 'tmp', 'quarantine']) ensureDir(join(dir, name));
  const now = options.now ?? Date.now;
  cleanSessions(join(dir, 'tmp'), 0, now);
  const quarantine = new Quarantine(join(dir, 'quarantine'), options.keepQuarantineMs ?? DAY_MS, now);
  quarantine.clean();
  return new DiskEngine(dir, opened, quarantine, options);
}

class DiskEngine implements BlobStore {
  readonly #dir: string;
  readonly #packsDir: string;
  readonly #opened: OpenedIndex;
  readonly #quarantine: Quarantine;
  readonly #objects: ObjectReader;
  readonly #options: DiskEngineOptions;
  readonly #times: PackTimes;
  readonly #tails = new Map<VolsetId, LogTail | undefined>();
  readonly #sessions = new Set<AsyncDisposable>();
  #pool: WorkerPool | undefined;
  #deltas: DeltaWorkers | undefined;
  #closed = false;

  constructor(dir: string, opened: OpenedIndex, quarantine: Quarantine, options: DiskEngineOptions) {
    this.#dir = dir;
    this.#packsDir = join(dir, 'packs');
    this.#times = new PackTimes(this.#packsDir);
    this.#opened = opened;
    this.#quarantine = quarantine;
    this.#options = options;
    this.#objects = new ObjectReader(opened.index, this.#packsDir, options.cacheBytes ?? 32 * 1024 * 1024);
  }

  reader(volset: VolsetId): BlobReader {
    const { index } = this.#opened;
    const deltas = new DeltaSource(volset, index, this.#packsDir, this.#deltaWorkers);
    return new DiskReader(volset, index, this.#objects, { extract: this.#extract, deltas });
  }

  writer(volset: VolsetId, options: WriterOptions = {}): BlobWriter {
    const parts = { runner: this.#runner, closed: () => this.#sessions.delete(writer) };
    const writer: BlobWriter = options.dryRun
      ? new DiskWriter(parts, options)
      : new DiskWriter({ ...parts, ...this.#freshSession(volset) }, options);
    this.#sessions.add(writer);
    return writer;
  }

  async receiver(volset: VolsetId, uploadId: string, owner = ''): Promise<BlobReceiver> {
    const session = await this.#quarantine.take(uploadId, { volset, owner });
    const beside = [this.#dir, this.#quarantine.dir, ownerPath(session.dir)];
    const receiver = new DiskReceiver({
      session,
      packs: new SessionPacks(session, volset, this.#opened.index, this.#packsDir, beside),
      reader: this.reader(volset),
      runner: this.#runner,
      deltas: this.#deltaWorkers,
      located: new DeltaSource(volset, this.#opened.index, this.#packsDir, this.#deltaWorkers),
      closed: () => this.#sessions.delete(receiver),
    });
    this.#sessions.add(receiver);
    try {
      await receiver.takeOver();
    } catch (error) {
      await receiver[Symbol.asyncDispose]();
      throw receiveFault(error);
    }
    return receiver;
  }

  unfinished(volset: VolsetId, owner: string): string[] {
    return this.#quarantine.unfinished({ volset, owner });
  }

  quarantineBytes(owner?: string): number {
    return this.#quarantine.bytes(owner);
  }

  cleanQuarantine(): number {
    return this.#quarantine.clean();
  }

  isEmpty(volset: VolsetId): boolean {
    return this.#opened.index.isEmpty(volset);
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#dir);
    return bavail * bsize;
  }

  packs(volset?: VolsetId): PackInfo[] {
    return this.#times.withTimes(this.#opened.index.packs(volset));
  }

  verifyPacks(options: VerifyOptions): AsyncIterable<PackDamage> {
    let verifier: BlockVerifier | undefined;
    const check = (bytes: Uint8Array): Promise<unknown> => {
      verifier ??= new BlockVerifier(this.#runner());
      return verifier.verify(bytes);
    };
    const now = this.#options.now ?? Date.now;
    return verifyPacks({ index: this.#opened.index, packsDir: this.#packsDir, check, now }, options);
  }

  get indexRebuilt(): boolean {
    return this.#opened.rebuilt;
  }

  async *verifyIndex({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<IndexDamage> {
    yield* verifyIndex(this.#dir, signal);
    for (const volset of volsetsIn(this.#packsDir)) yield* verifyLog(this.#packsDir, volset);
  }

  async inPacks(refs: ObjectRef[]): Promise<ObjectRef[]> {
    return inPacks(this.#packsDir, refs);
  }

  rebuildIndex(): Promise<{ packs: number; objects: number }> {
    return this.#opened.index.write(async (tx) => {
      // The packs' numbers are not used again (AUTOINCREMENT); the counter tells writers to look again.
      tx.db.exec("DELETE FROM objects; DELETE FROM packs; UPDATE meta SET value = value + 1 WHERE key = 'gc'");
      return fill(tx.db, this.#packsDir, false);
    });
  }

  appendLog(volset: VolsetId, generations: Uint8Array[], states: Uint8Array[] = []): Promise<void> {
    return this.#opened.index.write((tx) => {
      const known = this.#tails.get(volset);
      this.#tails.delete(volset);
      this.#tails.set(volset, appendLog(tx, this.#packsDir, volset, { generations, states }, known));
    });
  }

  async *scanObjects(kind: Kind, volset?: VolsetId): AsyncGenerator<StoredObject & { volset: VolsetId }> {
    for (const id of volset ? [volset] : volsetsIn(this.#packsDir)) {
      for (const object of listObjects(this.#packsDir, id, kind)) yield { volset: id, ...object };
    }
  }

  async borrow(from: VolsetId, to: VolsetId, refs: Iterable<ObjectRef>): Promise<number> {
    let borrowed = 0;
    const batch: ObjectRef[] = [];
    const flush = async (): Promise<void> => {
      const rows = batch.splice(0);
      borrowed += await this.#opened.index.write((tx) => tx.borrow(from, to, rows));
    };
    for (const ref of refs) if (batch.push(ref) >= ROWS_PER_TRANSACTION) await flush();
    if (batch.length > 0) await flush();
    return borrowed;
  }

  #runner = (): Runner => {
    if (this.#closed) throw new PlaitError('unexpected', 'The store has been closed.');
    const { workers } = this.#options;
    this.#pool ??= new WorkerPool(workers === undefined ? {} : { size: workers });
    return this.#pool;
  };

  #deltaWorkers = (): DeltaWorkers => {
    this.#deltas ??= new DeltaWorkers(this.#runner());
    return this.#deltas;
  };

  #extract: Extract = (volset, root, tempDir, targets, { signal, onProgress }) => {
    const reader = this.reader(volset);
    return extract({
      runner: this.#runner(),
      root,
      tempDir,
      targets,
      extents: (content) => reader.extents(content),
      locator: new ChunkPlaces(volset, this.#opened.index, this.#packsDir),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
  };

  #freshSession(volset: VolsetId): { session: Session; packs: SessionPacks } {
    const session = takeNewSession(join(this.#dir, 'tmp'));
    return { session, packs: new SessionPacks(session, volset, this.#opened.index, this.#packsDir) };
  }

  async collect(options: CollectOptions): Promise<CollectStats> {
    const readNode = (volset: VolsetId, id: NodeId): Uint8Array => this.#objects.read(volset, KIND.node, unhex(id));
    try {
      return await collect({ ...this.#source(), readNode }, options);
    } finally {
      // Files that are open keep their room.
      this.#objects.close();
    }
  }

  async retirePack(volset: VolsetId, pack: string): Promise<{ saved: number; lost: ObjectRef[] }> {
    try {
      return await retirePack(this.#source(), { volset, pack });
    } finally {
      this.#objects.close();
    }
  }

  #source(): RetireSource {
    return { storeDir: this.#dir, packsDir: this.#packsDir, index: this.#opened.index };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const session of [...this.#sessions]) await session[Symbol.asyncDispose]();
    await this.#pool?.close();
    this.#objects.close();
    await this.#opened.index.close();
    this.#opened.hold.release();
  }
}
