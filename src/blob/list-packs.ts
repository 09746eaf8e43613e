/** The packs of a store, for who only looks at it: nothing is made, mended or cleaned up, as it is where a store is opened. */
import { join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { PackInfo } from './contract.ts';
import { IndexDb } from './index-db.ts';
import { IndexDamaged } from './index-schema.ts';
import { PackTimes } from './pack-times.ts';

export async function listPacks(dir: string): Promise<PackInfo[]> {
  const index = openIndex(join(dir, 'index.db'));
  try {
    return new PackTimes(join(dir, 'packs')).withTimes(index.packs());
  } finally {
    await index.close();
  }
}

function openIndex(path: string): IndexDb {
  try {
    return new IndexDb(path, { lockWaitMs: 0, random: () => 0 });
  } catch (cause) {
    if (!(cause instanceof IndexDamaged)) throw cause;
    throw new PlaitError('integrity', `the index of the data, ${path}, is ${cause.message}`, {
      hint: 'it is made again from the packs when the store is opened the next time',
      cause,
    });
  }
}
