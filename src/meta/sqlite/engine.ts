/** What the parts of the store share: the connection, who we are, clock and randomness. */
import { PlaitError } from '../../core/errors.ts';
import { type ChainId, storeOf, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import { STORE_STATE } from '../../core/state-object.ts';
import type { Self } from '../contract.ts';
import type { Database } from './database.ts';

export interface Engine {
  readonly db: Database;
  /** Of meta.db, or `:memory:`. */
  readonly path: string;
  /**
   * Read again in each transaction, and after `nextEpoch`: another process may have gone on under a new epoch. Do not
   * keep it over a call that may close a generation.
   */
  readonly self: Self;
  /** The rows behind `self` were written. */
  selfChanged(): void;
  /** Where the user's state directory keeps how far each store got; see identity.ts. */
  readonly stateDir?: string;
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
  // No honest store makes one: it would be taken for what this store tells of itself in packs.
  if (volset === STORE_STATE) malformed('a volume set has an id that none may have');
  engine.db.run('INSERT INTO volsets(id) VALUES (?) ON CONFLICT DO NOTHING', volset);
  return volsetNumber(engine, volset);
}

export const findStoreNumber = ({ db }: Engine, chain: ChainId): number | undefined =>
  db.get<{ n: number }>('SELECT n FROM stores WHERE id = ?', chain)?.n;

/** Inside a write transaction. */
export function ensureStore(engine: Engine, chain: ChainId): number {
  engine.db.run('INSERT INTO stores(id, base) VALUES (?, ?) ON CONFLICT DO NOTHING', chain, storeOf(chain));
  return findStoreNumber(engine, chain) as number;
}
