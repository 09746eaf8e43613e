/**
 * Ephemeral stores: they never close a generation. Their open records are handed over, the other store logs them in a
 * generation of its own, and when that generation comes here the open copies go.
 */
import type { Engine } from './engine.ts';

/**
 * Once after the generations of a round were inserted: open records that are in the log by now are dropped from the open
 * generation, of any kind of store. Inside a write transaction.
 */
export function dropLogged(_engine: Engine, _n: number): void {}
