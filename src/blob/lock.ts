/**
 * Locks between processes, all of them SQLite's own: the operating system drops them at kill -9, so none goes stale.
 * Waiting never blocks the thread. Never open these files with `fs` in a process that may hold one: closing any
 * descriptor of a file drops the process's POSIX locks on it. Creation (`wx`) opens nothing that exists.
 */
import { closeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOfErrno, PlaitError } from '../core/errors.ts';
import { openExclusive } from '../disk/durable.ts';
import { sqliteFault } from '../disk/sqlite-codes.ts';

export const isBusy = (error: unknown): boolean => sqliteFault(error) === 'busy';
export const isCorrupt = (error: unknown): boolean => sqliteFault(error) === 'corrupt';

/** SQLite's words for what the disk refused, as our errors; anything else comes back as it is. */
export function diskFault(error: unknown): unknown {
  const fault = sqliteFault(error);
  if (fault === 'full') {
    return new PlaitError('no-space', 'The disk is full: the chunk index cannot be read or written.', {
      hint: 'Make room on the disk of the store and run the command again.',
      cause: error,
    });
  }
  if (fault === 'refused') {
    const hint = 'Check the permissions of the store and the disk.';
    return new PlaitError('io', 'The chunk index cannot be read or written.', { hint, cause: error });
  }
  return error;
}

/** What the disk refused of an upload, as our errors; anything else comes back as it is. */
export function receiveFault(error: unknown): unknown {
  const code = codeOfErrno((error as NodeJS.ErrnoException | undefined)?.code);
  if (code === undefined || error instanceof PlaitError) return diskFault(error);
  const full = code === 'no-space';
  return new PlaitError(code, `${full ? 'The disk is full' : 'The disk failed'}: what is received cannot be kept.`, {
    hint: full
      ? 'Make room on the disk of the store and try again.'
      : 'Check the permissions of the store and the disk.',
    cause: error,
  });
}

export interface LockWait {
  /** Longest wait in ms. */
  lockWaitMs: number;
  /** In [0, 1); for jitter. */
  random: () => number;
  /** Ends the wait with its reason. */
  signal?: AbortSignal;
}

/** Runs `attempt` until it is not refused as busy; throws `busy` after the longest wait. */
export async function retryBusy<T>(attempt: () => T, wait: LockWait, what: string): Promise<T> {
  const end = performance.now() + wait.lockWaitMs;
  for (let pause = 2; ; pause = Math.min(50, pause * 2)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw diskFault(error);
      if (performance.now() >= end) {
        throw new PlaitError('busy', `Another process has been using ${what} for too long.`, {
          hint: 'Try again when the other plait command has ended.',
          cause: error,
        });
      }
    }
    wait.signal?.throwIfAborted();
    await sleep(pause * (0.5 + wait.random()));
  }
}

/** Makes an empty private file if there is none. */
export function ensureFile(path: string): void {
  try {
    closeSync(openExclusive(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

export interface FileLock {
  release(): void;
}

/** One try; throws a busy error of SQLite when another holder is in the way. */
export function tryLock(path: string, mode: 'shared' | 'exclusive'): FileLock {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec(mode === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_schema');
  } catch (error) {
    db.close();
    throw diskFault(error);
  }
  return { release: () => db.close() };
}

/** The same, waiting for the other holder; `what` completes "Another process has been using …". */
export async function takeFileLock(path: string, wait: LockWait, what: string): Promise<FileLock> {
  ensureFile(path);
  return retryBusy(() => tryLock(path, 'exclusive'), wait, what);
}

/** One try: undefined when another process holds it. */
export function tryFileLock(path: string): FileLock | undefined {
  ensureFile(path);
  try {
    return tryLock(path, 'exclusive');
  } catch (error) {
    if (isBusy(error)) return undefined;
    throw diskFault(error);
  }
}
