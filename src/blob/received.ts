/**
 * What came in with one upload: how long each object is, in which of the session's packs it lies, and whether a snapshot
 * needs it. In memory up to a bound, then in a scratch database in the session's folder, with which it dies.
 */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PlaitError } from '../core/errors.ts';
import type { Kind } from '../core/hash.ts';
import { IdSet } from './id-set.ts';
import { KINDS, openScratch } from './scratch.ts';

/** Ids held in memory before they go to the scratch database: at most about 24 MiB. */
const MEMORY_IDS = 262_144;
const LENGTH = 0;
const FILE = 1;
/** 0: nothing needs it. Else the round in which it was marked, and the bit that says that the index has it. */
const MARK = 2;
const INDEXED = 0x8000_0000;

export const strayGenerations = (): PlaitError =>
  new PlaitError('protocol', 'A block holds generations, which do not travel in blocks.');

interface Row {
  length: number;
  file: number;
  mark: number;
}

/** Rows by kind and id; a row read is a copy. */
class ReceivedRows {
  readonly #path: string;
  readonly #limit: number;
  readonly #sets = KINDS.map(() => new IdSet(3));
  #spilled: Spilled | undefined;

  constructor(dir: string, limit: number) {
    this.#path = join(dir, 'received.db');
    this.#limit = limit;
  }

  find(kind: Kind, id: Uint8Array): Row | undefined {
    const set = this.#sets[kind];
    const row = set.row(id);
    if (row < 0) return this.#spilled?.find.get(kind, id) as unknown as Row | undefined;
    return { length: set.get(row, LENGTH), file: set.get(row, FILE), mark: set.get(row, MARK) };
  }

  setMark(kind: Kind, id: Uint8Array, mark: number): void {
    const set = this.#sets[kind];
    const row = set.row(id);
    if (row >= 0) set.set(row, MARK, mark);
    else this.#spilled?.mark.run(mark, kind, id);
  }

  add(kind: Kind, id: Uint8Array, length: number, file: number): void {
    if (this.find(kind, id)) return;
    const set = this.#sets[kind];
    set.add(id);
    const row = set.row(id);
    set.set(row, LENGTH, length);
    set.set(row, FILE, file);
    if (this.#sets.reduce((sum, { size }) => sum + size, 0) >= this.#limit) this.#spill();
  }

  /** Many marks in one transaction of the scratch database. */
  batch(work: () => void): void {
    this.#spilled?.db.exec('BEGIN');
    work();
    this.#spilled?.db.exec('COMMIT');
  }

  close(): void {
    this.#spilled?.db.close();
    this.#spilled = undefined;
  }

  #spill(): void {
    this.#spilled ??= openSpilled(this.#path);
    const { db, put } = this.#spilled;
    db.exec('BEGIN');
    for (const kind of KINDS) {
      const set = this.#sets[kind];
      for (const id of [...set.ids()].sort(Buffer.compare)) {
        const row = set.row(id);
        put.run(kind, id, set.get(row, LENGTH), set.get(row, FILE), set.get(row, MARK));
      }
      set.clear();
    }
    db.exec('COMMIT');
  }
}

interface Spilled {
  db: DatabaseSync;
  find: StatementSync;
  put: StatementSync;
  mark: StatementSync;
}

function openSpilled(path: string): Spilled {
  const db = openScratch(path);
  db.exec(
    'CREATE TABLE rows (kind INTEGER, id BLOB, length INT, file INT, mark INT, PRIMARY KEY (kind, id)) WITHOUT ROWID',
  );
  return {
    db,
    find: db.prepare('SELECT length, file, mark FROM rows WHERE kind = ? AND id = ?'),
    put: db.prepare('INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?)'),
    mark: db.prepare('UPDATE rows SET mark = ? WHERE kind = ? AND id = ?'),
  };
}

export class ReceivedObjects {
  readonly #rows: ReceivedRows;
  #round = 1;
  #late = new Set<number>();
  /** Packs that were looked through already, by number. */
  readonly #published: (file: number) => boolean;

  /** @param limit ids held in memory */
  constructor(dir: string, published: (file: number) => boolean, limit: number = MEMORY_IDS) {
    this.#rows = new ReceivedRows(dir, limit);
    this.#published = published;
  }

  /** Bytes; 0 = it did not come. */
  lengthOf(kind: Kind, id: Uint8Array): number {
    return this.#rows.find(kind, id)?.length ?? 0;
  }

  add(kind: Kind, id: Uint8Array, length: number, file: number): void {
    this.#rows.add(kind, id, length, file);
  }

  batch(work: () => void): void {
    this.#rows.batch(work);
  }

  /** Marks it for the present round; answers with its length, 0 = it did not come. */
  need(kind: Kind, id: Uint8Array): number {
    const row = this.#rows.find(kind, id);
    if (!row) return 0;
    if (row.mark === 0) {
      this.#rows.setMark(kind, id, this.#round);
      if (this.#published(row.file)) this.#late.add(row.file);
    }
    return row.length;
  }

  accept(): void {
    this.#round++;
  }

  /** Packs that were published before something in them was needed; asked once. */
  takeLate(): Set<number> {
    const late = this.#late;
    this.#late = new Set();
    return late;
  }

  /** True once for each object that an accepted snapshot needs, in the pack that it counts for. */
  take(file: number, kind: Kind, id: Uint8Array): boolean {
    const row = this.#rows.find(kind, id);
    if (!row || row.file !== file || row.mark === 0 || row.mark >= this.#round) return false;
    this.#rows.setMark(kind, id, INDEXED);
    return true;
  }

  close(): void {
    this.#rows.close();
  }
}
