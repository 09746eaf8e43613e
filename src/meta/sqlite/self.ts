/** Who this store is, and its hybrid clock. */
import { isInstallId, storeId } from '../../core/ids.ts';
import type { Stamp } from '../../core/records.ts';
import { isStamp, ZERO_STAMP } from '../../core/stamp.ts';
import type { Self } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Database, damaged } from './database.ts';

/** Keys of the table; `inode`, `birth` and `issued` are explained in identity.ts. */
type SelfKey = 'install' | 'epoch' | 'label' | 'ephemeral' | 'clock' | 'inode' | 'birth' | 'issued';

export function writeSelf(db: Database, { install, epoch, label, ephemeral }: Omit<Self, 'store'>): void {
  const rows = { install, epoch: String(epoch), label, clock: ZERO_STAMP, ephemeral: ephemeral ? '1' : '0' };
  for (const [key, value] of Object.entries(rows)) putSelf(db, key as SelfKey, value);
}

export function readSelf(db: Database, path: string): Self {
  const install = getSelf(db, 'install');
  const epoch = Number(getSelf(db, 'epoch'));
  if (!isInstallId(install) || !Number.isSafeInteger(epoch) || epoch < 1)
    throw damaged(path, 'it does not say which store it is');
  const ephemeral = getSelf(db, 'ephemeral') === '1';
  return { install, epoch, store: storeId(install, epoch), label: getSelf(db, 'label') ?? '', ephemeral };
}

/**
 * `self`, read once in each transaction: another process may have begun a new epoch, and an author is asked for with
 * every record. After closing it is what it was last.
 */
export class CurrentSelf {
  readonly #db: Database;
  readonly #path: string;
  #known: { transaction: number | undefined; self: Self };

  constructor(db: Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.#known = { transaction: undefined, self: readSelf(db, path) };
  }

  get(): Self {
    const { transaction, isOpen } = this.#db;
    if (isOpen && (transaction === undefined || transaction !== this.#known.transaction))
      this.#known = { transaction, self: readSelf(this.#db, this.#path) };
    return this.#known.self;
  }

  /** To be called after the rows were written. */
  changed(): void {
    this.#known.transaction = undefined;
  }
}

/** Last stamp that this store gave. Read inside the transaction that writes the next. */
export function readClock(db: Database): Stamp {
  const clock = getSelf(db, 'clock');
  return isStamp(clock) ? clock : ZERO_STAMP;
}

export const writeClock = (db: Database, stamp: Stamp): void => putSelf(db, 'clock', stamp);

export function getSelf(db: Database, key: SelfKey): string | undefined {
  const row = db.get<{ value: string; sum: string }>('SELECT value, sum FROM self WHERE key = ?', key);
  if (row !== undefined) checkRow(row.sum, 'self', key, row.value);
  return row?.value;
}

export function putSelf(db: Database, key: SelfKey, value: string): void {
  db.run('INSERT OR REPLACE INTO self(key, value, sum) VALUES (?, ?, ?)', key, value, rowSum('self', key, value));
}
