/** Whether one file was there at any time: also one that came and went while nobody looked. */
import { lstatSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { rootText } from '../../disk/beneath.ts';
import { type DirectoryWatch, type WatchDirectory, watchDirectory } from './directory-watch.ts';

export const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Changes whenever something is made in the directory or goes from it. */
function timeOf(dir: string): bigint | undefined {
  return lstatSync(dir, { bigint: true, throwIfNoEntry: false })?.ctimeNs;
}

export class NameWatch implements Disposable {
  readonly #path: string;
  readonly #watch: DirectoryWatch | undefined;
  /** Where the system does not watch: anything that came into or went from the directory counts. */
  readonly #before: bigint | undefined;
  #touched = false;

  /** Watches from now on. */
  constructor(path: string, watch: WatchDirectory = watchDirectory) {
    this.#path = path;
    const name = rootText(basename(path));
    const touch = (): void => {
      this.#touched = true;
    };
    this.#before = timeOf(dirname(path));
    try {
      this.#watch = watch(rootText(dirname(path)), (heard) => (heard ?? name) === name && touch(), touch);
    } catch {
      this.#watch = undefined;
    }
    this.#touched = exists(path);
  }

  /** Was it there since we watch, or is it now? */
  async touched(): Promise<boolean> {
    // What the system has told by now is heard at the latest in the second turn of the loop.
    for (let turn = 0; turn < 2 && this.#watch; turn++) await setImmediate();
    if (this.#touched || exists(this.#path)) return true;
    return this.#watch === undefined && timeOf(dirname(this.#path)) !== this.#before;
  }

  [Symbol.dispose](): void {
    this.#watch?.close();
  }
}
