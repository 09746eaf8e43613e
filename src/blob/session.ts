/**
 * A folder for unfinished work of one process (tmp/<id>, quarantine/<upload id>) and the lock beside it, `<id>.lock`,
 * which tells others that the process lives. Order: lock file, lock, folder; removal in reverse. So a folder without a
 * held lock belongs to nobody, whenever it is looked at.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDir } from '../disk/durable.ts';
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
      rmSync(dir, { recursive: true, force: true });
      rmSync(path, { force: true });
      lock.release();
    },
  };
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

/**
 * Removes what dead sessions left in `parent`. `keepMs`: folders of dead sessions younger than that stay (quarantine,
 * for resuming); age decides only about what is dead already. Answers with the number removed.
 */
export function cleanSessions(parent: string, keepMs: number, now: () => number): number {
  let removed = 0;
  for (const id of new Set(namesIn(parent).map((name) => name.replace(/\.lock$/, '')))) {
    if (keepMs > 0 && isYoung(join(parent, id), now() - keepMs)) continue;
    const session = takeSession(parent, id);
    if (!session) continue;
    session.remove();
    removed++;
  }
  return removed;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => /^[A-Za-z0-9_-]{1,64}(\.lock)?$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isYoung(path: string, since: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs > since;
}
