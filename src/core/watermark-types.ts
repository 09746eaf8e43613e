/** What goes into a derived view and comes out of it (watermark.ts). */
import type { StoreId } from './ids.ts';

export type ViewChange<V> = { key: string; value: V } | { key: string; deleted: true };

/** What a consumer sees change. `revision` rises from event to event of one key. */
export type ViewEvent<V> = { key: string; revision: number } & (
  | { type: 'new'; value: V }
  | { type: 'updated'; value: V; before: V }
  | { type: 'deleted'; before: V }
);

export type ViewStatus = { status: 'waiting' } | { status: 'resync' } | { status: 'in-sync'; revision: number };

/** To be stored in the transaction that stores the effects, never before: what lies behind `cursor` is not told again. */
export interface Checkpoint<V> {
  /** Whose data this is; null: nobody's yet. */
  store: StoreId | null;
  cursor: number;
  floor: number;
  /** A state at or above this is needed; null: none is. */
  need: number | null;
  entries: { key: string; value: V; mark: number }[];
}

export interface WatermarkOptions<V> {
  /** Of values that are the same nothing is emitted. Default: Object.is. */
  same?: (a: V, b: V) => boolean;
  maxKeys?: number;
  /** Of deletions while one state runs; with more it is given up, and another one is needed. */
  maxTombstones?: number;
}
