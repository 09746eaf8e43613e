/** What can be asked of fetch, push, pull and sync. */
import { PlaitError } from '../core/errors.ts';
import type { Policy } from '../core/reconcile.ts';
import type { Selection } from '../core/selection.ts';

export type Verb = 'fetch' | 'push' | 'pull' | 'sync';

/** How much of the line a session may use. */
export interface LineUse {
  /** Bytes a second; absent: as fast as it goes. */
  limits?: { up?: number; down?: number };
  /** Streams at once, 1 to 16. */
  parallel?: number;
  /** Milliseconds between attempts to reach a remote that does not answer, all its requests together. */
  attemptEveryMs?: number;
}

export interface ReplicateOptions extends LineUse {
  selection: Selection;
  dryRun: boolean;
  /** Share of branches or snapshots that a round may delete here, 0..1. */
  maxDelete: number;
  failIfUnchanged: boolean;
  /** Whose value stands where both sides changed a field. Default: target. */
  policy?: Policy;
  /** sync: takes only; nothing is sent. */
  pullOnly?: boolean;
  acceptNewIdentity?: boolean;
  acceptRollback?: boolean;
  /** push: the diverged line goes on under this name, and its branch follows the remote. */
  as?: string;
  /** pull: diverged branches follow the remote; their lines are kept under other names. */
  theirs?: boolean;
}

export const pushes = (verb: Verb, { pullOnly }: ReplicateOptions): boolean =>
  verb === 'push' || (verb === 'sync' && !pullOnly);
export const pulls = (verb: Verb): boolean => verb === 'pull' || verb === 'sync';

/** Throws `usage` for an option of another verb. */
export function checkOptions(verb: Verb, { as, theirs, pullOnly }: ReplicateOptions): void {
  const misplaced =
    (as !== undefined && verb !== 'push' && ['--as', 'push']) ||
    (theirs && verb !== 'pull' && ['--theirs', 'pull']) ||
    (pullOnly && verb !== 'sync' && ['--pull-only', 'sync']);
  if (misplaced) throw new PlaitError('usage', `${misplaced[0]} belongs to ${misplaced[1]}, not to ${verb}`);
}
