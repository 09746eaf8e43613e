/** Checksums of rows that cannot be derived from others: SQLite does not notice a flipped bit inside a value. */
import { hash } from 'node:crypto';
import { PlaitError } from '../../core/errors.ts';

type Cell = string | number | null;

/** 16 hex digits over the table's name and the row's cells. */
export const rowSum = (table: string, ...cells: Cell[]): string =>
  hash('sha256', JSON.stringify([table, ...cells]), 'hex').slice(0, 16);

export function checkRow(sum: string, table: string, ...cells: Cell[]): void {
  if (sum === rowSum(table, ...cells)) return;
  throw new PlaitError('integrity', `A row of the table ${table} in meta.db is damaged (${cells[0]}).`, {
    hint: 'Restore meta.db from a backup, or clone again from a remote.',
  });
}
