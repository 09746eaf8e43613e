/** A volume's problems as rows of a result. */
import { jsonPath, showPath } from '../core/paths.ts';
import type { Problem } from '../volume/contract.ts';
import type { ProblemRow } from './results.ts';

export const problemRow = ({ path, what, message }: Problem): ProblemRow => ({ ...jsonPath(path), what, message });

export const problemLine = ({ path, message }: Problem): string => `${showPath(path)}: ${message}`;
