/** A fixed set of worker threads, started when they are first needed; they keep the process alive only while they work. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { PlaitError } from '../../core/errors.ts';
import type { Request, Response, Runner, TaskName, Tasks, WireError } from './protocol.ts';

/** More threads than this only wait for the disk, and each costs about 10 MiB. */
const MAX_WORKERS = 16;

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

interface Thread {
  worker: Worker;
  waiting: Map<number, Waiting>;
}

export interface PoolOptions {
  /** Number of threads; default: one a core. */
  size?: number;
  /** What the threads run; for tests of threads that die. */
  entry?: URL;
}

/** `entry.ts` when run from source, `entry.js` when built. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url);

export class WorkerPool implements Runner {
  readonly size: number;
  readonly #threads: (Thread | undefined)[];
  readonly #entry: URL;
  #closed = false;
  #nextId = 1;

  constructor(options: PoolOptions = {}) {
    this.size = Math.max(1, options.size ?? Math.min(MAX_WORKERS, availableParallelism()));
    this.#entry = options.entry ?? ENTRY;
    this.#threads = new Array(this.size).fill(undefined);
  }

  idlest(): number {
    let best = 0;
    for (let n = 1; n < this.size; n++) if (this.#load(n) < this.#load(best)) best = n;
    return best;
  }

  #load(worker: number): number {
    return this.#threads[worker]?.waiting.size ?? 0;
  }

  run<K extends TaskName>(
    worker: number,
    name: K,
    input: Tasks[K]['in'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Tasks[K]['out']> {
    if (this.#closed) return Promise.reject(new PlaitError('interrupted', 'The worker pool is closed.'));
    const thread = this.#thread(worker);
    const request: Request = { id: this.#nextId++, name, input };
    return new Promise((resolve, reject) => {
      if (thread.waiting.size === 0) thread.worker.ref();
      thread.waiting.set(request.id, { resolve: resolve as (value: unknown) => void, reject });
      thread.worker.postMessage(request, transfer);
    });
  }

  #thread(index: number): Thread {
    const present = this.#threads[index];
    if (present !== undefined) return present;
    const thread: Thread = { worker: new Worker(this.#entry), waiting: new Map() };
    thread.worker.unref();
    thread.worker.on('message', (response: Response) => settle(thread, response));
    thread.worker.on('error', (cause) => this.#lost(index, thread, cause));
    thread.worker.on('exit', (code) => this.#lost(index, thread, new Error(`exit code ${code}`)));
    this.#threads[index] = thread;
    return thread;
  }

  /** A thread that died takes what it kept with it: whoever waits for it fails; the next task starts another. */
  #lost(index: number, thread: Thread, cause: unknown): void {
    if (this.#threads[index] === thread) this.#threads[index] = undefined;
    const error = this.#closed
      ? new PlaitError('interrupted', 'The work was stopped.')
      : new PlaitError('unexpected', 'A worker thread died.', {
          cause,
          hint: 'Run the command again; check free memory.',
        });
    for (const waiting of thread.waiting.values()) waiting.reject(error);
    thread.waiting.clear();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread?.worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function settle(thread: Thread, response: Response): void {
  const waiting = thread.waiting.get(response.id);
  if (waiting === undefined) return;
  thread.waiting.delete(response.id);
  if (thread.waiting.size === 0) thread.worker.unref();
  if ('error' in response) waiting.reject(fromWire(response.error));
  else waiting.resolve(response.value);
}

function fromWire(error: WireError): PlaitError {
  const data = error.errno === undefined ? error.data : { ...error.data, errno: error.errno };
  return new PlaitError(error.code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(data === undefined ? {} : { data }),
  });
}
