/**
 * The packs that one session writes, in its own folder, until they are published: sealed and synced, moved to
 * packs/<volset>/, recorded in the index, and then, under the index's write lock, made visible by the caller's commit.
 */
import { dirname } from 'node:path';
import { collected } from '../core/collected.ts';
import { hex, KIND, type Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import { fsyncDir } from '../disk/durable.ts';
import { renameFile } from '../disk/files.ts';
import type { Commit, WriteStats } from './contract.ts';
import { ID_BYTES } from './format.ts';
import type { IndexDb, IndexWrite } from './index-db.ts';
import { type ObjectRow, ROWS_PER_TRANSACTION, rowsOfPack } from './index-rows.ts';
import { readDirectory, withFile } from './pack.ts';
import { ensurePackDir, packPath } from './pack-scan.ts';
import type { SealedPack } from './pack-writer.ts';
import { PresentIds, PromisedIds } from './scratch.ts';
import type { Session } from './session.ts';
import { markMoved, SessionFiles, unmarkMoved } from './session-files.ts';
import type { PackSink } from './sink.ts';

/** Missing ids that an error lists at most. */
const LISTED = 1000;

/** Which of a pack's rows are recorded; asked for each, in each pack that is looked through. */
export interface Keep {
  wanted(file: number, row: ObjectRow): boolean;
  /** The index has them now. */
  recorded(rows: ObjectRow[]): void;
  /** Packs that were looked through before, and of which more may be wanted now; emptied as they are looked through. */
  late: Set<number>;
}

export class SessionPacks implements PackSink {
  readonly volset: VolsetId;
  readonly files: SessionFiles;
  readonly #session: Session;
  readonly #index: IndexDb;
  readonly #packsDir: string;
  readonly #startCounter: number;
  readonly #promised: PromisedIds;
  readonly #present: PresentIds;
  /** Placed since the last commit. */
  readonly #published: string[] = [];
  /** Those of them whose markers go with the commit. */
  readonly #recorded = new Map<number, string>();
  /** Sealed packs with objects that nothing needed so far: kept here if they have no other, else placed already. */
  readonly #partly = new Map<number, SealedPack>();
  readonly #stats: WriteStats = { newChunks: 0, addedBytes: 0, storedBytes: 0 };
  #failure: { error: unknown } | undefined;
  #publishing: Promise<unknown> = Promise.resolve();

  constructor(session: Session, volset: VolsetId, index: IndexDb, packsDir: string, beside: string[] = []) {
    this.#session = session;
    this.volset = volset;
    this.files = new SessionFiles(session.dir, volset, beside);
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

  /** For objects that were promised; without, `files.append` does. */
  append(block: Uint8Array): void {
    try {
      this.files.append(block);
    } catch (error) {
      // Whoever relied on the promise must not become visible.
      this.#failure ??= { error };
      throw error;
    }
  }

  packPath(pack: string): string {
    return packPath(this.#packsDir, this.volset, pack);
  }

  /** A pack that an earlier session moved, with objects for this one; `keep.late` names it once something needs them. */
  adoptMoved(file: number, sealed: SealedPack): void {
    this.files.skip(file);
    this.files.moved(file, sealed.path);
    this.#partly.set(file, sealed);
  }

  /** One at a time: a commit may rely on what an earlier one is still recording. */
  publish(commit?: Commit, keep?: Keep): Promise<WriteStats> {
    const run = this.#publishing.then(() => this.#publish(commit, keep));
    this.#publishing = run.catch(() => {});
    return run;
  }

  async #publish(commit?: Commit, keep?: Keep): Promise<WriteStats> {
    if (this.#failure) throw this.#failure.error;
    this.files.seal();
    if (keep) await this.#placeLate(keep);
    // Not those that are sealed meanwhile: nothing that this commit shows lies in them.
    for (const entry of this.files.sealing) {
      await this.#place(entry.file, await this.files.sealed(entry), keep);
      this.files.handedOver(entry);
    }
    await this.#index.write(async (tx) => {
      if (tx.gcCounter() !== this.#startCounter) this.#recheck(tx);
      await commit?.();
    });
    this.#committed();
    return { ...this.#stats };
  }

  /** What was published is like any other data now: gc may move it, or take it once nothing names it any more. */
  #committed(): void {
    this.#published.length = 0;
    for (const [file, pack] of this.#recorded) unmarkMoved(this.#session.dir, file, pack);
    this.#recorded.clear();
  }

  async #placeLate(keep: Keep): Promise<void> {
    for (const file of [...keep.late]) {
      // First: what is marked while it is being looked through makes it late again.
      keep.late.delete(file);
      const sealed = this.#partly.get(file);
      if (!sealed) continue;
      try {
        await this.#place(file, sealed, keep);
      } catch (error) {
        keep.late.add(file);
        throw error;
      }
    }
  }

  /** Marks a sealed pack, moves it to its place and records it. Its objects may be seen from now on; no snapshot names them yet. */
  async #place(file: number, sealed: SealedPack, keep?: Keep): Promise<void> {
    const path = this.files.path(file);
    const rows = withFile(path, (fd) => rowsOfPack(readDirectory(fd, this.volset, sealed.pack).blocks));
    const kept = keep ? rows.filter((row) => keep.wanted(file, row)) : rows;
    if (kept.length < rows.length) this.#partly.set(file, sealed);
    // Nothing in it is needed: it is not worth a place, unless something is asked for later.
    if (kept.length === 0) return;
    if (!this.files.isMoved(file)) this.#mark(file, sealed, kept.length < rows.length);
    await this.#record(file, sealed, rows, kept);
    keep?.recorded(kept);
    if (kept.length === rows.length) this.#recorded.set(file, sealed.pack);
    this.#count(kept);
  }

  /** Keeps gc away from the pack; and what is not recorded now would be lost for who takes the session up. */
  #mark(file: number, sealed: SealedPack, forLong: boolean): void {
    markMoved(this.#session.dir, file, sealed.pack);
    // Else it is there for a process that dies; after a power cut its blocks would come again.
    if (forLong) fsyncDir(this.#session.dir);
  }

  #move(file: number, sealed: SealedPack): void {
    const target = this.packPath(sealed.pack);
    ensurePackDir(target);
    renameFile(sealed.path, target);
    fsyncDir(dirname(target));
    this.files.moved(file, target);
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

  /** The pack moves under the index's lock: gc, which removes files under it, might take another one of this name for it. */
  async #record(file: number, sealed: SealedPack, all: ObjectRow[], rows: ObjectRow[]): Promise<void> {
    // Of all that lies in it: with the file's length it tells how well the pack is compressed.
    const raw = all.reduce((sum, row) => sum + row.length, 0);
    const row = { volset: this.volset, pack: sealed.pack, bytes: sealed.bytes, objects: sealed.objects, raw };
    for (let at = 0; at < rows.length; at += ROWS_PER_TRANSACTION) {
      await this.#index.write((tx) => {
        if (!this.files.isMoved(file)) this.#move(file, sealed);
        tx.rows.objects(tx.rows.pack(row), rows.slice(at, at + ROWS_PER_TRANSACTION));
      });
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
    throw collected({ missing, missingCount: count, lostPacks });
  }

  async close(): Promise<void> {
    await this.#publishing;
    await this.files.close();
    this.#promised.close();
    this.#present.close();
  }
}
