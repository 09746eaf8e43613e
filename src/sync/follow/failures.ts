/** Whatever was thrown, as the follower's machine takes it. */
import { codeOfErrno, PlaitError } from '../../core/errors.ts';
import type { Failure } from '../../core/follow.ts';

export function asFailure(error: unknown): Failure {
  if (error instanceof PlaitError) {
    const { code, message, hint } = error;
    return { code, message, ...(hint !== undefined && { hint }) };
  }
  const errno = (error as NodeJS.ErrnoException | undefined)?.code;
  const message = error instanceof Error ? error.message : String(error);
  return { code: codeOfErrno(errno) ?? 'unexpected', message };
}

/** A feed that ended in good order. */
export const ENDED: Failure = { code: 'network', message: 'the hub ended the feed: it stops' };

/** What is read of a feed at once may end between a record that was dropped and what follows it; a session tells. */
export function unlessHalfTold(error: unknown): undefined {
  if (!(error instanceof PlaitError) || error.data?.reason !== 'unfollowed-past') throw error;
}
