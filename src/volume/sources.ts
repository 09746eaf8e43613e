/** The files that a merge wants read, found as they are asked for: one call a file, a promise only now and then. */
import { setImmediate } from 'node:timers/promises';
import type { FileSource } from '../core/files.ts';
import type { ChangesOptions } from './contract.ts';
import type { Merge } from './merge.ts';

/** How many paths are looked at before other work of the process gets its turn. */
const BREATH = 8192;

type Step = IteratorResult<FileSource, undefined>;
const END: Step = { done: true, value: undefined };

export class Sources implements AsyncIterableIterator<FileSource, undefined, undefined> {
  readonly #merge: Merge;
  readonly #options: Pick<ChangesOptions, 'signal' | 'onProgress'>;
  #first: Step | undefined;
  #ended = false;

  constructor(merge: Merge, options: Pick<ChangesOptions, 'signal' | 'onProgress'>) {
    this.#merge = merge;
    this.#options = options;
  }

  /** Looks for the first one. */
  async any(): Promise<boolean> {
    this.#first = await this.next();
    return this.#first.done !== true;
  }

  /** What is at hand comes without a promise (see core/flat.ts). */
  next(): Promise<Step> {
    const step = this.#first ?? this.#look();
    this.#first = undefined;
    return (step ?? this.#lookOn()) as Promise<Step>;
  }

  async return(): Promise<Step> {
    this.#ended = true;
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #lookOn(): Promise<Step> {
    for (;;) {
      await setImmediate();
      const step = this.#look();
      if (step !== undefined) return step;
    }
  }

  /** undefined: nothing found in the last BREATH paths. */
  #look(): Step | undefined {
    if (this.#ended) return END;
    const { signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    const source = this.#merge.run(BREATH);
    if (source === 'pause' || source === 'end' || this.#merge.scanned % 64 === 0) {
      onProgress?.({ scanned: this.#merge.scanned, path: this.#merge.path });
    }
    if (source === 'pause') return undefined;
    if (source !== 'end') return { done: false, value: source };
    this.#ended = true;
    return END;
  }
}
