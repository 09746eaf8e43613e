/**
 * Three-way decision about one register. Target: the head that the peer shows; current: ours; base: their newest common
 * ancestor. Pure: the same known writes give the same decision on every store.
 */
import type { KnownWrite, WriteLookup } from './heads.ts';

/** Which value stands where both sides changed a register. */
export type Policy = 'target' | 'current' | 'newest';

export type Decision =
  /** One value on both sides already, or nothing on either. */
  | { decision: 'keep' }
  | { decision: 'use-current' }
  | { decision: 'use-target' }
  /** Neither follows the other and the values are equal. */
  | { decision: 'same' }
  /** Values differ. `chosen`: whose stands; `resolution`: it is not the head by (stamp, id), a write must say so. */
  | { decision: 'conflict'; base: KnownWrite | null; chosen: 'current' | 'target'; resolution: boolean };

export type Reconcile = (
  current: KnownWrite | undefined,
  target: KnownWrite | undefined,
  policy: Policy | undefined,
  lookup: WriteLookup,
) => Decision;
