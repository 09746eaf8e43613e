/**
 * A meta.db of format 3. It is read as it is: what it has no tables for is empty, in temporary ones of this connection.
 * Nothing writes to it but `migrate`, which makes it format 4 in one transaction: whoever is killed in it leaves format 3.
 */
import { PlaitError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/records.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { putTombstone, refreshLiveness } from './liveness.ts';
import { META_FORMAT, SINCE_4 } from './schema.ts';

export const OLD_FORMAT = 3;

export const formatOf = (db: Database): number | undefined =>
  db.get<{ user_version: number }>('PRAGMA user_version')?.user_version;

export const mustMigrate = (path: string): PlaitError =>
  new PlaitError(
    'format',
    `The metadata in ${path} has format ${OLD_FORMAT}, to which this plait does not write; nothing was changed.`,
    {
      hint: 'Bring the store to the present format with `plait migrate`. Until then it can be read. The plait that made it needs `index.db` removed first, which each version makes anew.',
      data: { found: OLD_FORMAT, known: META_FORMAT, migrate: true },
    },
  );

/** Of every table of format 4 an empty one, and no word to the file any more. */
export function readAsItIs(db: Database, path: string): void {
  db.exec(SINCE_4.replaceAll('CREATE TABLE ', 'CREATE TEMP TABLE ').replaceAll('CREATE INDEX ', 'CREATE INDEX temp.'));
  db.exec('PRAGMA query_only = ON');
  db.refuseWrites(() => mustMigrate(path));
}

export interface Migration {
  found: number;
  format: number;
  /** Snapshots that were forgotten by somebody, which format 3 did not understand. */
  forgotten: number;
}

/** Inside one transaction, which a dry run takes back. Answers what it found. Whoever came first may have done it. */
export function migrate(engine: Engine, dryRun: boolean): Migration {
  const { db } = engine;
  try {
    return db.write(() => {
      const found = formatOf(db) ?? 0;
      if (found === META_FORMAT) return { found, format: META_FORMAT, forgotten: 0 };
      db.exec(SINCE_4);
      const migration = { found, format: META_FORMAT, forgotten: buryForgotten(engine) };
      db.exec(`PRAGMA user_version = ${META_FORMAT}`);
      if (dryRun) throw new TakenBack(migration);
      return migration;
    });
  } catch (error) {
    if (error instanceof TakenBack) return error.migration;
    throw error;
  }
}

class TakenBack extends Error {
  readonly migration: Migration;

  constructor(migration: Migration) {
    super('a dry run was taken back');
    this.migration = migration;
  }
}

/** Tombstones of single snapshots were logged and left alone. */
function buryForgotten(engine: Engine): number {
  const rows = engine.db.all<{ volset: number; id: string; object: ObjectKey }>(
    `SELECT DISTINCT volset, id, json_extract(body, '$.object') AS object FROM records
     WHERE body LIKE '%"type":"tombstone"%' AND json_extract(body, '$.type') = 'tombstone'
     AND json_extract(body, '$.object') LIKE 'snapshot:%'`,
  );
  for (const { volset, id, object } of rows) putTombstone(engine, volset, object, id as never);
  return rows.filter(({ volset, object }) => refreshLiveness(engine, volset, object)).length;
}
