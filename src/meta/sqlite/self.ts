/** Who this store is, and its hybrid clock. */
import { type InstallId, isInstallId, storeId } from '../../core/ids.ts';
import type { Stamp } from '../../core/records.ts';
import { isStamp, ZERO_STAMP } from '../../core/stamp.ts';
import type { Self } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Database, damaged } from './database.ts';

export function writeSelf(db: Database, install: InstallId, epoch: number, label: string): void {
  const rows = { install, epoch: String(epoch), label, clock: ZERO_STAMP };
  for (const [key, value] of Object.entries(rows)) putSelf(db, key, value);
}

export function readSelf(db: Database, path: string): Self {
  const install = getSelf(db, 'install');
  const epoch = Number(getSelf(db, 'epoch'));
  if (!isInstallId(install) || !Number.isSafeInteger(epoch) || epoch < 1)
    throw damaged(path, 'it does not say which store it is');
  return { install, epoch, store: storeId(install, epoch), label: getSelf(db, 'label') ?? '' };
}

/** Last stamp that this store gave. Read inside the transaction that writes the next. */
export function readClock(db: Database): Stamp {
  const clock = getSelf(db, 'clock');
  return isStamp(clock) ? clock : ZERO_STAMP;
}

export const writeClock = (db: Database, stamp: Stamp): void => putSelf(db, 'clock', stamp);

function getSelf(db: Database, key: string): string | undefined {
  const row = db.get<{ value: string; sum: string }>('SELECT value, sum FROM self WHERE key = ?', key);
  if (row !== undefined) checkRow(row.sum, 'self', key, row.value);
  return row?.value;
}

function putSelf(db: Database, key: string, value: string): void {
  db.run('INSERT OR REPLACE INTO self(key, value, sum) VALUES (?, ?, ?)', key, value, rowSum('self', key, value));
}
