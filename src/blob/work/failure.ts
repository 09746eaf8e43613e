/** Errors on their way out of a worker: a PlaitError as data, with the errno of a failed system call. */
import { codeOfErrno, PlaitError } from '../../core/errors.ts';
import type { WireError } from './protocol.ts';

export const errnoOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && !(error instanceof PlaitError) ? code : undefined;
};

export function toWire(error: unknown): WireError {
  if (error instanceof PlaitError) {
    const { code, message, hint, data } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), ...(data === undefined ? {} : { data }) };
  }
  const errno = errnoOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code: codeOfErrno(errno) ?? 'unexpected', message, ...(errno === undefined ? {} : { errno }) };
}
