/** Things that happened to one path. They are data: the rest goes on. */
import { type PathKey, showPath } from '../core/paths.ts';
import type { Problem } from './contract.ts';

export const errnoOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

/** `what` is the word for programs; `why` completes "PATH: …" for people. */
export const problem = (path: PathKey, what: string, why: string): Problem => ({
  path,
  what,
  message: `${path === '' ? '.' : showPath(path)}: ${why}`,
});

export const unreadable = (path: PathKey, error: unknown): Problem =>
  problem(
    path,
    'unreadable',
    `cannot be read (${errnoOf(error) ?? String((error as Error)?.message)}); kept as it was`,
  );

/** Why a file could not be put there: without an errno it is not the disk that refused, but the store's own data. */
export const notWritten = (errno: string | undefined): string => (errno === undefined ? 'damaged' : 'not-written');
