/**
 * The packs that one session writes, in its own folder, until they are published: sealed and synced, moved to
 * packs/<volset>/, recorded in the index, and then, under the index's write lock, made visible by the caller's commit.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { hex, KIND, type Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { ensureDir, fsyncDir } from '../disk/durable.ts';
import type { Commit, WriteStats } from './contract.ts';
import { ID_BYTES } from './format.ts';
import type { IndexDb, IndexWrite } from './index-db.ts';
import { type ObjectRow, ROWS_PER_TRANSACTION, rowsOfPack } from './index-rows.ts';
import { readDirectory, withFile } from './pack.ts';
import { packPath } from './pack-scan.ts';
import { PackWriter, type SealedPack } from './pack-writer.ts';
import { PresentIds, PromisedIds } from './scratch.ts';
import type { Session } from './session.ts';
import type { PackSink } from './sink.ts';

/** Missing ids that an error lists at most. */
const LISTED = 1000;

export interface Appended {
  /** Number of the session's pack, from 0. */
  file: number;
  /** Where the block begins in it. */
  offset: number;
}

/** Which of a pack's rows are recorded; asked once for each, in each pack that is looked through. */
export type Keep = (file: number, row: ObjectRow) => boolean;

interface Sealing {
  file: number;
  sealed: Promise<SealedPack>;
}

export class SessionPacks implements PackSink {
  readonly volset: VolsetId;
  readonly #session: Session;
  readonly #index: IndexDb;
  readonly #packsDir: string;
  readonly #startCounter: number;
  readonly #promised: PromisedIds;
  readonly #present: PresentIds;
  readonly #sealing: Sealing[] = [];
  readonly #published: string[] = [];
  /** Sealed packs with objects that nothing needed so far: kept here if they have no other, else placed already. */
  readonly #partly = new Map<number, SealedPack>();
  /** Where packs went that were placed. */
  readonly #places = new Map<number, string>();
  #lookedThrough = 0;
  readonly #stats: WriteStats = { newChunks: 0, addedBytes: 0, storedBytes: 0 };
  #open: PackWriter | undefined;
  #failure: { error: unknown } | undefined;
  #files = 0;

  constructor(session: Session, volset: VolsetId, index: IndexDb, packsDir: string) {
    this.#session = session;
    this.volset = volset;
    this.#index = index;
    this.#packsDir = packsDir;
    this.#startCounter = index.gcCounter();
    this.#promised = new PromisedIds(session.dir);
    this.#present = new PresentIds(session.dir);
  }

  claim(kind: Kind, ids: Uint8Array): Uint8Array {
    const here = this.#index.has(this.volset, kind, ids);
    for (let n = 0; n < here.length; n++) {
      const id = ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES);
      if (here[n] === 1) {
        this.#present.add(kind, id);
        here[n] = 0;
      } else if (this.#promised.add(kind, id)) here[n] = 1;
    }
    return here;
  }

  /** Promised in this session or there already. */
  has(kind: Kind, ids: Uint8Array): Uint8Array {
    const here = this.#index.has(this.volset, kind, ids);
    for (let n = 0; n < here.length; n++) {
      const id = ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES);
      if (here[n] === 1) this.#present.add(kind, id);
      else if (this.#promised.has(kind, id)) here[n] = 1;
    }
    return here;
  }

  /** Bytes of each that the volset holds, 0 = not there; what is there is relied on until the end. */
  lengths(kind: Kind, ids: Uint8Array): Uint32Array {
    const lengths = this.#index.lengths(this.volset, kind, ids);
    for (let n = 0; n < lengths.length; n++) {
      if (lengths[n] > 0) this.#present.add(kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
    }
    return lengths;
  }

  /** One byte per id, 1 = the volset holds it now. */
  heldInVolset(kind: Kind, ids: Uint8Array): Uint8Array {
    return this.#index.has(this.volset, kind, ids);
  }

  /** True for packs of which the last `publish` has recorded what was to be kept. */
  lookedThrough(file: number): boolean {
    return file < this.#lookedThrough;
  }

