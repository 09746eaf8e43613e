/** Whether one file was there at any time: also one that came and went while nobody looked. */
import { lstatSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { rootText } from '../../disk/beneath.ts';
import { type DirectoryWatch, type WatchDirectory, watchDirectory } from './directory-watch.ts';

export const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

interface Glance {
  /** Which directory lies at the path. */
  id: string;
  /** Changes whenever something is made in it or goes from it. */
  time: bigint;
}

function glance(dir: string): Glance | undefined {
  const stat = statSync(dir, { bigint: true, throwIfNoEntry: false });
  return stat && { id: `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`, time: stat.ctimeNs };
}

/** The nearest directory there is around the file, and what is looked for in it: the file, or what leads to it. */
function around(path: string): { near: string; next: string } {
  let next = path;
  while (!exists(dirname(next)) && dirname(next) !== next) next = dirname(next);
  return { near: dirname(next), next };
}

export class NameWatch implements Disposable {
  readonly #path: string;
  readonly #near: string;
  readonly #watch: DirectoryWatch | undefined;
  readonly #before: Glance | undefined;
  #heard = false;
  #touched = false;

  /** Watches from now on. */
  constructor(path: string, watch: WatchDirectory = watchDirectory) {
    this.#path = path;
    const { near, next } = around(path);
    this.#near = near;
    const name = rootText(basename(next));
    // A directory that goes tells its own name.
    const self = rootText(basename(near));
    const touch = (): void => {
      this.#touched = true;
    };
    const onEvent = (heard: string | undefined, appeared: boolean): void => {
      this.#heard = true;
      if ((heard ?? name) === name || (appeared && heard === self)) touch();
    };
    try {
      this.#watch = watch(rootText(near), onEvent, touch);
    } catch {
      this.#watch = undefined;
    }
    this.#before = glance(near);
    if (exists(next)) touch();
  }

  /** Was it there since we watch, or is it now? */
  async touched(): Promise<boolean> {
    // What the system has told by now is heard at the latest in the second turn of the loop.
    for (let turn = 0; turn < 2 && this.#watch; turn++) await setImmediate();
    if (this.#touched || exists(this.#path)) return true;
    const now = glance(this.#near);
    if (now?.id !== this.#before?.id) return true;
    // Where the system does not watch, or has told nothing although something happened there (it forgets when it has
    // much to tell), anything that came or went may have been the file.
    return !this.#heard && now?.time !== this.#before?.time;
  }

  [Symbol.dispose](): void {
    this.#watch?.close();
  }
}
