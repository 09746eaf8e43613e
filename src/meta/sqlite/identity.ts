/**
 * Notices that this store is a copy, or an earlier state of itself. A copied or restored meta.db has another inode or
 * birth time than is written in it; where it was put back in place, the user's state directory knows that more was
 * issued than it says. It then goes on under a new epoch: what it issues from now on is another store's.
 *
 * What is missing is no disagreement: a file system without birth times, a state directory that is new or cannot be
 * read. A copy that nothing of this tells apart is found when the others meet both (core/chain).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PlaitError } from '../../core/errors.ts';
import type { StoreId } from '../../core/ids.ts';
import { ensureDir } from '../../disk/durable.ts';
import { removeFile, renameFile, writeNew } from '../../disk/files.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { getSelf, putSelf } from './self.ts';

const MAX_EPOCH = 999_999_999;
/** Two copies that notice at the same time must not choose the same epoch. */
const EPOCH_STEP = 2 ** 20;

/**
 * Before a generation is closed or an own ref moves, once for each, and once before generations of others get revisions;
 * inside its write transaction. May begin a new epoch:
 * read `engine.self` afterwards.
 */
export function ensureIdentity(engine: Engine): void {
  const { db, path, stateDir } = engine;
  // An ephemeral store issues nothing: its copies may be as many as they like.
  if (path === ':memory:' || engine.self.ephemeral) return;
  if (isAnother(engine)) nextEpoch(engine);
  else recordPlace(db, path);
  putSelf(db, 'issued', String(issued(db) + 1));
  if (stateDir !== undefined) db.afterCommit('issued', () => writeIssued(stateDir, engine.self.store, issued(db)));
}

/** Goes on under a new epoch. Inside a write transaction. */
export function nextEpoch(engine: Engine): void {
  const { db, path, self } = engine;
  putSelf(db, 'epoch', String(laterEpoch(self.epoch, engine.random)));
  putSelf(db, 'issued', '0');
  engine.selfChanged();
  db.run("DELETE FROM self WHERE key IN ('inode', 'birth')");
  recordPlace(db, path);
}

/** Nobody who goes on from the same epoch gets the same one. */
export function laterEpoch(from: number, random: (bytes: number) => Uint8Array): number {
  // The step shrinks with the room that is left, so that a store restored for each of its jobs never runs out.
  const span = Math.min(EPOCH_STEP, Math.ceil((MAX_EPOCH - from) / 1024));
  const epoch = from + 1 + (Buffer.from(random(4)).readUInt32BE() % Math.max(1, span));
  if (epoch <= MAX_EPOCH) return epoch;
  throw new PlaitError('identity', 'This store was copied or restored too often: it has no epoch left.', {
    hint: 'Clone it anew from a remote.',
  });
}

/** When a store is opened: a copy must not answer, nor ask, under the name of the original. */
export function renewCopy(engine: Engine): void {
  if (engine.self.ephemeral || !isAnother(engine)) return;
  try {
    engine.db.write(() => {
      if (isAnother(engine)) nextEpoch(engine);
    });
  } catch (error) {
    // A copy that cannot be written to, or not now, may be looked at; it is asked again before it issues anything.
    if (!(error instanceof PlaitError) || !['busy', 'io', 'no-space'].includes(error.code)) throw error;
  }
}

function isAnother({ db, path, stateDir, self }: Engine): boolean {
  const place = placeOf(path);
  const [inode, birth] = [getSelf(db, 'inode'), getSelf(db, 'birth')];
  if (inode !== undefined && inode !== place.inode) return true;
  if (birth !== undefined && place.birth !== '0' && birth !== place.birth) return true;
  return stateDir !== undefined && readIssued(stateDir, self.store) > issued(db);
}

/** Generations closed, refs moved and rounds taken in since the epoch began. */
const issued = (db: Database): number => Number(getSelf(db, 'issued') ?? 0);

interface Place {
  inode: string;
  /** Nanoseconds since the epoch; 0: the file system does not say. */
  birth: string;
  /** A kernel that hides the birth time makes Node answer with the time of the last change instead. */
  isChange: boolean;
}

function placeOf(path: string): Place {
  const { ino, birthtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return { inode: String(ino), birth: String(birthtimeNs), isChange: birthtimeNs === ctimeNs };
}

/** Writes down where meta.db is, as far as that is not known yet. Inside a write transaction. */
export function recordPlace(db: Database, path: string): void {
  if (path === ':memory:') return;
  const { inode, birth, isChange } = placeOf(path);
  if (getSelf(db, 'inode') === undefined) putSelf(db, 'inode', inode);
  if (getSelf(db, 'birth') === undefined && birth !== '0' && !isChange) putSelf(db, 'birth', birth);
}

function readIssued(stateDir: string, store: StoreId): number {
  try {
    const text = readFileSync(join(stateDir, store), 'utf8');
    return /^[0-9]{1,15}\n$/.test(text) ? Number(text) : 0;
  } catch {
    return 0;
  }
}

/** Not flushed: after a crash it may say less, which is no disagreement. */
function writeIssued(stateDir: string, store: StoreId, count: number): void {
  if (readIssued(stateDir, store) >= count) return;
  const temp = join(stateDir, `${store}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    ensureDir(stateDir);
    writeNew(temp, Buffer.from(`${count}\n`));
    renameFile(temp, join(stateDir, store));
  } catch {
    // What the command was asked for is done; without this file only one of the tokens is missing.
    removeQuietly(temp);
  }
}

function removeQuietly(path: string): void {
  try {
    removeFile(path);
  } catch {
    // It was never made: the folder cannot be written to.
  }
}