  append(block: Uint8Array): Appended {
    this.#open ??= new PackWriter(this.#partPath(this.#files++), this.volset);
    let offset: number;
    try {
      offset = this.#open.append(block);
    } catch (error) {
      // Its objects were promised: whoever relied on that must not become visible.
      this.#failure ??= { error };
      throw error;
    }
    const at = { file: this.#files - 1, offset };
    if (this.#open.full) this.#seal();
    return at;
  }

  filePath(file: number): string {
    return this.#places.get(file) ?? this.#partPath(file);
  }

  #partPath(file: number): string {
    return join(this.#session.dir, `${file}.part`);
  }

  /** Sealing syncs on another thread while the next pack is being written; failures show in `publish`. */
  #seal(): void {
    if (!this.#open) return;
    const sealed = this.#open.seal();
    sealed.catch(() => {});
    this.#sealing.push({ file: this.#files - 1, sealed });
    this.#open = undefined;
  }

  /** `late`: packs that were looked through before, and of which more is kept now. */
  async publish(commit?: Commit, keep: Keep = keepAll, late: Iterable<number> = []): Promise<WriteStats> {
    if (this.#failure) throw this.#failure.error;
    this.#seal();
    for (const file of late) {
      const sealed = this.#partly.get(file);
      if (sealed) await this.#place(file, sealed, keep);
    }
    for (const { file, sealed } of this.#sealing.splice(0)) await this.#place(file, await sealed, keep);
    this.#lookedThrough = this.#files;
    await this.#index.write(async (tx) => {
      if (tx.gcCounter() !== this.#startCounter) this.#recheck(tx);
      await commit?.();
    });
    return { ...this.#stats };
  }

  /** Moves a sealed pack to its place and records it. Its objects may be seen from now on; no snapshot names them yet. */
  async #place(file: number, sealed: SealedPack, keep: Keep): Promise<void> {
    const rows = withFile(this.filePath(file), (fd) => rowsOfPack(readDirectory(fd, this.volset, sealed.pack).blocks));
    const kept = keep === keepAll ? rows : rows.filter((row) => keep(file, row));
    if (kept.length < rows.length) this.#partly.set(file, sealed);
    // Nothing in it is needed: it is not worth a place, unless something is asked for later.
    if (kept.length === 0) return;
    if (!this.#places.has(file)) this.#move(file, sealed);
    await this.#record(sealed, rows, kept);
    this.#count(kept);
  }

  #move(file: number, sealed: SealedPack): void {
    const target = packPath(this.#packsDir, this.volset, sealed.pack);
    if (ensureDir(dirname(target))) {
      fsyncDir(this.#packsDir);
      fsyncDir(dirname(this.#packsDir));
    }
    renameSync(sealed.path, target);
    fsyncDir(dirname(target));
    this.#places.set(file, target);
    this.#published.push(sealed.pack);
    this.#stats.storedBytes += sealed.bytes;
  }

  #count(rows: ObjectRow[]): void {
    for (const { kind, length } of rows) {
      if (kind !== KIND.chunk) continue;
      this.#stats.newChunks++;
      this.#stats.addedBytes += length;
    }
  }

  async #record(sealed: SealedPack, all: ObjectRow[], rows: ObjectRow[]): Promise<void> {
    // Of all that lies in it: with the file's length it tells how well the pack is compressed.
    const raw = all.reduce((sum, row) => sum + row.length, 0);
    const row = { volset: this.volset, pack: sealed.pack, bytes: sealed.bytes, objects: sealed.objects, raw };
    for (let at = 0; at < rows.length; at += ROWS_PER_TRANSACTION) {
      await this.#index.write((tx) => tx.rows.objects(tx.rows.pack(row), rows.slice(at, at + ROWS_PER_TRANSACTION)));
    }
  }

  /** gc ran since this session began: what was taken as present, and our own packs, must still be there. */
  #recheck(tx: IndexWrite): void {
    const missing: string[] = [];
    let count = 0;
    for (const { kind, ids } of this.#present.batches()) {
      tx.has(this.volset, kind, ids).forEach((there, n) => {
        if (there === 1) return;
        count++;
        if (missing.length < LISTED) missing.push(`${kind}:${hex(ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES))}`);
      });
    }
    const lostPacks = this.#published.filter((pack) => !tx.hasPack(this.volset, pack));
    if (count === 0 && lostPacks.length === 0) return;
    throw new PlaitError('busy', 'Data that this command relied on was collected as garbage while it ran.', {
      hint: 'Run the command again.',
      data: { missing, missingCount: count, lostPacks },
    });
  }

  async close(): Promise<void> {
    this.#open?.discard();
    this.#open = undefined;
    await Promise.allSettled(this.#sealing.map(({ sealed }) => sealed));
    this.#promised.close();
    this.#present.close();
  }
}

const keepAll: Keep = () => true;

/** Files of unfinished packs that an earlier session left in its folder, in the order of their numbers. */
export function partsIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => /^\d+\.part$/.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => join(dir, name));
}

export const clearDir = (dir: string, keep: (name: string) => boolean): void => {
  for (const name of readdirSync(dir)) if (!keep(name)) rmSync(join(dir, name), { recursive: true, force: true });
};
