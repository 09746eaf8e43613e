/** What is left of a clone that was cut off. */
import { PlaitError } from '../core/errors.ts';

/** Key of a setting that is there while a clone is not finished: the only directory that a clone may continue in. */
export const UNFINISHED = 'clone.unfinished';

/** A failure that is worth another try keeps what has come, which the user should know. */
export function withContinuation(error: unknown): unknown {
  if (!(error instanceof PlaitError) || !error.retryable) return error;
  const again = 'what has come is kept: the same `plait clone` again goes on from there';
  const hint = error.hint === undefined ? again : `${error.hint}; ${again}`;
  return new PlaitError(error.code, error.message, { hint, data: error.data, cause: error });
}
