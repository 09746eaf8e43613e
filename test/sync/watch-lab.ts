/** A watcher in this process: what it told, and waiting for what it will tell. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoredFile } from '../../src/core/files.ts';
import type { Engine } from '../../src/sync/engine.ts';
import type { WatchEvent } from '../../src/sync/watch/events.ts';
import { type WatchOptions, watch } from '../../src/sync/watch/watch.ts';

/** Far beyond what any step takes on a machine that is busy with other things. */
const LIMIT_MS = 40_000;

export const volsetOf = (engine: Engine) => engine.volume!.state.volset;
export const snapshots = (engine: Engine): number => engine.meta.findVolset(volsetOf(engine))?.snapshots ?? 0;

export class Watching implements AsyncDisposable {
  readonly events: WatchEvent[] = [];
  readonly engine: Engine;
  /** Settles when the watcher has ended. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();
  #over = false;
  #read = 0;
  #heard: () => void = () => {};

  constructor(engine: Engine, options: Partial<WatchOptions> = {}) {
    this.engine = { ...engine, signal: this.#stop.signal };
    const quick = { quietMs: 30, maxDelayMs: 10_000, backOff: { firstMs: 10, longestMs: 50 }, maxDelete: 0.5 };
    this.ended = watch(this.engine, { ...quick, ...options }, async (event) => {
      this.events.push(event);
      this.#heard();
    }).finally(() => {
      this.#over = true;
      this.#heard();
    });
    this.ended.catch(() => {});
  }

  /** The next event of that kind behind those that were asked for already. */
  async next<E extends WatchEvent['event']>(kind: E): Promise<Extract<WatchEvent, { event: E }>> {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      while (this.#read < this.events.length) {
        const event = this.events[this.#read++];
        if (event.event === kind) return event as Extract<WatchEvent, { event: E }>;
      }
      assert.ok(!this.#over, `ended without ${kind}: ${this.story()}`);
      const left = end - performance.now();
      assert.ok(left > 0, `no ${kind} came: ${this.story()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  count(kind: WatchEvent['event']): number {
    return this.events.filter(({ event }) => event === kind).length;
  }

  story(): string {
    return JSON.stringify(this.events.map(({ event, ...rest }) => [event, 'message' in rest ? rest.message : '']));
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped by the test'));
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('stopped by the test'));
    await this.ended.catch(() => {});
  }
}

export interface Meddling {
  /** Each time that files are about to be looked through. */
  look?: () => void;
  /** Between the look at a file and its reading. */
  read?: () => void;
  /** True: it turns out to be written to just then. */
  isBusy?: (path: string) => boolean;
}

/** The same engine, with something happening on the way. */
export function meddledWith(engine: Engine, { look, read, isBusy }: Meddling): Engine {
  const { blob } = engine;
  async function* each<T>(files: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
    for await (const file of files) {
      read?.();
      yield file;
    }
  }
  async function* results(files: AsyncIterable<StoredFile>): AsyncGenerator<StoredFile> {
    for await (const file of files) yield isBusy?.(file.path) ? { path: file.path, status: 'changed' } : file;
  }
  const writer: typeof blob.writer = (...args) => {
    look?.();
    const inner = blob.writer(...args);
    return withMethods(inner, { ingest: (root, files) => results(inner.ingest(root, each(files))) });
  };
  return { ...engine, blob: withMethods(blob, { writer }) };
}

function withMethods<T extends object>(inner: T, methods: Partial<T>): T {
  return new Proxy(inner, {
    get(target, key) {
      const value = Reflect.get(methods, key) ?? Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + LIMIT_MS; !(await holds()); await sleep(5)) {
    assert.ok(performance.now() < end, `not within ${LIMIT_MS} ms: ${what}`);
  }
}
