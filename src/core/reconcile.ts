/**
 * Three-way decision about one register. Target: the head that the peer shows; current: ours; base: their newest common
 * ancestor. Pure: the same known writes give the same decision on every store.
 */
import { byStampAndId, type KnownWrite, newestCommonAncestor, type WriteLookup } from './heads.ts';
import type { StoreId } from './ids.ts';
import type { RegisterKey, Write } from './records.ts';
import { hasNextStamp, stampAfter } from './stamp.ts';

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

/** Without a policy nothing is chosen: the larger (stamp, id) stands, and no write is asked for. */
export const reconcile: Reconcile = (current, target, policy, lookup) => {
  if (current === undefined) return { decision: target === undefined ? 'keep' : 'use-target' };
  if (target === undefined) return { decision: 'use-current' };
  if (current.id === target.id) return { decision: 'keep' };
  const base = newestCommonAncestor(current, target, lookup);
  if (base?.id === current.id) return { decision: 'use-target' };
  if (base?.id === target.id) return { decision: 'use-current' };
  if (current.value === target.value) return { decision: 'same' };
  const head = byStampAndId(current, target) > 0 ? 'current' : 'target';
  // What a policy decided once is not decided again: every pair of stores would, in turn, for ever.
  // Above the last stamp there is none to decide with; to refuse the round would end all syncing with that peer.
  const canDecide = hasNextStamp(current.stamp) && hasNextStamp(target.stamp);
  const isOpen = !current.resolution && !target.resolution && canDecide;
  const chosen = isOpen && (policy === 'current' || policy === 'target') ? policy : head;
  return { decision: 'conflict', base: base ?? null, chosen, resolution: chosen !== head };
};

/**
 * The write that makes `chosen` the head over the other. Nothing in it but the author depends on who makes it, and its id
 * leaves the author out: two stores that settle the same conflict alike make the same write.
 */
export function resolutionOf(
  register: RegisterKey,
  current: KnownWrite,
  target: KnownWrite,
  chosen: 'current' | 'target',
  author: StoreId,
): Write {
  const parents = [current.id, target.id].sort();
  const { value } = chosen === 'current' ? current : target;
  const last = current.stamp > target.stamp ? current.stamp : target.stamp;
  return { type: 'write', register, value, parents, stamp: stampAfter(last), author, resolution: true };
}
