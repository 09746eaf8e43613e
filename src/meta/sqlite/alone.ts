/** Whether anybody has a meta.db open, which is asked before another is put in its place. */
import { DatabaseSync } from 'node:sqlite';
import { sqliteFault } from '../../disk/sqlite-codes.ts';

/** Throws SQLite's busy error where another connection is open, idle or not: each holds a lock on the file. */
export function refuseOpen(path: string): void {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    // Before the first look at the file: with it, a transaction needs the file for itself.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
  } catch (error) {
    if (sqliteFault(error) !== 'corrupt') throw error;
  } finally {
    db.close();
  }
}
