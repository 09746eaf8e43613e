/**
 * Opens index.db, making it again from the packs where it is missing or damaged. Every engine holds `index.lock`
 * shared for as long as it lives; a rebuild takes it exclusively, since replacing an SQLite file that another
 * connection has open would lose that connection's writes, or ours.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { ensureDir } from '../disk/durable.ts';
import { removeFile } from '../disk/files.ts';
import { damageMarker, IndexDb } from './index-db.ts';
import { ROWS_PER_TRANSACTION, RowWriter } from './index-rows.ts';
import { createIndex, finishIndex, IndexDamaged } from './index-schema.ts';
import { ensureFile, type FileLock, type LockWait, retryBusy, tryLock } from './lock.ts';
import { packsIn, readPackContent, volsetsIn } from './pack-scan.ts';

export interface OpenedIndex {
  index: IndexDb;
  /** Shared hold on index.lock; let go when the engine closes. */
  hold: FileLock;
  /** It was missing or damaged, and was made again just now. */
  rebuilt: boolean;
}

export async function openOrRebuild(dir: string, wait: LockWait): Promise<OpenedIndex> {
  ensureDir(dir);
  const path = join(dir, 'index.db');
  const lockPath = join(dir, 'index.lock');
  ensureFile(lockPath);
  for (let tries = 0; tries < 5; tries++) {
    const hold = await retryBusy(() => tryLock(lockPath, 'shared'), wait, 'the store');
    const index = await tryOpen(path, wait, hold);
    if (index) return { index, hold, rebuilt: tries > 0 };
    hold.release();
    const alone = await retryBusy(
      () => tryLock(lockPath, 'exclusive'),
      wait,
      'the store, whose index must be rebuilt,',
    );
    try {
      await rebuildFile(path, join(dir, 'packs'), wait);
    } finally {
      alone.release();
    }
  }
  throw new PlaitError('integrity', 'The chunk index cannot be opened, even after it was rebuilt.', {
    hint: 'Check the disk.',
  });
}

/** Waits, too: the last of other processes that closes the file has it to itself for a moment. */
async function tryOpen(path: string, wait: LockWait, hold: FileLock): Promise<IndexDb | undefined> {
  try {
    if (existsSync(damageMarker(path))) return undefined;
    return await retryBusy(() => new IndexDb(path, wait), wait, 'the chunk index');
  } catch (error) {
    if (error instanceof IndexDamaged) return undefined;
    hold.release();
    throw error;
  }
}

/** Under the exclusive lock: nobody has index.db open. Another process may have rebuilt it while we waited. */
async function rebuildFile(path: string, packsDir: string, wait: LockWait): Promise<void> {
  if (!existsSync(damageMarker(path))) {
    try {
      await new IndexDb(path, wait).close();
      return;
    } catch (error) {
      if (!(error instanceof IndexDamaged)) throw error;
    }
  }
  for (const suffix of ['', '-wal', '-shm', '-journal']) removeFile(path + suffix);
  ensureFile(path);
  // A counter that nobody has seen: whoever started before must check again what it took as present.
  const db = createIndex(path, Math.floor(wait.random() * 2 ** 40) + 1);
  try {
    await fill(db, packsDir, true);
    finishIndex(db);
    removeFile(damageMarker(path));
  } finally {
    db.close();
  }
}

/**
 * Inserts the rows of all packs. `batches`: in transactions of their own (nobody else has the file); else within the
 * transaction that is open.
 */
export async function fill(
  db: DatabaseSync,
  packsDir: string,
  batches: boolean,
): Promise<{ packs: number; objects: number }> {
  const writer = new RowWriter(db);
  let [packs, objects] = [0, 0];
  for (const volset of volsetsIn(packsDir)) {
    for (const pack of packsIn(packsDir, volset)) {
      const { row, rows } = readPackContent(packsDir, volset, pack);
      for (let at = 0; at === 0 || at < rows.length; at += ROWS_PER_TRANSACTION) {
        if (batches) db.exec('BEGIN IMMEDIATE');
        writer.objects(writer.pack(row), rows.slice(at, at + ROWS_PER_TRANSACTION));
        if (batches) db.exec('COMMIT');
      }
      packs++;
      objects += rows.length;
      await tick();
    }
  }
  return { packs, objects };
}
