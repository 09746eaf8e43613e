/** Paths in queries: base64url of their raw bytes, `/` separated, since names are bytes and not text. */
import { PlaitError } from '../core/errors.ts';
import { pathFault } from '../core/names.ts';
import { keyOfBytes, MAX_PATH, type PathKey, ROOT } from '../core/paths.ts';
import type { Schema } from './schema.ts';

export const MAX_QUERY_PATH = Math.ceil((MAX_PATH * 4) / 3);

export const queryPath: Schema = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]*$',
  maxLength: MAX_QUERY_PATH,
  description: 'a path: base64url of its raw bytes, `/` separated',
};

export const encodeQueryPath = (path: PathKey): string =>
  Buffer.from(path.replaceAll('\0', '/'), 'latin1').toString('base64url');

/** '' is the root. Throws `protocol` for what is no path that a snapshot can have, or is written in another way. */
export function decodeQueryPath(text: string): PathKey {
  if (text === '') return ROOT;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw noPath('it is not base64url');
  if (bytes.includes(0)) throw noPath('a name that holds NUL');
  const path = keyOfBytes(bytes);
  const fault = pathFault(path);
  if (fault !== undefined) throw noPath(fault);
  return path;
}

const noPath = (why: string): PlaitError =>
  new PlaitError('protocol', `the query names no path: ${why}`, {
    hint: 'a path is base64url of its raw bytes, with / between names, without padding',
  });
