/**
 * index.db against the packs: SQLite's own checks, and each row against the directory of the pack that it names. Memory
 * holds one directory and one number a pack; the index is read once as a whole, and looked into once for each object.
 */
import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as tick } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import { objectKey } from '../core/hash.ts';
import { isVolsetId, type VolsetId } from '../core/ids.ts';
import { idAt } from './block.ts';
import type { IndexDamage, ObjectRef } from './contract.ts';
import { FIND } from './index-borrow.ts';
import { type ObjectRow, rowsOfPack } from './index-rows.ts';
import { atOnce, IndexDamaged, openIndex } from './index-schema.ts';
import { isCorrupt } from './lock.ts';
import { readDirectory, salvageBlocks, withFile } from './pack.ts';
import { packPath, packsIn, volsetsIn } from './pack-scan.ts';

interface PackRow {
  n: number;
  number: number;
  volset: VolsetId | null;
  id: string;
  bytes: number;
}

const PACKS = `SELECT p.n, p.volset AS number, v.id AS volset, p.id, p.bytes FROM packs p
  LEFT JOIN volsets v ON v.n = p.volset`;

const fault = (what: string, volset: VolsetId | null = null): IndexDamage => ({
  kind: 'index',
  volset,
  what: `the chunk index: ${what}`,
});

export async function* verifyIndex(dir: string, signal?: AbortSignal): AsyncGenerator<IndexDamage> {
  let db: DatabaseSync | undefined;
  try {
    db = openIndex(join(dir, 'index.db'));
    yield* integrityFaults(db);
    yield* rowFaults(db, join(dir, 'packs'), signal);
  } catch (error) {
    if (!(error instanceof IndexDamaged) && !isCorrupt(error)) throw error;
    yield fault(`it cannot be read (${error instanceof Error ? error.message : String(error)})`);
  } finally {
    db?.close();
  }
}

function* integrityFaults(db: DatabaseSync): Generator<IndexDamage> {
  for (const row of db.prepare('PRAGMA integrity_check(20)').iterate()) {
    const text = String(Object.values(row)[0]);
    if (text !== 'ok') yield fault(text);
  }
}

/** Rows by pack number and volset number. */
type Counts = Map<number, Map<number, number>>;

async function* rowFaults(db: DatabaseSync, packsDir: string, signal?: AbortSignal): AsyncGenerator<IndexDamage> {
  const find = db.prepare(FIND);
  const counts = countRows(db);
  const isThere = db.prepare('SELECT 1 FROM packs WHERE n = ?');
  for (const pack of db.prepare(PACKS).all() as unknown as PackRow[]) {
    signal?.throwIfAborted();
    const rows = counts.get(pack.n) ?? new Map<number, number>();
    counts.delete(pack.n);
    const what = packFault(find, packsDir, pack, rows);
    // Others write meanwhile: what is wrong is looked at again, of one moment.
    if (what !== undefined) {
      const again = atOnce(db, () =>
        isThere.get(pack.n) ? packFault(find, packsDir, pack, countRows(db, pack.n).get(pack.n)) : undefined,
      );
      if (again !== undefined) yield fault(again, pack.volset);
    }
    await tick();
  }
  const strays = [...counts.keys()].filter((n) =>
    atOnce(db, () => !isThere.get(n) && countRows(db, n).get(n) !== undefined),
  );
  if (strays.length > 0) yield fault(`rows name ${strays.length} packs that it does not know`);
  const unknown = db.prepare('SELECT count(*) AS n FROM objects WHERE volset NOT IN (SELECT n FROM volsets)').get();
  if (unknown?.n !== 0) yield fault('rows belong to a volset that it does not know');
}

function countRows(db: DatabaseSync, pack?: number): Counts {
  const counts: Counts = new Map();
  const sql = `SELECT pack, volset, count(*) AS count FROM objects ${pack === undefined ? '' : 'WHERE pack = ?'} GROUP BY pack, volset`;
  for (const row of db.prepare(sql).iterate(...(pack === undefined ? [] : [pack]))) {
    const { pack: n, volset, count } = row as { pack: number; volset: number; count: number };
    counts.set(n, (counts.get(n) ?? new Map<number, number>()).set(volset, count));
  }
  return counts;
}

/** What the index says of a pack and the pack does not. A pack that cannot be read is told by whoever reads packs. */
function packFault(
  find: StatementSync,
  packsDir: string,
  { n, volset, id, bytes }: PackRow,
  rows: ReadonlyMap<number, number> = new Map(),
): string | undefined {
  if (volset === null || !isVolsetId(volset)) return `the pack ${id.slice(0, 12)} has no volset`;
  const found = directoryOf(packsDir, volset, id);
  if (found === undefined) return undefined;
  if (found.bytes !== bytes) return `the pack ${id.slice(0, 12)} has ${found.bytes} bytes, not ${bytes}`;
  for (const [number, count] of rows) {
    const right = found.rows.filter((row) => isAt(find.get(number, row.kind, row.id), n, row)).length;
    if (right !== count) return `${count - right} rows say of the pack ${id.slice(0, 12)} what is not so`;
  }
  return undefined;
}

const isAt = (row: ReturnType<StatementSync['get']>, pack: number, { block, raw, length }: ObjectRow): boolean =>
  row !== undefined && row.pack === pack && row.block === block && row.raw === raw && row.length === length;

function directoryOf(packsDir: string, volset: VolsetId, id: string): { bytes: number; rows: ObjectRow[] } | undefined {
  try {
    return withFile(packPath(packsDir, volset, id), (fd) => ({
      bytes: fstatSync(fd).size,
      rows: rowsOfPack(readDirectory(fd, volset, id).blocks),
    }));
  } catch (error) {
    if (error instanceof PlaitError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

/** Which of these lie in packs, of whatever volset. */
export async function inPacks(packsDir: string, refs: ObjectRef[]): Promise<ObjectRef[]> {
  const wanted = new Map(refs.map((ref) => [objectKey(ref.kind, ref.id), ref]));
  const found: ObjectRef[] = [];
  for (const volset of volsetsIn(packsDir)) {
    for (const pack of packsIn(packsDir, volset)) {
      for (const key of keysOf(packsDir, volset, pack)) {
        const ref = wanted.get(key);
        if (ref === undefined) continue;
        found.push(ref);
        wanted.delete(key);
      }
      if (wanted.size === 0) return found;
      await tick();
    }
  }
  return found;
}

function keysOf(packsDir: string, volset: VolsetId, pack: string): string[] {
  const keys: string[] = [];
  try {
    withFile(packPath(packsDir, volset, pack), (fd) => {
      const blocks = (() => {
        try {
          return readDirectory(fd, volset, pack).blocks;
        } catch (error) {
          if (error instanceof PlaitError) return salvageBlocks(fd, volset);
          throw error;
        }
      })();
      for (const block of blocks)
        for (let n = 0; n < block.count; n++) keys.push(objectKey(block.kind, idAt(block, n)));
    });
  } catch (error) {
    if (!(error instanceof PlaitError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  return keys;
}
