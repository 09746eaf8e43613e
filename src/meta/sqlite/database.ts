/**
 * One connection. Writers take the lock at the start (BEGIN IMMEDIATE): a transaction that reads first and writes later
 * would fail at once when another process wrote in between. Readers see one instant and never wait for a writer.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { PlaitError } from '../../core/errors.ts';
import { sqliteFault } from '../../disk/sqlite-codes.ts';

export type Row = Record<string, SQLInputValue>;

export class Database {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #transactions = 0;
  #afterCommit = new Map<string, () => void>();
  #refusal: (() => Error) | undefined;

  /** `lockWaitMs`: how long a writer waits for another process. */
  constructor(path: string, lockWaitMs: number) {
    this.#path = path;
    this.#db = this.#guarded(() => new DatabaseSync(path, { timeout: lockWaitMs }));
  }

  exec(sql: string): void {
    this.#guarded(() => this.#db.exec(sql));
  }

  get<T = Row>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#guarded(() => this.#prepare(sql).get(...values)) as T | undefined;
  }

  all<T = Row>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#guarded(() => this.#prepare(sql).all(...values)) as T[];
  }

  /** Rows one by one; the statement is its own, so that others may run meanwhile. End it within one transaction. */
  *each<T = Row>(sql: string, ...values: SQLInputValue[]): Generator<T> {
    const rows = this.#guarded(() => this.#db.prepare(sql).iterate(...values));
    try {
      for (;;) {
        const next = this.#guarded(() => rows.next());
        if (next.done) return;
        yield next.value as T;
      }
    } finally {
      // One that is left open keeps its view of the database, and the next writer fails: its view is too old.
      rows.return?.();
    }
  }

  /** Number of rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    if (this.#refusal) throw this.#refusal();
    return Number(this.#guarded(() => this.#prepare(sql).run(...values)).changes);
  }

  /** One consistent view. Inside another transaction: part of it. */
  read<T>(work: () => T): T {
    return this.#transaction('BEGIN', work);
  }

  write<T>(work: () => T): T {
    if (this.#refusal) throw this.#refusal();
    return this.#transaction('BEGIN IMMEDIATE', work);
  }

  /** Every transaction that would write throws this from now on. */
  refuseWrites(refusal: () => Error): void {
    this.#refusal = refusal;
  }

  get isReadOnly(): boolean {
    return this.#refusal !== undefined;
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  /** Which one is open: numbers are given once. */
  get transaction(): number | undefined {
    return this.#depth > 0 ? this.#transactions : undefined;
  }

  /**
   * Runs `work` once the transaction that is open is on the disk, and never if it is rolled back. Of several under one
   * key the last is run. It must not throw: the command has succeeded by then.
   */
  afterCommit(key: string, work: () => void): void {
    this.#afterCommit.set(key, work);
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#guarded(() => this.#db.close());
  }

  #transaction<T>(begin: string, work: () => T): T {
    if (this.#depth > 0) return work();
    const result = this.#outermost(begin, work);
    const after = [...this.#afterCommit.values()];
    this.#afterCommit.clear();
    for (const hook of after) hook();
    return result;
  }

  #outermost<T>(begin: string, work: () => T): T {
    this.exec(begin);
    this.#depth++;
    this.#transactions++;
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      this.#afterCommit.clear();
      // SQLite may have rolled back by itself (full disk).
      if (this.#db.isTransaction) this.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth--;
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw translate(error, this.#path);
    }
  }
}

function translate(error: unknown, path: string): unknown {
  const fault = sqliteFault(error);
  if (fault === undefined || !(error instanceof Error)) return error;
  switch (fault) {
    case 'busy':
      return new PlaitError('busy', 'Another process is writing to this store.', {
        hint: 'Wait for it to end, or wait longer with --lock-wait.',
        cause: error,
      });
    case 'full':
      return new PlaitError('no-space', `The disk is full: ${path} could not be written.`, {
        hint: 'Make room on that disk and run the command again; nothing of this step was kept.',
        cause: error,
      });
    case 'corrupt':
    case 'statement': // ours are fixed: a missing table or column is damage
      return damaged(path, error.message, error);
    default:
      return new PlaitError('io', `Cannot use ${path}: ${error.message}.`, {
        hint: 'Check the permissions of the store and the health of the disk.',
        cause: error,
      });
  }
}

export function damaged(path: string, what: string, cause?: unknown): PlaitError {
  return new PlaitError('integrity', `The metadata in ${path} is damaged: ${what}.`, {
    hint: 'Set the file aside and restore it from a backup; replicated metadata can also be rebuilt from the packs or pulled from a remote.',
    ...(cause !== undefined && { cause }),
  });
}
