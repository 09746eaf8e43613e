/**
 * What came in with one upload: how long each object is, where in the session's packs it lies, and whether a snapshot
 * needs it. In memory up to a bound, then in a scratch database in the session's folder, with which it dies.
 */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PlaitError } from '../core/errors.ts';
import { KIND, type Kind } from '../core/hash.ts';
import { ID_BYTES } from './format.ts';
import { IdSet } from './id-set.ts';
import type { ObjectRow } from './index-rows.ts';
import { KINDS, openScratch } from './scratch.ts';

/** Ids held in memory before they go to the scratch database: at most about 28 MiB. */
const MEMORY_IDS = 262_144;
const LENGTH = 0;
const FILE = 1;
/** 0: nothing needs it. Else the round in which it was marked, and the bit that says that the index has it. */
const MARK = 2;
const INDEXED = 0x8000_0000;
const BLOCK = 3;
const RAW = 4;
/** Ids read from the scratch database at a time. */
const PAGE = 1024;

/** What a store writes about itself: it has no business in what a peer sends. */
export const isOwnKind = (kind: Kind): boolean => kind === KIND.generation || kind === KIND.state;

export const strayObjects = (): PlaitError =>
  new PlaitError('protocol', 'A block holds generations or states of a store, which do not travel in blocks.');

export interface ReceivedPlace {
  length: number;
  /** Number of the session's pack. */
  file: number;
  /** Offset of the block in the pack. */
  block: number;
  /** Offset in the block's raw data. */
  raw: number;
}

type Placed = Pick<ObjectRow, 'kind' | 'id' | 'block' | 'raw'>;

interface Row extends ReceivedPlace {
  mark: number;
}

/** Rows by kind and id; a row read is a copy. */
class ReceivedRows {
  readonly #path: string;
  readonly #limit: number;
  readonly #sets = KINDS.map(() => new IdSet(5));
  #spilled: Spilled | undefined;

  constructor(dir: string, limit: number) {
    this.#path = join(dir, 'received.db');
    this.#limit = limit;
  }

  find(kind: Kind, id: Uint8Array): Row | undefined {
    const set = this.#sets[kind];
    const row = set.row(id);
    if (row < 0) return this.#spilled?.find.get(kind, id) as unknown as Row | undefined;
    const [length, file, mark] = [set.get(row, LENGTH), set.get(row, FILE), set.get(row, MARK)];
    return { length, file, mark, block: set.get(row, BLOCK), raw: set.get(row, RAW) };
  }

  setMark(kind: Kind, id: Uint8Array, mark: number): void {
    const set = this.#sets[kind];
    const row = set.row(id);
    if (row >= 0) set.set(row, MARK, mark);
    else this.#spilled?.mark.run(mark, kind, id);
  }

