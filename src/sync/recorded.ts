/** A session that fails after its records were taken: no later one tells of the conflicts that they brought. */
import { PlaitError } from '../core/errors.ts';
import type { Reporter } from '../core/reporter.ts';

const words = (count: number): string =>
  `${count === 1 ? '1 conflict was' : `${count} conflicts were`} recorded: \`plait conflicts list\``;

/** The error with `data.conflicts`. One that is not ours yet (of the disk, an interruption) stays; a warning tells then. */
export function withRecorded(error: unknown, conflicts: number, reporter: Reporter): unknown {
  if (conflicts === 0) return error;
  if (!(error instanceof PlaitError)) {
    reporter.warn(words(conflicts));
    return error;
  }
  const { code, message, hint, data } = error;
  return new PlaitError(code, message, { hint, data: { ...data, conflicts }, cause: error });
}

/** `hint`: what the error says itself, or what is said of its code. */
export function hintWithRecorded(hint: string | undefined, data: PlaitError['data']): string | undefined {
  const count = data?.conflicts;
  if (typeof count !== 'number') return hint;
  return hint === undefined ? words(count) : `${hint}; ${words(count)}`;
}
