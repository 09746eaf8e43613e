/** What a session fails with that relied on data which gc took before it could commit. */
import { PlaitError } from './errors.ts';

/** `data.missing`: `KIND:ID` of each object, or of the first of many. */
export const collected = (data: { missing: string[] } & Record<string, unknown>): PlaitError =>
  new PlaitError('busy', 'Data that this command relied on was collected as garbage while it ran.', {
    hint: 'Run the command again.',
    data,
  });

/** Beginning again helps: what is missing is stored anew then. */
export const wasCollected = (error: unknown): boolean =>
  error instanceof PlaitError && error.code === 'busy' && Array.isArray(error.data?.['missing']);
