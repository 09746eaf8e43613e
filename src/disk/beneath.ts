/**
 * Reaching a file below a root without ever following a link on the way. On Linux each directory is opened with
 * O_DIRECTORY | O_NOFOLLOW relative to its parent's descriptor (`/proc/self/fd/N/name`), so a component that flips to a
 * symlink between check and use is refused by the kernel. Where /proc is missing every component is checked with lstat
 * just before use; that leaves a window, which docs/design.md names.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { baseName, type PathKey, parentKey, ROOT } from '../core/paths.ts';

/** A path for fs calls: a string where that is exact, else the raw bytes. */
export type OsPath = string | Buffer;

const DIR_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
/** Descriptors kept open per Beneath; walk order and pack order both stay within a few directories. */
const MAX_OPEN = 32;

/** True where `/proc/self/fd` can be worked in. */
function probeProc(): boolean {
  try {
    const fd = openSync('/proc/self/fd', constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      return readdirSync(`/proc/self/fd/${fd}`).length > 0;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

let procWorks: boolean | undefined;

/** Latin1 text (one byte per character) as a path that reaches the system as exactly these bytes. */
export const rawPath = (text: string): OsPath => (/[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'latin1') : text);

/** The bytes of a user-given root as latin1 text, so that keys can be appended to it. */
export const rootText = (root: string): string => Buffer.from(root, 'utf8').toString('latin1');

/** An error that looks like the kernel's. */
const errno = (code: string, key: PathKey): NodeJS.ErrnoException =>
  Object.assign(new Error(`${code}: a part of the path is not a directory: ${JSON.stringify(key)}`), { code });

export class Beneath {
  readonly #root: string;
  readonly #proc: boolean;
  /** Directory key -> descriptor, least recently used first. */
  readonly #open = new Map<PathKey, number>();

  /** `root` itself may be reached through links: it is the user's own choice. `proc: false` forces the fallback. */
  constructor(root: string, options: { proc?: boolean } = {}) {
    this.#root = rootText(root);
    procWorks ??= probeProc();
    this.#proc = options.proc ?? procWorks;
  }

  /**
   * A path for `key` whose parent is sure to be a real directory below the root; its last component may be anything
   * or nothing, so use only calls that do not follow it. Valid until the next call. Throws with the errno (`ENOENT`,
   * `ENOTDIR`, `ELOOP`) when the parent is not there or not a directory.
   */
  path(key: PathKey): OsPath {
    if (key === ROOT) return this.dirPath(ROOT);
    const parent = parentKey(key);
    if (!this.#proc) {
      this.#checkParents(parent);
      return rawPath(`${this.#root}/${key.replaceAll('\0', '/')}`);
    }
    return rawPath(`/proc/self/fd/${this.#dir(parent)}/${baseName(key)}`);
  }

  /** Like `path`, but stays valid while other paths are asked for, until it is disposed. */
  pin(key: PathKey): { path: OsPath } & Disposable {
    if (!this.#proc) return { path: this.path(key), [Symbol.dispose]: () => {} };
    const fd = openSync(this.dirPath(parentKey(key)), DIR_FLAGS & ~(constants.O_NOFOLLOW ?? 0));
    return { path: rawPath(`/proc/self/fd/${fd}/${baseName(key)}`), [Symbol.dispose]: () => closeSync(fd) };
  }

  /** The directory `key` itself, for listing. */
  dirPath(key: PathKey): OsPath {
    if (!this.#proc) {
      this.#checkParents(key);
      return rawPath(key === ROOT ? this.#root : `${this.#root}/${key.replaceAll('\0', '/')}`);
    }
    return `/proc/self/fd/${this.#dir(key)}`;
  }

  /** Forgets descriptors of `key` and of everything below it; needed after removing or replacing a directory. */
  drop(key: PathKey): void {
    for (const [path, fd] of this.#open) {
      if (key !== ROOT && path !== key && !path.startsWith(`${key}\0`)) continue;
      this.#open.delete(path);
      closeSync(fd);
    }
  }

  close(): void {
    this.drop(ROOT);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #dir(key: PathKey): number {
    const known = this.#open.get(key);
    if (known !== undefined) {
      this.#open.delete(key);
      this.#open.set(key, known);
      return known;
    }
    const at =
      key === ROOT ? rawPath(this.#root) : rawPath(`/proc/self/fd/${this.#dir(parentKey(key))}/${baseName(key)}`);
    const flags = key === ROOT ? DIR_FLAGS & ~(constants.O_NOFOLLOW ?? 0) : DIR_FLAGS;
    const fd = openSync(at, flags);
    this.#open.set(key, fd);
    if (this.#open.size > MAX_OPEN) this.#evict();
    return fd;
  }

  #evict(): void {
    for (const [path, fd] of this.#open) {
      this.#open.delete(path);
      closeSync(fd);
      return;
    }
  }

  #checkParents(dir: PathKey): void {
    let end = 0;
    while (end < dir.length) {
      const next = dir.indexOf('\0', end);
      const part = next < 0 ? dir : dir.slice(0, next);
      const stat = lstatSync(rawPath(`${this.#root}/${part.replaceAll('\0', '/')}`));
      if (stat.isSymbolicLink()) throw errno('ELOOP', part as PathKey);
      if (!stat.isDirectory()) throw errno('ENOTDIR', part as PathKey);
      end = next < 0 ? dir.length : next + 1;
    }
  }
}
