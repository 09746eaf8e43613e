/**
 * Paths inside a snapshot. Names are bytes, not text: a PathKey holds one byte per character (latin1) and joins its
 * components with NUL, which no file name can contain. Plain string comparison of keys is therefore the walk order of
 * the format: a directory is followed at once by everything below it, before any longer sibling name.
 */
declare const brand: unique symbol;
export type PathKey = string & { readonly [brand]: 'PathKey' };

export const ROOT = '' as PathKey;

/** Longest path and name in bytes that the format accepts. */
export const MAX_PATH = 4096;
export const MAX_NAME = 255;

const isAscii = (text: string): boolean => !/[^\x00-\x7f]/.test(text);

/** From text with `/` separators, as a user types it (UTF-8). */
export const keyOfText = (text: string): PathKey =>
  (isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')).replaceAll('/', '\0') as PathKey;

/** From the raw bytes of a relative path with `/` separators. */
export const keyOfBytes = (bytes: Uint8Array): PathKey =>
  Buffer.from(bytes).toString('latin1').replaceAll('/', '\0') as PathKey;

/** The operating system's form, `/` separated. A string where that is exact (ASCII), else bytes. */
export function osPath(key: PathKey): string | Buffer {
  const joined = key.replaceAll('\0', '/');
  return isAscii(joined) ? joined : Buffer.from(joined, 'latin1');
}

export const joinKey = (parent: PathKey, name: string): PathKey =>
  (parent === '' ? name : `${parent}\0${name}`) as PathKey;
export const parentKey = (key: PathKey): PathKey => key.slice(0, Math.max(0, key.lastIndexOf('\0'))) as PathKey;
export const baseName = (key: PathKey): string => key.slice(key.lastIndexOf('\0') + 1);
/** The least key behind `key`. */
export const nextKey = (key: PathKey): PathKey => `${key}\0` as PathKey;
/** The least key behind `key` and all that is below it. */
export const behindKey = (key: PathKey): PathKey => `${key}\x01` as PathKey;
/** True for `key` itself and everything below it; `/a` never touches `/ab`. */
export const isWithin = (key: PathKey, root: PathKey): boolean =>
  root === '' || key === root || (key.startsWith(root) && key.charCodeAt(root.length) === 0);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON form: `path` for reading, `pathBase64` (exact bytes) only where the name is not UTF-8. */
export function jsonPath(key: PathKey): { path: string; pathBase64?: string } {
  const bytes = Buffer.from(key.replaceAll('\0', '/'), 'latin1');
  if (isAscii(key)) return { path: bytes.toString('latin1') };
  try {
    return { path: utf8.decode(bytes) };
  } catch {
    return { path: bytes.toString('utf8'), pathBase64: bytes.toString('base64') };
  }
}

// C0, C1, DEL, bidi controls and line separators would let a name rewrite the terminal line that shows it.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** For people: control and direction characters are escaped, undecodable bytes shown as \xNN, quoted where that was needed. */
export function showPath(key: PathKey): string {
  const { path, pathBase64 } = jsonPath(key);
  if (pathBase64 !== undefined) {
    const text = key
      .replaceAll('\0', '/')
      .replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
    return `"${text}"`;
  }
  return showText(path);
}

/** The same for any text that came from elsewhere: branch names, server messages. */
export function showText(text: string): string {
  if (text.search(UNSAFE) < 0) return text;
  const escaped = text.replace(UNSAFE, (c) =>
    c === '\n'
      ? '\\n'
      : c === '\t'
        ? '\\t'
        : c === '\r'
          ? '\\r'
          : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
