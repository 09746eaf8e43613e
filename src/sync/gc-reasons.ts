/** Why a blob stays, and the way out, for people. */
import type { Refusal } from '../meta/contract.ts';

/** `unproven`: no remote says that it holds it. `not-asked`: of those that might, one could not be asked. */
export type KeptReason = Exclude<Refusal, 'absent'> | 'base' | 'unproven' | 'not-asked';

export const WHY: Record<KeptReason, string> = {
  tip: 'a branch ends there, here or at a remote: move or delete the branch first',
  base: 'a working directory stands on it: check out another snapshot there first',
  'in-use': 'a transfer is using it: try again when that is over',
  promised: 'another store was told within the last hour that it is here: try again later, or --force',
  queued: 'it waits to be sent: push it, take it out with `plait queue drop`, or --force',
  unproven: 'no remote says that it holds it: push it, or --force to lose it',
  'not-asked': 'a remote that may hold it could not be asked: try again, or --force',
};
