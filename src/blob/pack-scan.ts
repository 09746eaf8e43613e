/** What lies in packs/: sealed packs per volset and their rows for the index. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { isHash, isVolsetId, type VolsetId } from '../core/ids.ts';
import { ensureDir, fsyncDir } from '../disk/durable.ts';
import { type ObjectRow, type PackRow, rowsOfPack } from './index-rows.ts';
import { readDirectory, salvageBlocks, withFile } from './pack.ts';

/** The folder of this pack or log is there and durable, up to the store's own: `packs` is made with no sync of its own. */
export function ensurePackDir(path: string): void {
  const dir = dirname(path);
  if (!ensureDir(dir)) return;
  fsyncDir(dirname(dir));
  fsyncDir(dirname(dirname(dir)));
}

export const packPath = (packsDir: string, volset: VolsetId, pack: string): string =>
  join(packsDir, volset, `${pack}.pack`);

function names(dir: string): string[] {
  try {
    return readdirSync(dir).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export const volsetsIn = (packsDir: string): VolsetId[] => names(packsDir).filter(isVolsetId);

/** Pack ids of one volset. */
export const packsIn = (packsDir: string, volset: VolsetId): string[] =>
  names(join(packsDir, volset))
    .filter((name) => name.endsWith('.pack') && isHash(name.slice(0, -5)))
    .map((name) => name.slice(0, -5));

export interface PackContent {
  row: PackRow;
  rows: ObjectRow[];
}

/**
 * Rows of one pack file. A pack whose directory is damaged still gives what its sound blocks hold: the index may name
 * them, since every read checks the object's hash. A pack of a newer format throws.
 */
export function readPackContent(packsDir: string, volset: VolsetId, pack: string): PackContent {
  const path = packPath(packsDir, volset, pack);
  const rows = withFile(path, (fd) => {
    try {
      return rowsOfPack(readDirectory(fd, volset, pack).blocks);
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code === 'format') throw error;
      return salvageRows(fd, volset);
    }
  });
  const raw = rows.reduce((sum, row) => sum + row.length, 0);
  return { row: { volset, pack, bytes: statSync(path).size, objects: rows.length, raw }, rows };
}

function salvageRows(fd: number, volset: VolsetId): ObjectRow[] {
  try {
    return rowsOfPack(salvageBlocks(fd, volset));
  } catch (error) {
    if (error instanceof PlaitError && error.code !== 'format') return [];
    throw error;
  }
}
