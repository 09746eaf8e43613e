/**
 * A folder for unfinished work of one process (tmp/<id>, quarantine/<upload id>) and the lock beside it, `<id>.lock`,
 * which tells others that the process lives. Order: lock file, lock, folder; removal in reverse. So a folder without a
 * held lock belongs to nobody, whenever it is looked at.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { ensureDir } from '../disk/durable.ts';
import { removeFile, removeTree } from '../disk/files.ts';
import { ensureFile, type FileLock, isBusy, tryLock } from './lock.ts';

export interface Session {
  readonly dir: string;
  /** Removes the folder and lets go of the lock. */
  remove(): void;
  /** Lets go of the lock only; the folder can be taken up again by its name. */
  release(): void;
}

/** Undefined when a living session has this id. The folder may hold what a dead one left. */
export function takeSession(parent: string, id: string): Session | undefined {
  const path = join(parent, `${id}.lock`);
  const lock = lockSession(path);
  if (!lock) return undefined;
  const dir = join(parent, id);
  ensureDir(dir);
  return {
    dir,
    release: () => lock.release(),
    remove: () => {
      removeTree(dir);
      removeFile(path);
      lock.release();
    },
  };
}

/** How often a lock is tried that somebody may hold only to look whether its owner lives. */
const MOMENTS = 20;

/** A new one. A command that starts looks for leftovers, and may hold a lock file for a moment before its owner does. */
export function takeNewSession(parent: string, prefix = ''): Session {
  for (let tries = 0; tries < MOMENTS; tries++) {
    const session = takeSession(parent, `${prefix}${randomBytes(12).toString('hex')}`);
    if (session) return session;
  }
  throw new PlaitError('busy', 'Other commands keep looking through this store.', { hint: 'Try again shortly.' });
}

function lockSession(path: string): FileLock | undefined {
  for (let tries = 0; tries < 100; tries++) {
    ensureFile(path);
    let lock: FileLock;
    try {
      lock = tryLock(path, 'exclusive');
    } catch (error) {
      if (isBusy(error)) return undefined;
      throw error;
    }
    // A cleaner may have removed the name between creation and lock: what we hold then protects nothing.
    if (existsSync(path)) return lock;
    lock.release();
  }
  return undefined;
}

/** A living session has this id. */
export function isTaken(parent: string, id: string): boolean {
  const path = join(parent, `${id}.lock`);
  if (!existsSync(path)) return false;
  try {
    tryLock(path, 'exclusive').release();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  }
}

/**
 * Removes what dead sessions left in `parent`. `keepMs`: folders of dead sessions younger than that stay (quarantine,
 * for resuming); age decides only about what is dead already. Answers with the number removed.
 */
export function cleanSessions(parent: string, keepMs: number, now: () => number): number {
  let removed = 0;
  for (const id of sessionsIn(parent)) {
    if (keepMs > 0 && (lastChange(join(parent, id)) ?? Number.NEGATIVE_INFINITY) > now() - keepMs) continue;
    const session = takeSession(parent, id);
    if (!session) continue;
    session.remove();
    removed++;
  }
  return removed;
}

/** Ids of all sessions in `parent`, dead or alive. */
export const sessionsIn = (parent: string): Set<string> =>
  new Set(namesIn(parent, /^[A-Za-z0-9_-]{1,64}(\.lock)?$/).map((name) => name.replace(/\.lock$/, '')));

function namesIn(dir: string, pattern: RegExp): string[] {
  try {
    return readdirSync(dir).filter((name) => pattern.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Milliseconds since the epoch, of the folder or a file in it; undefined where there is none. */
export function lastChange(dir: string): number | undefined {
  let last: number | undefined;
  for (const name of ['.', ...namesIn(dir, /^[^.]/)]) {
    const changed = statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs;
    if (changed !== undefined) last = Math.max(last ?? changed, changed);
  }
  return last;
}
