/**
 * The composition root: what one run of a command works with. Stores, workers and peers are opened when they are first
 * asked for, by dynamic import, so that a light command pays for nothing that it does not use.
 */
import { resolve } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { type Reporter, silentReporter } from '../core/reporter.ts';
import type { ConfigStore } from './config-store.ts';
import type { Io } from './io.ts';
import type { ProgressMode } from './reporter/select.ts';

/** Where the user stands: known before any setting is read, since settings are in the store. */
export interface Place {
  /** Absolute: -C, or the current folder. */
  dir: string;
  /** Absolute: --store, if given. */
  store?: string;
}

/** The global flags after environment, config and defaults. */
export interface Options {
  json: boolean;
  quiet: boolean;
  progress: ProgressMode;
  lockWaitMs: number;
}

export const DEFAULT_OPTIONS: Options = { json: false, quiet: false, progress: 'auto', lockWaitMs: 60_000 };

export class Context implements AsyncDisposable {
  readonly io: Io;
  readonly place: Place;
  readonly signal: AbortSignal;
  options: Options = DEFAULT_OPTIONS;
  reporter: Reporter = silentReporter;
  #closers: (() => void | Promise<void>)[] = [];

  constructor(io: Io, place: Place, signal: AbortSignal) {
    this.io = io;
    this.place = place;
    this.signal = signal;
  }

  /** A path as the user typed it, from where the user stands. */
  path(text: string): string {
    return resolve(this.place.dir, text);
  }

  /** The settings of the store in reach; undefined without a store. */
  async findConfig(): Promise<ConfigStore | undefined> {
    return undefined;
  }

  async readConfig(): Promise<ConfigStore> {
    const config = await this.findConfig();
    if (config) return config;
    throw new PlaitError('no-store', 'no store here: settings are kept in a store', {
      hint: 'go into a working directory, name one with -C DIR or a store with --store DIR, or make one with `plait init`',
    });
  }

  /** Something to be closed at the end of the run, last opened first, whatever happened. */
  onClose(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}
