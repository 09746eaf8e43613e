/**
 * What a session has to remember about each object, without memory that grows with their number: ids promised in this
 * session (in memory up to a bound, then in a scratch database), ids taken as present (appended to a file). All of it lives
 * in the session's folder and dies with it.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Kind } from '../core/hash.ts';
import { openExclusive, writeAll } from '../disk/durable.ts';
import { ID_BYTES } from './format.ts';
import { IdSet } from './id-set.ts';
import { ensureFile } from './lock.ts';
import { readAt } from './pack.ts';

/** Ids held in memory before they go to the scratch database: at most about 24 MiB. */
const MEMORY_IDS = 262_144;
export const KINDS: readonly Kind[] = [0, 1, 2, 3];

/** Bits that say which ids may have gone to the scratch database: of new ones one in 200 is looked for in vain at 1 M ids. */
const SPILLED_BITS = 2 ** 24;

export function openScratch(path: string): DatabaseSync {
  ensureFile(path);
  const db = new DatabaseSync(path, { timeout: 0 });
  db.exec(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192',
  );
  return db;
}

/** Ids that this session has or will have stored. */
export class PromisedIds {
  readonly #path: string;
  readonly #limit: number;
  readonly #sets = KINDS.map(() => new IdSet());
  #spilled: { db: DatabaseSync; find: StatementSync; put: StatementSync; bits: SpilledBits } | undefined;

  constructor(dir: string, limit: number = MEMORY_IDS) {
    this.#path = join(dir, 'promised.db');
    this.#limit = limit;
  }

  has(kind: Kind, id: Uint8Array): boolean {
    if (this.#sets[kind].has(id)) return true;
    if (!this.#spilled?.bits.mayHold(id)) return false;
    return this.#spilled.find.get(kind, id) !== undefined;
  }

  /** True where it was not there before. */
  add(kind: Kind, id: Uint8Array): boolean {
    if (this.has(kind, id)) return false;
    this.#sets[kind].add(id);
    if (this.#sets.reduce((sum, set) => sum + set.size, 0) >= this.#limit) this.#spill();
    return true;
  }

  close(): void {
    this.#spilled?.db.close();
    this.#spilled = undefined;
  }

  #spill(): void {
    this.#spilled ??= this.#open();
    const { db, put, bits } = this.#spilled;
    db.exec('BEGIN');
    for (const kind of KINDS) {
      for (const id of [...this.#sets[kind].ids()].sort(Buffer.compare)) {
        put.run(kind, id);
        bits.add(id);
      }
      this.#sets[kind].clear();
    }
    db.exec('COMMIT');
  }

  #open() {
    const db = openScratch(this.#path);
    db.exec('CREATE TABLE ids (kind INTEGER, id BLOB, PRIMARY KEY (kind, id)) WITHOUT ROWID');
    const find = db.prepare('SELECT 1 FROM ids WHERE kind = ? AND id = ?');
    return { db, find, put: db.prepare('INSERT OR IGNORE INTO ids VALUES (?, ?)'), bits: new SpilledBits() };
  }
}

/** A Bloom filter. Ids are hashes: three pieces of one are three hashes of it. */
class SpilledBits {
  readonly #bits = new Uint8Array(SPILLED_BITS / 8);

  add(id: Uint8Array): void {
    for (let at = 0; at < 9; at += 3)
      this.#bits[(id[at] << 13) | (id[at + 1] << 5) | (id[at + 2] >> 3)] |= 1 << (id[at + 2] & 7);
  }

  mayHold(id: Uint8Array): boolean {
    for (let at = 0; at < 9; at += 3) {
      const byte = this.#bits[(id[at] << 13) | (id[at + 1] << 5) | (id[at + 2] >> 3)];
      if ((byte & (1 << (id[at + 2] & 7))) === 0) return false;
    }
    return true;
  }
}

const PRESENT_ROW = 1 + ID_BYTES;
const PRESENT_BATCH = PRESENT_ROW * 2048;
/** Most sessions are small. */
const PRESENT_FIRST = PRESENT_ROW * 32;

/** Ids that this session took as present, to be checked again if gc ran before it ends. */
export class PresentIds {
  readonly #path: string;
  #buffer = Buffer.allocUnsafe(PRESENT_FIRST);
  #filled = 0;
  #fd: number | undefined;
  #size = 0;

  constructor(dir: string) {
    this.#path = join(dir, 'present');
  }

  add(kind: Kind, id: Uint8Array): void {
    if (this.#filled === PRESENT_BATCH) this.#flush();
    else if (this.#filled === this.#buffer.length) this.#grow();
    this.#buffer[this.#filled] = kind;
    this.#buffer.set(id, this.#filled + 1);
    this.#filled += PRESENT_ROW;
  }

  /** Batches of ids of one kind each. */
  *batches(): Generator<{ kind: Kind; ids: Uint8Array }> {
    for (let at = 0; at < this.#size; at += PRESENT_BATCH) {
      yield* byKind(readAt(this.#fd as number, at, Math.min(PRESENT_BATCH, this.#size - at)));
    }
    yield* byKind(this.#buffer.subarray(0, this.#filled));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(Math.min(PRESENT_BATCH, this.#filled * 4));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #flush(): void {
    this.#fd ??= openExclusive(this.#path);
    writeAll(this.#fd, this.#buffer, this.#size);
    this.#size += this.#filled;
    this.#filled = 0;
  }
}

function* byKind(rows: Uint8Array): Generator<{ kind: Kind; ids: Uint8Array }> {
  for (const kind of KINDS) {
    const ids: Uint8Array[] = [];
    for (let at = 0; at < rows.length; at += PRESENT_ROW) {
      if (rows[at] === kind) ids.push(rows.subarray(at + 1, at + PRESENT_ROW));
    }
    if (ids.length > 0) yield { kind, ids: Buffer.concat(ids) };
  }
}
