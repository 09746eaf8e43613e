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

/**
 * Something was dropped, and what follows it has not come. A large push of a compacted log is taken in by parts, and
 * what is read of a feed at once may end between the two; to hide an edit a remote would do the same.
 */
export function unlessHalfTold(error: unknown): undefined {
  if (!(error instanceof PlaitError) || error.data?.reason !== 'unfollowed-past') throw error;
}

/** Nothing of it was taken, and it is asked for again until all is there. */
export const halfTold = (remote: string): PlaitError =>
  new PlaitError('behind', `${remote} does not hold what follows some of its records`, {
    hint: 'a push to it is under way, or was cut off: it can be followed once that is finished',
  });
