/**
 * index.db: where each object of each volset lies. One connection reads committed state, another writes; a write
 * transaction may span an await and is never waited for on the thread. The file can be made again from the packs.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PlaitError } from '../core/errors.ts';
import type { Kind } from '../core/hash.ts';
import type { VolsetId } from '../core/ids.ts';
import type { ObjectRef } from './contract.ts';
import { ID_BYTES } from './format.ts';
import { borrowRows, FIND, readBorrowers } from './index-borrow.ts';
import { RowWriter } from './index-rows.ts';
import { atOnce, openIndex } from './index-schema.ts';
import { diskFault, ensureFile, isCorrupt, type LockWait, retryBusy } from './lock.ts';
import type { IndexedPack } from './pack-times.ts';

export interface PackPlace {
  /** The volset whose folder holds the pack: another than asked for where the object is borrowed. */
  volset: VolsetId;
  pack: string;
  bytes: number;
  raw: number;
}

export interface Location {
  place: PackPlace;
  /** Offset of the block in the pack, of the object in the block's raw data, and the object's length. */
  block: number;
  raw: number;
  length: number;
}

/** What a write transaction may do; only valid until its function has ended. */
export interface IndexWrite {
  readonly db: DatabaseSync;
  readonly rows: RowWriter;
  gcCounter(): number;
  has(volset: VolsetId, kind: Kind, ids: Uint8Array): Uint8Array;
  hasPack(volset: VolsetId, pack: string): boolean;
  /** Rows of `to` for objects that `from` holds; answers with the number of refs that `to` has now. */
  borrow(from: VolsetId, to: VolsetId, refs: readonly ObjectRef[]): number;
}

export class IndexDb {
  readonly #path: string;
  readonly #wait: LockWait;
  readonly #inode: number;
  readonly #read: DatabaseSync;
  #write: DatabaseSync | undefined;
  readonly #find: StatementSync;
  readonly #findVolset: StatementSync;
  readonly #volsets = new Map<VolsetId, number>();
  readonly #places = new Map<number, PackPlace>();
  #queue: Promise<unknown> = Promise.resolve();

  /** Throws IndexDamaged when the file has to be rebuilt. */
  constructor(path: string, wait: LockWait) {
    this.#path = path;
    this.#wait = wait;
    this.#read = openIndex(path);
    this.#inode = statSync(path).ino;
    this.#find = this.#read.prepare(FIND);
    this.#find.setReturnArrays(true);
    this.#findVolset = this.#read.prepare('SELECT n FROM volsets WHERE id = ?');
  }

