/** A volume's problems as rows of a result. */
import { jsonPath } from '../core/paths.ts';
import type { Problem } from '../volume/contract.ts';
import type { ProblemRow } from './results.ts';

export const problemRow = ({ path, what, message }: Problem): ProblemRow => ({ ...jsonPath(path), what, message });

/** 14 where data of the store was missing or wrong, 3 where something else was skipped, 0 without problems. */
export const exitOfProblems = (problems: readonly { what: string }[]): number =>
  problems.some(({ what }) => what === 'damaged') ? 14 : problems.length > 0 ? 3 : 0;
