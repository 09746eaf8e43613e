/** What lies in a pack, for gc: out of its directory, or where that cannot be read, out of the index. */
import { PlaitError } from '../core/errors.ts';
import type { ObjectRef } from './contract.ts';
import type { PackName } from './gc-step.ts';
import type { IndexDb } from './index-db.ts';
import { ROWS_PER_TRANSACTION } from './index-rows.ts';
import { readDirectory, withFile } from './pack.ts';
import { type PackedBlock, refsOf } from './pack-directory.ts';
import { packPath } from './pack-scan.ts';

/** Undefined where it is missing or damaged. */
export function blocksOf(packsDir: string, { volset, pack }: PackName): PackedBlock[] | undefined {
  try {
    return withFile(packPath(packsDir, volset, pack), (fd) => readDirectory(fd, volset, pack).blocks);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Its file is missing or damaged, or the disk cannot read it. */
export const isUnreadable = (error: unknown): boolean =>
  error instanceof PlaitError
    ? error.code === 'integrity' || error.code === 'protocol'
    : ['ENOENT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '');

/** At least one, perhaps empty; each for one transaction. */
export function batchesOf(index: IndexDb, packsDir: string, name: PackName): ObjectRef[][] {
  const blocks = blocksOf(packsDir, name);
  const refs = blocks ? blocks.flatMap(refsOf) : index.objectsOfPack(name.volset, name.pack);
  const batches: ObjectRef[][] = [];
  for (let at = 0; at === 0 || at < refs.length; at += ROWS_PER_TRANSACTION) {
    batches.push(refs.slice(at, at + ROWS_PER_TRANSACTION));
  }
  return batches;
}