  find(volset: VolsetId, kind: Kind, id: Uint8Array): Location | undefined {
    return this.#guard(() => {
      const number = this.#volset(volset);
      const row =
        number && (this.#find.get(number, kind, id) as unknown as [number, number, number, number] | undefined);
      if (!row) return undefined;
      const place = this.#place(row[0]);
      return place && { place, block: row[1], raw: row[2], length: row[3] };
    });
  }

  /** One byte per id, 1 = there. */
  has(volset: VolsetId, kind: Kind, ids: Uint8Array): Uint8Array {
    return this.#guard(() => atOnce(this.#read, () => hasMany(this.#find, this.#volset(volset), kind, ids)));
  }

  /** No chunk and no node. */
  isEmpty(volset: VolsetId): boolean {
    return this.#guard(() => {
      const number = this.#volset(volset);
      if (number === undefined) return true;
      const sql = 'SELECT 1 FROM objects WHERE volset = ? AND kind <= 1 LIMIT 1';
      return this.#read.prepare(sql).get(number) === undefined;
    });
  }

  /** Length in bytes of each, 0 = not there. */
  lengths(volset: VolsetId, kind: Kind, ids: Uint8Array): Uint32Array {
    return this.#guard(() => {
      const answer = new Uint32Array(ids.length / ID_BYTES);
      const number = this.#volset(volset);
      if (number === undefined) return answer;
      return atOnce(this.#read, () => {
        for (let n = 0; n < answer.length; n++) {
          const row = this.#find.get(number, kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES));
          if (row) answer[n] = (row as unknown as [number, number, number, number])[3];
        }
        return answer;
      });
    });
  }

  packs(volset?: VolsetId): IndexedPack[] {
    const wanted = volset ?? null;
    // Not ?1 twice: Node 24.6 counts that as two values.
    const sql = `SELECT v.id AS volset, p.id AS pack, p.bytes, p.objects, p.verified FROM packs p JOIN volsets v ON v.n = p.volset
      WHERE ? IS NULL OR v.id = ? ORDER BY p.n`;
    return this.#guard(() =>
      this.#read
        .prepare(sql)
        .all(wanted, wanted)
        .map((row) => ({ ...row }) as unknown as IndexedPack),
    );
  }

  /** When all of the pack was last read and found sound (ms since the epoch); forgotten with the index. */
  setVerified(volset: VolsetId, pack: string, at: number): Promise<void> {
    const sql = 'UPDATE packs SET verified = ? WHERE volset = (SELECT n FROM volsets WHERE id = ?) AND id = ?';
    return this.write(({ db }) => {
      db.prepare(sql).run(at, volset, pack);
    });
  }

  /** Objects that the index places in this pack, own and borrowed; reads the whole index (for damage reports). */
  objectsOfPack(volset: VolsetId, pack: string): ObjectRef[] {
    const sql = `SELECT DISTINCT kind, id FROM objects WHERE pack = (SELECT p.n FROM packs p JOIN volsets v ON v.n = p.volset
      WHERE v.id = ? AND p.id = ?)`;
    return this.#guard(() =>
      this.#read
        .prepare(sql)
        .all(volset, pack)
        .map((row) => ({ ...row }) as unknown as ObjectRef),
    );
  }

  /** Volsets that may have borrowed objects in the packs of `owner`. */
  borrowersOf(owner: VolsetId): VolsetId[] {
    return this.read((db) => readBorrowers(db, owner));
  }

  /** Queries of committed state. */
  read<T>(query: (db: DatabaseSync) => T): T {
    return this.#guard(() => query(this.#read));
  }

  gcCounter(): number {
    return this.#guard(() => readCounter(this.#read));
  }

  /**
   * Runs `body` in a write transaction: one at a time in this process, waiting for other processes without blocking.
   * Commits when it ends well, rolls back when it throws.
   */
  write<T>(body: (tx: IndexWrite) => T | Promise<T>): Promise<T> {
    const run = this.#queue.then(() => this.#transaction(body));
    this.#queue = run.catch(() => {});
    return run;
  }

  async #transaction<T>(body: (tx: IndexWrite) => T | Promise<T>): Promise<T> {
    this.#checkFile();
    // Opened late: most commands only read.
    this.#write ??= openIndex(this.#path);
    const db = this.#write;
    await retryBusy(() => db.exec('BEGIN IMMEDIATE'), this.#wait, 'the chunk index');
    try {
      this.#checkFile();
      const result = await body(this.#tools(db));
      this.#checkFile();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw this.#seen(error);
    }
  }

  #tools(db: DatabaseSync): IndexWrite {
    const rows = new RowWriter(db);
    const find = db.prepare(FIND);
    return {
      db,
      rows,
      gcCounter: () => readCounter(db),
      has: (volset, kind, ids) => hasMany(find, rows.volset(volset), kind, ids),
      borrow: (from, to, refs) => borrowRows(db, rows.volset(from), rows.volset(to), refs),
      hasPack: (volset, pack) =>
        db.prepare('SELECT 1 FROM packs WHERE volset = ? AND id = ?').get(rows.volset(volset), pack) !== undefined,
    };
  }

  /** Somebody deleted or replaced the file under us: rows written now would be lost. */
  #checkFile(): void {
    const now = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (now === this.#inode) return;
    throw new PlaitError('integrity', 'The chunk index was removed while it was in use.', {
      hint: 'Run the command again: the index is rebuilt from the packs.',
    });
  }

  #volset(id: VolsetId): number | undefined {
    const known = this.#volsets.get(id);
    if (known !== undefined) return known;
    // Asked again for each claim of a volset's first snapshot.
    const row = this.#findVolset.get(id);
    if (row) this.#volsets.set(id, Number(row.n));
    return row && Number(row.n);
  }

  #place(number: number): PackPlace | undefined {
    const known = this.#places.get(number);
    if (known) return known;
    const sql =
      'SELECT v.id AS volset, p.id AS pack, bytes, raw FROM packs p JOIN volsets v ON v.n = p.volset WHERE p.n = ?';
    const row = this.#read.prepare(sql).get(number) as unknown as PackPlace | undefined;
    if (row) this.#places.set(number, { ...row });
    return row;
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw this.#seen(error);
    }
  }

  /** Damage found in use: a marker makes the next opening rebuild the file, which nobody may do under our feet. */
  #seen(error: unknown): unknown {
    if (!isCorrupt(error)) return diskFault(error);
    ensureFile(damageMarker(this.#path));
    return new PlaitError('integrity', 'The chunk index is damaged.', {
      hint: 'Run the command again: the index is rebuilt from the packs.',
      cause: error,
    });
  }

  async close(): Promise<void> {
    await this.#queue;
    this.#read.close();
    this.#write?.close();
  }
}

export const damageMarker = (path: string): string => `${path}.damaged`;

const readCounter = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT value FROM meta WHERE key = 'gc'").get()?.value);

function hasMany(find: StatementSync, volset: number | undefined, kind: Kind, ids: Uint8Array): Uint8Array {
  const answer = new Uint8Array(ids.length / ID_BYTES);
  if (volset === undefined) return answer;
  for (let n = 0; n < answer.length; n++) {
    if (find.get(volset, kind, ids.subarray(n * ID_BYTES, (n + 1) * ID_BYTES)) !== undefined) answer[n] = 1;
  }
  return answer;
}
