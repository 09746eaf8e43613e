/** A real metadata store on a file whose process dies at some write, before or after it, and comes back. */
import { copyFileSync } from 'node:fs';
import { type MetaStore, openMetaStore } from '../../../src/meta/index.ts';

export class Crash extends Error {}

const WRITES: ReadonlySet<string> = new Set([
  'commit',
  'setBlobs',
  'seal',
  'enqueue',
  'settle',
  'requeue',
  'unqueue',
] satisfies (keyof MetaStore)[]);

export class CrashingStore {
  #path: string;
  #store: MetaStore;
  /** Halves of writes until it dies: an even number of them before a write, an odd one after it. */
  fuse = Number.POSITIVE_INFINITY;
  readonly meta: MetaStore;

  constructor(path: string) {
    this.#path = path;
    this.#store = openMetaStore({ path, create: true });
    this.meta = new Proxy({} as MetaStore, {
      get: (_, name: keyof MetaStore) => {
        const member = this.#store[name];
        if (typeof member !== 'function' || typeof name !== 'string' || !WRITES.has(name)) return member;
        return (...args: unknown[]) => {
          this.#burn();
          const answer = (member as (...a: unknown[]) => unknown).apply(this.#store, args);
          this.#burn();
          return answer;
        };
      },
    });
  }

  /** What was in memory is gone; what was committed is not. */
  restart(path = this.#path): void {
    this.#store[Symbol.dispose]();
    this.#path = path;
    this.#store = openMetaStore({ path });
    this.fuse = Number.POSITIVE_INFINITY;
  }

  copyTo(path: string): void {
    this.#store[Symbol.dispose]();
    copyFileSync(this.#path, path);
    this.#store = openMetaStore({ path: this.#path });
  }

  close(): void {
    this.#store[Symbol.dispose]();
  }

  #burn(): void {
    if (this.fuse-- > 0) return;
    throw new Crash('the process died');
  }
}
