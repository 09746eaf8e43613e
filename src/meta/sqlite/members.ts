/** Who writes into a volset: whose generations arrived here, when, and what each is known to hold. */
import type { StoreId } from '../../core/ids.ts';
import type { Vector } from '../../core/records.ts';
import type { Engine } from './engine.ts';

/** What a round tells of those who write. */
export interface Met {
  /** Who handed the round over, its label, and what it holds if it said so (`round.held ?? round.vector`). */
  peer: StoreId;
  label?: string;
  held?: Vector;
  /** Authors of the generations that were new to us; our own ids among them are passed over. */
  stores: Iterable<StoreId>;
}

/** Once a round, also if nothing in it was new. Inside a write transaction. */
export function noteMembers(_engine: Engine, _n: number, _met: Met): void {}
