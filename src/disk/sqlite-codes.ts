/** What an error of SQLite means, for the two databases of a store. Knows result codes only, not how a database is used. */

export type SqliteFault =
  /** Another connection holds the lock. */
  | 'busy'
  /** No room on the disk. */
  | 'full'
  /** The file is no sound database. */
  | 'corrupt'
  /** The disk or its permissions. */
  | 'refused'
  /** The statement does not fit the database. */
  | 'statement'
  | 'other';

const PRIMARY: Record<number, SqliteFault> = {
  1: 'statement',
  5: 'busy',
  6: 'busy',
  8: 'refused',
  10: 'refused',
  11: 'corrupt',
  13: 'full',
  14: 'refused',
  26: 'corrupt',
};

/** Extended codes that say more than their primary one: a file that ends too early, no room for -shm. */
const EXTENDED: Record<number, SqliteFault> = { 522: 'corrupt', 4874: 'full' };

/** Undefined for anything that is no error of SQLite. */
export function sqliteFault(error: unknown): SqliteFault | undefined {
  const { code, errcode } = (error ?? {}) as { code?: string; errcode?: number };
  if (code !== 'ERR_SQLITE_ERROR' || typeof errcode !== 'number') return undefined;
  return EXTENDED[errcode] ?? PRIMARY[errcode & 0xff] ?? 'other';
}
