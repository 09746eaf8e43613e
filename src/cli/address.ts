/** Where a remote is, as people write it: the URL of a hub, or the path of a store on this machine. */
import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { showText } from '../core/paths.ts';
import { parseHubUrl } from '../remote/url.ts';
import { formatFile, holdsStore } from '../sync/store.ts';
import { readDotPlait } from '../volume/state.ts';
import type { Context } from './context.ts';

export interface Address {
  /** What is kept: a hub's origin, or an absolute path. */
  url: string;
  /** Name or id of the volset, if it was named as well. */
  volset?: string;
}

/** Of what parseAddress gave: a path, not a URL. */
export const isPath = (url: string): boolean => isAbsolute(url);

/** Anything with a colon before its first slash is meant as a URL: a path with one in its name is written `./a:b`. */
const isUrl = (text: string): boolean => /^[^/]*:/.test(text);

/** `URL[/VOLSET]` or `PATH[/VOLSET]`; a path must hold a store now, for only that tells where the volset's name begins. */
export function parseAddress(context: Pick<Context, 'path'>, text: string): Address {
  if (/^file:/i.test(text)) {
    throw new PlaitError('usage', `not a hub's URL: ${showText(text)}`, {
      hint: 'for a store on this machine write its path, like /mnt/usb/store',
    });
  }
  // An empty variable of a script; as a path it would be the directory where the user stands.
  if (text === '') {
    throw new PlaitError('usage', 'the address of the remote is empty', {
      hint: 'write http://HOST:PORT/VOLSET, or the path of a store, like /mnt/usb/store',
    });
  }
  if (isUrl(text)) {
    const { origin, volset } = parseHubUrl(text);
    return volset === undefined ? { url: origin } : { url: origin, volset };
  }
  const path = context.path(text);
  if (storeAt(path) !== undefined) return { url: path };
  if (storeAt(dirname(path)) !== undefined) return { url: dirname(path), volset: basename(path) };
  throw new PlaitError('no-store', `there is no store at ${showText(path)}`, {
    hint: `plug its disk in, or make one with \`plait init --bare ${showText(path)}\`; for a hub write http://HOST:PORT/VOLSET`,
    data: { path },
  });
}

/** The store that a path names: itself, or that of the working directory there. Never one further up. */
export function storeAt(dir: string): string | undefined {
  return looked(dir, () => {
    if (holdsStore(dir)) return dir;
    const store = readDotPlait(dir)?.store;
    return store !== undefined && holdsStore(store) ? store : undefined;
  });
}

/** A disk that was pulled out, or does not answer, holds nothing; what we may not look at is another matter. */
function looked<T>(dir: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof PlaitError || code === undefined) throw error;
    if (code !== 'EACCES') return undefined;
    throw new PlaitError('forbidden', `${showText(dir)} may not be read`, {
      hint: 'run plait as the user whom the store belongs to',
      cause: error,
    });
  }
}

/** Device and inode: one store, whatever path leads to it, as long as its disk is not unmounted. */
export function placeOf(dir: string): string | undefined {
  return looked(dir, () => {
    const stat = statSync(formatFile(dir), { throwIfNoEntry: false, bigint: true });
    return stat && `${stat.dev}:${stat.ino}`;
  });
}

export function sameStore(a: string, b: string): boolean {
  const place = placeOf(a);
  return place !== undefined && (place === placeOf(b) || realpathSync(a) === realpathSync(b));
}
