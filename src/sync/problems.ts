/** A volume's problems as rows of a result. */
import { jsonPath } from '../core/paths.ts';
import type { Problem } from '../volume/contract.ts';
import type { ProblemRow } from './results.ts';

export const problemRow = ({ path, what, message }: Problem): ProblemRow => ({ ...jsonPath(path), what, message });

/** 14 where data of the store was missing or wrong, 3 where something else was skipped, 0 without problems. */
export function exitOfProblems(problems: readonly { what: string }[]): number {
  if (problems.some(({ what }) => what === 'damaged' || what === 'differs')) return 14;
  // A directory that edits kept where it is has an exit code of its own.
  return problems.some(({ what }) => what !== 'unsaved-changes') ? 3 : 0;
}
