/**
 * Which names are legal. File names are bytes (one character per byte, see paths.ts); names of branches, volume sets,
 * remotes and snapshots are text. Functions answer with the reason why not, or undefined.
 */
import { MAX_NAME, MAX_PATH, type PathKey } from './paths.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const isAscii = (text: string): boolean => !/[^\x00-\x7f]/.test(text);

/** Text of a name's bytes; undefined where they are not UTF-8. */
function textOfName(name: string): string | undefined {
  if (isAscii(name)) return name;
  try {
    return utf8.decode(Buffer.from(name, 'latin1'));
  } catch {
    return undefined;
  }
}

// Two rounds of case mapping fold what one leaves apart (long s, dotless i, the Kelvin sign).
const foldCase = (text: string): string => text.toLowerCase().toUpperCase().toLowerCase();

/** Equal for two names that a case-folding or normalising file system takes for one. Names that are not UTF-8 fold by ASCII case. */
export function foldName(name: string): string {
  const text = textOfName(name);
  if (text === undefined) return name.replace(/[A-Z]/g, (c) => c.toLowerCase());
  return foldText(text);
}

/** The same for text. */
export const foldText = (text: string): string =>
  isAscii(text) ? text.toLowerCase() : foldCase(text.normalize('NFD')).normalize('NFC');

const IGNORABLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu;

/**
 * True for every name that some file system takes for `.plait`: other case, composed and compatibility forms, with
 * ignorable characters, trailing dots or spaces, a stream suffix, or its short name on Windows. Wider than `foldName`
 * on purpose: a store must never be written into by data.
 */
export function isReservedName(name: string): boolean {
  if (name.length < 6) return false;
  let text = name;
  if (!isAscii(name)) {
    const decoded = textOfName(name);
    if (decoded === undefined) return false;
    text = foldCase(decoded.normalize('NFKC').replace(IGNORABLE, '')).normalize('NFKC').replace(IGNORABLE, '');
  }
  return /^\s*(?:\.plait[. ]*(?::.*)?|plait~[0-9]+[. ]*(?::.*)?)$/is.test(text);
}

/** Why bytes from a peer or a disk may not be one component of a path. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'an empty name';
  if (name === '.' || name === '..') return `the name "${name}"`;
  if (name.length > MAX_NAME) return `a name longer than ${MAX_NAME} bytes`;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if (c === 0 || c === 0x2f) return 'a name that holds NUL or "/"';
    if (c > 255) return 'a name that is not bytes';
  }
  return isReservedName(name) ? 'a name that is reserved for stores' : undefined;
}

/** Why a path may not be in a snapshot. */
export function pathFault(path: PathKey): string | undefined {
  if (path.length > MAX_PATH) return `a path longer than ${MAX_PATH} bytes`;
  for (const name of path.split('\0')) {
    const fault = nameFault(name);
    if (fault) return fault;
  }
  return undefined;
}

export const isLegalPath = (path: PathKey): boolean => pathFault(path) === undefined;

// CON, NUL … are devices in every folder of Windows, with any extension.
const DEVICE =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$|clock\$) *(?:[.:].*)?$/is;

/**
 * Why a legal name cannot be written as it is on a platform (`process.platform`). Everything legal can be on Linux;
 * elsewhere a checkout skips the file with a problem rather than write another name.
 */
export function unsafeOn(platform: string, name: string): string | undefined {
  const fault = nameFault(name);
  if (fault) return fault;
  if (platform !== 'win32' && platform !== 'darwin') return undefined;
  const text = textOfName(name);
  if (text === undefined) return 'the name is not UTF-8';
  if (platform === 'darwin') return undefined;
  if (/[\\/]/.test(text)) return 'a backslash separates folders on Windows';
  if (/[<>:"|?*\x00-\x1f]/.test(text)) return 'the name holds a character that Windows refuses';
  if (/[. ]$/.test(text)) return 'Windows drops a trailing dot or space';
  return DEVICE.test(text) ? 'the name is a device on Windows' : undefined;
}

export type NameKind = 'branch' | 'volset' | 'remote' | 'snapshot';
/** Longest name of an object in UTF-16 code units. */
export const MAX_OBJECT_NAME = 255;

/** Why text may not name an object (docs/cli.md, "References"). Remotes are compared where the caller passes them. */
export function objectNameFault(kind: NameKind, name: string, remotes: Iterable<string> = []): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > MAX_OBJECT_NAME) return `it is longer than ${MAX_OBJECT_NAME} characters`;
  if (!name.isWellFormed()) return 'it is not well-formed text';
  const bad = /[~:@]/.exec(name);
  if (bad) return `it holds "${bad[0]}"`;
  if (/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.test(name))
    return 'it holds a space, a control or an invisible character';
  if (/^[-.]/.test(name)) return `it begins with "${name[0]}"`;
  if (kind === 'snapshot') return /^[0-9a-f]{64}$/i.test(name) ? 'it looks like an id' : undefined;
  if (/^[0-9a-f]{7,}$/i.test(name)) return 'it looks like an id (7 or more hex digits)';
  if (kind === 'remote' && name.includes('/')) return 'it holds "/"';
  if (/^\/|\/$|\/\//.test(name)) return 'it has an empty part beside "/"';
  for (const remote of remotes) if (name.startsWith(`${remote}/`)) return `it begins with the remote "${remote}/"`;
  return undefined;
}

/** A legal name as near as possible to some text, for names taken from a directory or a URL. */
export function nameFromText(text: string, fallback: string): string {
  const name = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\s~:@\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}/\\]+/gu, '-')
    .replace(/^[-.]+|-+$/g, '')
    .slice(0, 100)
    .toWellFormed();
  if (/^[0-9a-f]{7,}$/i.test(name)) return `data-${name}`;
  return objectNameFault('volset', name) === undefined ? name : fallback;
}

export interface Named {
  id: string;
  name: string;
  /** Stamp of the write that gave the name. */
  stamp: string;
}

/**
 * Shown names, by id: unique, derived, never written. Of several objects with one name, the one with the smallest
 * (stamp, id) shows it; each other shows `NAME.<id prefix>`, at least 4 digits, as many as needed.
 */
export function displayNames(objects: Iterable<Named>): Map<string, string> {
  const sorted = [...objects].sort(
    (a, b) => compare(a.name, b.name) || compare(a.stamp, b.stamp) || compare(a.id, b.id),
  );
  const shown = new Map<string, string>();
  const taken = new Set<string>();
  const losers: Named[] = [];
  for (const object of sorted) {
    if (taken.has(object.name)) losers.push(object);
    else {
      taken.add(object.name);
      shown.set(object.id, object.name);
    }
  }
  losers.sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
  losers.forEach((object, i) => {
    // As many digits as set it apart from its neighbours of the same name on either side, then from other names.
    const neighbours = [losers[i - 1], losers[i + 1]].filter((other) => other?.name === object.name);
    let length = Math.max(4, ...neighbours.map((other) => commonPrefix(object.id, other.id) + 1));
    while (length < object.id.length && taken.has(`${object.name}.${object.id.slice(0, length)}`)) length++;
    const name = `${object.name}.${object.id.slice(0, length)}`;
    taken.add(name);
    shown.set(object.id, name);
  });
  return shown;
}

function commonPrefix(a: string, b: string): number {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
