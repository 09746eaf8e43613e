/** Opens meta.db, or makes it. */

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlaitError } from '../../core/errors.ts';
import { hex } from '../../core/hash.ts';
import type { InstallId } from '../../core/ids.ts';
import { linkFile, removeFile, syncFile, writeNew } from '../../disk/files.ts';
import type { MetaStore } from '../contract.ts';
import { Database, damaged } from './database.ts';
import type { Engine } from './engine.ts';
import { recordPlace, renewCopy } from './identity.ts';
import { formatOf, type Migration, migrate, mustMigrate, OLD_FORMAT, readAsItIs } from './old-format.ts';
import { APPLICATION_ID, META_FORMAT, SCHEMA } from './schema.ts';
import { CurrentSelf, writeSelf } from './self.ts';
import { sqliteMetaStore } from './store.ts';

export interface MetaOptions {
  /** Of meta.db; `:memory:` for a store that is gone when it is closed. */
  path: string;
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?: () => number;
  random?: (bytes: number) => Uint8Array;
  /** Shown to others beside the store id; the host name, unless configured. Used when the store is made. */
  label?: string;
  /** Make it if it is not there; an existing one is opened as it is. */
  create?: boolean;
  /** Who a made store is, when it continues one that was lost. Default: a new install id, epoch 1. */
  identity?: { install: InstallId; epoch: number };
  /** It never closes a generation, but hands its records over (CI jobs). Used when the store is made. */
  ephemeral?: boolean;
  /**
   * Folder of the user, outside of every store, that keeps how far each store got, so that one that is put back from a
   * backup is noticed. Made when needed; best left out for a store that is not kept.
   */
  stateDir?: string;
  /** A store of the previous format is refused at once instead of being opened for reading only. */
  toWrite?: boolean;
  /** Nothing is written: neither by who opens it nor by the opening. */
  readOnly?: boolean;
  /** How long a writer waits for another process before it fails with `busy`. Default 60,000. */
  lockWaitMs?: number;
}

/** Throws `no-store`, `format`, `integrity`, `busy`, `io`. */
export function openMetaStore(options: MetaOptions): MetaStore {
  const { path } = options;
  const random = options.random ?? ((bytes: number) => randomBytes(bytes));
  if (path === ':memory:') return sqliteMetaStore(engineOf(made(path, options, random), options, random));
  if (!existsSync(path)) {
    if (!options.create) {
      throw new PlaitError('no-store', `There is no store here: ${path} does not exist.`, {
        hint: 'Make one with `plait init`, or name another with --store.',
      });
    }
    createFile(path, options, random);
  }
  if (statSync(path).size === 0) throw damaged(path, 'the file is empty');
  const db = new Database(path, options.lockWaitMs ?? 60_000);
  try {
    const format = checkFormat(db, path);
    pragmas(db);
    if (format === OLD_FORMAT) {
      if (options.toWrite) throw mustMigrate(path);
      readAsItIs(db, path);
    }
    const engine = engineOf(db, options, random);
    if (options.readOnly) refuseWrites(db, path);
    // One that is only read issues nothing under its name.
    else if (format === META_FORMAT) renewCopy(engine);
    return sqliteMetaStore(engine);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Brings a store of the previous format to this one. Throws as openMetaStore does. */
export function migrateMetaStore(options: MetaOptions, { dryRun }: { dryRun: boolean }): Migration {
  const db = new Database(options.path, options.lockWaitMs ?? 60_000);
  try {
    checkFormat(db, options.path);
    pragmas(db);
    return migrate(engineOf(db, options, options.random ?? randomBytes), dryRun);
  } finally {
    db.close();
  }
}

function engineOf(db: Database, options: MetaOptions, random: (bytes: number) => Uint8Array): Engine {
  const { path, now = Date.now, stateDir } = options;
  const current = new CurrentSelf(db, path);
  return {
    db,
    path,
    stateDir,
    get self() {
      return current.get();
    },
    selfChanged: () => current.changed(),
    now,
    random,
  };
}

function refuseWrites(db: Database, path: string): void {
  db.exec('PRAGMA query_only = ON');
  db.refuseWrites(() => new PlaitError('unexpected', `${path} was opened for reading only.`));
}

function pragmas(db: Database): void {
  db.exec(
    'PRAGMA synchronous = FULL; PRAGMA cache_size = -16384; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON',
  );
}

function checkFormat(db: Database, path: string): number {
  const id = db.get<{ application_id: number }>('PRAGMA application_id')?.application_id;
  if (id !== APPLICATION_ID) throw damaged(path, 'it is not a metadata file of plait');
  const version = formatOf(db);
  if (version === META_FORMAT || version === OLD_FORMAT) return version;
  const hint =
    version !== undefined && version < META_FORMAT
      ? 'It was never released. Make the store again: clone it from a remote, or import a bundle of it.'
      : 'Use a newer plait, or migrate the store with the plait that made it.';
  throw new PlaitError(
    'format',
    `The metadata in ${path} has format ${version}; this plait understands ${META_FORMAT}.`,
    { hint, data: { found: version ?? null, known: META_FORMAT } },
  );
}

function made(path: string, options: MetaOptions, random: (bytes: number) => Uint8Array): Database {
  const db = new Database(path, options.lockWaitMs ?? 60_000);
  pragmas(db);
  if (path !== ':memory:') db.exec('PRAGMA journal_mode = WAL');
  db.write(() => {
    db.exec(SCHEMA);
    const { install, epoch } = options.identity ?? { install: hex(random(16)) as InstallId, epoch: 1 };
    writeSelf(db, { install, epoch, label: options.label ?? '', ephemeral: options.ephemeral ?? false });
    // Linking keeps the inode.
    recordPlace(db, path);
  });
  return db;
}

/** Made beside its place and linked there complete: whoever is killed, or comes second, leaves no half-made store. */
function createFile(path: string, options: MetaOptions, random: (bytes: number) => Uint8Array): void {
  const temp = `${path}.${hex(random(8))}.new`;
  try {
    writeNew(temp, new Uint8Array(0));
    const db = made(temp, options, random);
    try {
      // Closing folds the write-ahead log into the file, but says nothing where the disk is full by then; and the log
      // does not move along with the link below.
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      db.close();
    }
    sync(temp);
    linkFile(temp, path);
    sync(dirname(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof PlaitError || code === undefined) throw error;
    if (code !== 'EEXIST') {
      throw new PlaitError(
        code === 'ENOSPC' || code === 'EDQUOT' ? 'no-space' : 'io',
        `Cannot make ${path}: ${message}.`,
        {
          hint: 'Check that the folder exists and may be written to.',
          cause: error,
        },
      );
    }
  } finally {
    for (const suffix of ['', '-wal', '-shm']) removeFile(temp + suffix);
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    syncFile(fd);
  } finally {
    closeSync(fd);
  }
}
