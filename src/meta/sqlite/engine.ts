/** What the parts of the store share: the connection, who we are, clock and randomness. */
import { PlaitError } from '../../core/errors.ts';
import type { StoreId, VolsetId } from '../../core/ids.ts';
import type { Self } from '../contract.ts';
import type { Database } from './database.ts';

export interface Engine {
  readonly db: Database;
  readonly self: Self;
  /** Milliseconds since the epoch. */
  now(): number;
  random(bytes: number): Uint8Array;
}

export const findVolsetNumber = ({ db }: Engine, volset: VolsetId): number | undefined =>
  db.get<{ n: number }>('SELECT n FROM volsets WHERE id = ?', volset)?.n;

export function volsetNumber(engine: Engine, volset: VolsetId): number {
  const n = findVolsetNumber(engine, volset);
  if (n !== undefined) return n;
  throw new PlaitError('not-found', `Volset ${volset} is not in this store.`, { hint: 'See `plait volset list`.' });
}

/** Inside a write transaction. */
export function ensureVolset(engine: Engine, volset: VolsetId): number {
  engine.db.run('INSERT INTO volsets(id) VALUES (?) ON CONFLICT DO NOTHING', volset);
  return volsetNumber(engine, volset);
}

export const findStoreNumber = ({ db }: Engine, store: StoreId): number | undefined =>
  db.get<{ n: number }>('SELECT n FROM stores WHERE id = ?', store)?.n;

/** Inside a write transaction. */
export function ensureStore(engine: Engine, store: StoreId): number {
  engine.db.run('INSERT INTO stores(id) VALUES (?) ON CONFLICT DO NOTHING', store);
  return findStoreNumber(engine, store) as number;
}
