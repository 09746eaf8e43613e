/** The error body `{error: {code, message, hint, data}}` of every answer that is not 2xx. */
import { type ErrorCode, isErrorCode, PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import { MAX_TEXT_CHARS } from './limits.ts';
import type { Schema } from './schema.ts';

export interface ErrorBody {
  error: { code: ErrorCode; message: string; hint?: string; data?: Record<string, unknown> };
}

export const errorBody: Schema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string', description: 'one of the table of errors' },
        message: { type: 'string' },
        hint: { type: 'string' },
        data: { type: 'object', description: 'facts for programs' },
      },
    },
  },
};

export function encodeError(error: PlaitError): ErrorBody {
  const { code, message, hint, data } = error;
  return { error: { code, message, ...(hint !== undefined && { hint }), ...(data && { data }) } };
}

/**
 * The error that a peer reported, its texts marked as the peer's and made harmless for a terminal. Undefined when the
 * text is no error body. A code that we do not know becomes `unexpected`, so that newer hubs can add codes.
 */
export function decodeError(text: string): PlaitError | undefined {
  const body = parse(text);
  const error = isRecord(body) ? body.error : undefined;
  if (!isRecord(error) || typeof error.message !== 'string') return undefined;
  const code = isErrorCode(error.code) ? error.code : 'unexpected';
  return new PlaitError(code, `remote: ${shown(error.message)}`, {
    ...(typeof error.hint === 'string' && { hint: `remote: ${shown(error.hint)}` }),
    ...(isRecord(error.data) && { data: error.data }),
  });
}

const shown = (text: string): string => showText(text.slice(0, MAX_TEXT_CHARS));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `data` is not checked by any schema, so a member named `__proto__` is dropped while parsing. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text, (key, value) => (key === '__proto__' ? undefined : value));
  } catch {
    return undefined;
  }
}
