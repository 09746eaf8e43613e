/** Up to where the log is to stay readable as it is, while somebody reads it page by page (compact.ts). */
import type { VolsetId } from '../../core/ids.ts';
import { isCount, malformed } from '../../core/malformed.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, volsetNumber } from './engine.ts';
import { headRevision } from './revisions.ts';

interface PinRow {
  name: string;
  volset: number;
  revision: number;
  until: number;
  sum: string;
}

const COLUMNS = 'SELECT name, volset, revision, until, sum FROM pins';

function checked({ sum, ...pin }: PinRow): Omit<PinRow, 'sum'> {
  checkRow(sum, 'pins', pin.name, pin.volset, pin.revision, pin.until);
  return pin;
}

export function pin(engine: Engine, volset: VolsetId, name: string, until: number): void {
  if (!isCount(until) || name === '') malformed('a pin has no name, or no end');
  const { db } = engine;
  db.write(() => {
    const n = volsetNumber(engine, volset);
    // Of hubs that were killed.
    db.run('DELETE FROM pins WHERE until <= ? AND name <> ?', engine.now(), name);
    const row = db.get<PinRow>(`${COLUMNS} WHERE name = ?`, name);
    // One that has run out and is still there has held: who passes it over takes it away (smallestPin).
    const held = row && checked(row);
    const revision = held?.volset === n ? held.revision : headRevision(engine, n);
    db.run(
      'INSERT OR REPLACE INTO pins(name, volset, revision, until, sum) VALUES (?, ?, ?, ?, ?)',
      name,
      n,
      revision,
      until,
      rowSum('pins', name, n, revision, until),
    );
  });
}

export const unpin = ({ db }: Engine, name: string): void => void db.run('DELETE FROM pins WHERE name = ?', name);

/** Takes away what has run out. Infinity: nothing is pinned. Inside a write transaction. */
export function smallestPin({ db, now }: Engine, n: number): number {
  db.run('DELETE FROM pins WHERE volset = ? AND until <= ?', n, now());
  return Math.min(...pinsOf(db, n).map(({ revision }) => revision));
}

const pinsOf = (db: Engine['db'], n: number): Omit<PinRow, 'sum'>[] =>
  db.all<PinRow>(`${COLUMNS} WHERE volset = ?`, n).map(checked);

/** What `verify` finds wrong. */
export function pinFaults(engine: Engine, n: number): string[] {
  const head = headRevision(engine, n);
  return pinsOf(engine.db, n)
    .filter(({ revision }) => revision > head)
    .map(({ name, revision }) => `the pin ${name} is at revision ${revision}, beyond the last (${head})`);
}
