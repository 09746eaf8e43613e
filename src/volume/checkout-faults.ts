/** What went wrong for one path of a checkout, and what stops the whole of it. */
import { codeOfErrno, PlaitError } from '../core/errors.ts';
import type { PathKey } from '../core/paths.ts';
import type { StepContext } from './checkout-context.ts';
import { errnoOf, notWritten, problem } from './problems.ts';

/** These mean the whole disk, not one file: the checkout stops and is finished later. */
export const isGeneral = (errno: string | undefined): boolean =>
  errno === 'ENOSPC' ||
  errno === 'EDQUOT' ||
  errno === 'EROFS' ||
  errno === 'EIO' ||
  errno === 'EMFILE' ||
  errno === 'ENFILE';

export class Faults {
  /** Paths that could not be written, with the errno; each has a problem in the result. */
  readonly failed = new Map<PathKey, string | undefined>();
  readonly #context: StepContext;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** False where it failed; that is noted then. */
  attempt(path: PathKey, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (code !== 'ENOENT' || this.#context.resume === undefined)
        this.fail(path, code, (error as Error).message, error);
      return false;
    }
  }

  /** Throws where the whole disk is meant. */
  fail(path: PathKey, errno: string | undefined, message: string, cause?: unknown): void {
    if (isGeneral(errno)) throw this.general(cause ?? Object.assign(new Error(message), { code: errno }));
    this.failed.set(path, errno);
    const why = `could not be written (${errno ?? message}); the snapshot still holds it`;
    this.#context.result.problems.push(problem(path, notWritten(errno), why));
  }

  general(cause: unknown): PlaitError {
    const errno = errnoOf(cause);
    return new PlaitError(codeOfErrno(errno) ?? 'io', `the checkout stopped: ${(cause as Error).message}`, {
      hint: 'make room or fix the disk; the next command finishes the checkout',
      cause,
    });
  }
}
