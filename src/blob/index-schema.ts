/**
 * Layout of index.db. `objects` is keyed by volset, kind and id; its `pack` may belong to another volset ("borrowed";
 * `borrowers` says which volsets may have such rows in an owner's packs).
 * Volsets and packs have small numbers that are never used again, so that caches keyed by number stay right.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { PlaitError } from '../core/errors.ts';
import { sqliteFault } from '../disk/sqlite-codes.ts';
import { diskFault, isCorrupt } from './lock.ts';

export const INDEX_VERSION = 2;
/** "PLTI" */
const APPLICATION_ID = 0x504c5449;

const SCHEMA = `
  CREATE TABLE volsets (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE packs (
    n INTEGER PRIMARY KEY AUTOINCREMENT, volset INTEGER NOT NULL, id TEXT NOT NULL, bytes INTEGER NOT NULL,
    objects INTEGER NOT NULL, raw INTEGER NOT NULL, verified INTEGER, UNIQUE (volset, id)) STRICT;
  CREATE TABLE objects (
    volset INTEGER NOT NULL, kind INTEGER NOT NULL, id BLOB NOT NULL,
    pack INTEGER NOT NULL, block INTEGER NOT NULL, raw INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (volset, kind, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE borrowers (owner INTEGER NOT NULL, volset INTEGER NOT NULL, PRIMARY KEY (owner, volset)) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

const PRAGMAS = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384';

/** Says that the file cannot be used and has to be made again from the packs. */
export class IndexDamaged extends Error {}

const pragma = (db: DatabaseSync, name: string): number =>
  Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);

/** Opens an index that is there and finished; throws IndexDamaged (also for one of an older version), or `format` for a newer one. */
export function openIndex(path: string): DatabaseSync {
  if (!existsSync(path)) throw new IndexDamaged('missing');
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    const version = pragma(db, 'user_version');
    if (pragma(db, 'application_id') !== APPLICATION_ID || version === 0) throw new IndexDamaged('unfinished');
    // It can be made again from the packs, which a newer plait may have changed too.
    if (version < INDEX_VERSION) throw new IndexDamaged('of an older version');
    if (version !== INDEX_VERSION) {
      throw new PlaitError('format', `index.db has version ${version}; this plait knows ${INDEX_VERSION}.`, {
        hint: 'Use a newer plait.',
      });
    }
    db.exec(PRAGMAS);
    if (db.prepare("SELECT value FROM meta WHERE key = 'gc'").get() === undefined) throw new IndexDamaged('no counter');
    return db;
  } catch (error) {
    db.close();
    throw isCorrupt(error) || isWrongSchema(error) ? new IndexDamaged('corrupt', { cause: error }) : diskFault(error);
  }
}

/** Our tables are not there, so this is not the file that we made. */
const isWrongSchema = (error: unknown): boolean => sqliteFault(error) === 'statement';

/** One read transaction for many look-ups: all of one moment, and the file's locks are taken and given back once. */
export function atOnce<T>(db: DatabaseSync, body: () => T): T {
  db.exec('BEGIN');
  try {
    return body();
  } finally {
    if (db.isTransaction) db.exec('COMMIT');
  }
}

/** An empty index in an existing empty file; unfinished (version 0) until `finishIndex`. */
export function createIndex(path: string, counter: number): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  db.exec(PRAGMAS);
  db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}`);
  db.prepare("INSERT INTO meta VALUES ('gc', ?)").run(counter);
  db.exec('COMMIT');
  return db;
}

export const finishIndex = (db: DatabaseSync): void => db.exec(`PRAGMA user_version = ${INDEX_VERSION}`);