  /** In place of what is known of it. */
  put(kind: Kind, id: Uint8Array, place: ReceivedPlace): void {
    const set = this.#sets[kind];
    set.add(id);
    const row = set.row(id);
    set.set(row, LENGTH, place.length);
    set.set(row, FILE, place.file);
    set.set(row, MARK, 0);
    set.set(row, BLOCK, place.block);
    set.set(row, RAW, place.raw);
    if (this.#sets.reduce((sum, { size }) => sum + size, 0) >= this.#limit) this.#spill();
  }

  /** Many marks in one transaction of the scratch database. */
  batch(work: () => void): void {
    const db = this.#spilled?.db;
    db?.exec('BEGIN');
    try {
      work();
    } finally {
      db?.exec('COMMIT');
    }
  }

  /** Copies; what comes or spills meanwhile may be missing or come twice. */
  *withoutMark(kind: Kind, mark: number): Generator<Uint8Array> {
    const set = this.#sets[kind];
    const held = [...set.ids()].filter((id) => set.get(set.row(id), MARK) !== mark);
    const copy = Buffer.concat(held);
    for (let at = 0; at < copy.length; at += ID_BYTES) yield copy.subarray(at, at + ID_BYTES);
    for (let after: Uint8Array = new Uint8Array(); ; ) {
      const page = (this.#spilled?.page.all(kind, after, mark, PAGE) ?? []) as unknown as { id: Uint8Array }[];
      for (const { id } of page) yield id;
      if (page.length < PAGE) return;
      after = page[page.length - 1].id;
    }
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
        put.run(kind, id, ...[LENGTH, FILE, MARK, BLOCK, RAW].map((column) => set.get(row, column)));
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
  page: StatementSync;
}

function openSpilled(path: string): Spilled {
  const db = openScratch(path);
  db.exec(
    `CREATE TABLE rows (kind INTEGER, id BLOB, length INT, file INT, mark INT, block INT, raw INT,
      PRIMARY KEY (kind, id)) WITHOUT ROWID`,
  );
  return {
    db,
    find: db.prepare('SELECT length, file, mark, block, raw FROM rows WHERE kind = ? AND id = ?'),
    put: db.prepare('INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)'),
    mark: db.prepare('UPDATE rows SET mark = ? WHERE kind = ? AND id = ?'),
    page: db.prepare('SELECT id FROM rows WHERE kind = ? AND id > ? AND mark <> ? ORDER BY id LIMIT ?'),
  };
}

export class ReceivedObjects {
  readonly #rows: ReceivedRows;
  #round = 1;
  /** Packs with objects that the present round marked. */
  #marked = new Set<number>();
  /** Packs with objects that accepted snapshots need and the index may not have yet. */
  readonly late = new Set<number>();

  /** @param limit ids held in memory */
  constructor(dir: string, limit: number = MEMORY_IDS) {
    this.#rows = new ReceivedRows(dir, limit);
  }

  /** It came, and the index did not get it: what it got it may have lost to gc since. */
  holds(kind: Kind, id: Uint8Array): boolean {
    const row = this.#rows.find(kind, id);
    return row !== undefined && row.mark !== INDEXED;
  }

  find(kind: Kind, id: Uint8Array): ReceivedPlace | undefined {
    return this.#rows.find(kind, id);
  }

  /** What is known already stays where it is, unless the index had it and lost it to gc. */
  add(kind: Kind, id: Uint8Array, place: ReceivedPlace, isIndexed: () => boolean): void {
    const known = this.#rows.find(kind, id);
    if (!known || (known.mark === INDEXED && !isIndexed())) this.#rows.put(kind, id, place);
  }

  batch(work: () => void): void {
    this.#rows.batch(work);
  }

  /** Marks it for the present round; answers with its length, 0 = only the index can have it. */
  need(kind: Kind, id: Uint8Array): number {
    const row = this.#rows.find(kind, id);
    if (!row || row.mark === INDEXED) return 0;
    if (row.mark === 0) this.#rows.setMark(kind, id, this.#round);
    this.#marked.add(row.file);
    return row.length;
  }

  accept(): void {
    this.#round++;
    for (const file of this.#marked) this.late.add(file);
    this.#marked = new Set();
  }

  /** An accepted snapshot needs it, it counts at this place, and the index does not have it yet. */
  wanted(file: number, { kind, id, block, raw }: Placed): boolean {
    const row = this.#rows.find(kind as Kind, id);
    if (row?.file !== file || row.block !== block || row.raw !== raw) return false;
    return row.mark !== 0 && row.mark < this.#round;
  }

  /** The index has them. */
  recorded(rows: Iterable<{ kind: number; id: Uint8Array }>): void {
    this.#rows.batch(() => {
      for (const { kind, id } of rows) this.#rows.setMark(kind as Kind, id, INDEXED);
    });
  }

  /** Those that the index does not have. */
  ids(kind: Kind): Iterable<Uint8Array> {
    return this.#rows.withoutMark(kind, INDEXED);
  }

  close(): void {
    this.#rows.close();
  }
}
