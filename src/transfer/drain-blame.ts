import { PlaitError } from '../core/errors.ts';
import { backOff } from '../core/queue.ts';
import type { Outcome } from '../meta/contract.ts';
import type { Work } from './drain-source.ts';
import type { DrainOptions } from './drain-types.ts';

export type Failure = NonNullable<Extract<Outcome, { outcome: 'retry' }>['error']>;

/** How often a drain agrees to an upload anew with nothing to show for it. A token lives for an hour, a snapshot may take days. */
const MAX_ANEW = 100;

/**
 * Whom the failure of a part concerns: the snapshots whose data is in it, nobody (the upload has to be agreed to anew), or
 * all that is under way.
 */
export class Blame {
  #anew = 0;

  /** Something became durable. */
  gotOn(): void {
    this.#anew = 0;
  }

  /** @param acknowledged parts of the upload: it has got on, so that agreeing to it anew is no endless circle */
  of(error: unknown, { acknowledged }: { acknowledged: number }): 'part' | 'nobody' | 'all' {
    if (!(error instanceof PlaitError)) return 'all';
    const { code } = error;
    if (code === 'quota' || code === 'no-space' || code === 'integrity' || code === 'protocol') return 'part';
    // The token has expired, or the peer has forgotten the upload.
    const stale = code === 'forbidden' || code === 'not-found';
    return stale && acknowledged > 0 && this.#anew++ < MAX_ANEW ? 'nobody' : 'all';
  }
}

export function later(
  { now = Date.now, random = Math.random }: DrainOptions,
  { snapshot, attempts }: Work,
  error: Failure,
): Outcome {
  return { snapshot, outcome: 'retry', error, notBefore: now() + backOff(attempts, random) };
}
