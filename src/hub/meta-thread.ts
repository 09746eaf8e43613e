/**
 * The metadata store on worker threads: the hub's main thread never waits for a lock or a commit. One thread writes,
 * and answers in the order in which it was asked; another, if wanted, only reads, so that who asks need not wait while
 * a writer waits for another process. What a write has answered, every later read sees.
 */
import { Worker } from 'node:worker_threads';
import type { Async } from '../core/async.ts';
import { type ErrorCode, PlaitError } from '../core/errors.ts';
import type { MetaStore, Self } from '../meta/contract.ts';

export interface MetaThreadOptions {
  /** For `open`; plain data, as it goes to another thread: for the default, MetaOptions without functions. */
  options: unknown;
  /** URL of a module that exports the function `open`; default: src/meta. */
  module?: string;
  /** Name of that function, which returns a MetaStore or a promise of one; default: openMetaStore. */
  open?: string;
  /** Reads on a thread of their own. Not for a store in memory, which that thread would not see. */
  separateReads?: boolean;
}

/** What requests ask; the rest goes to the thread that writes. Of all these none writes. */
const READS: ReadonlySet<string> = new Set([
  'listVolsets',
  'findVolset',
  'knowsVolset',
  'listBranches',
  'findBranch',
  'findSnapshot',
  'lineage',
  'parentsOf',
  'missingBlobs',
  'forgotten',
  'damagedBlobs',
  'vector',
  'revision',
  'refs',
  'planDeltas',
  'readDeltas',
  'changesAfter',
  'viewOf',
  'heads',
  'blobHead',
  'numberedBlobs',
  'blobNumbers',
  'sealed',
  'listTokens',
  'listConflicts',
  'listMembers',
  'queue',
  'queueCounts',
  'stamps',
  'usage',
  'historyPage',
  'snapshotFacts',
  'volsetSummary',
  'volsetState',
  'blobSizes',
  'conflictPage',
] satisfies (keyof MetaStore)[]);

/** What goes to a thread. */
export type WorkerOptions = Required<Omit<MetaThreadOptions, 'separateReads'>>;

export type AsyncMeta = Async<Omit<MetaStore, typeof Symbol.dispose>>;

export interface MetaThread extends AsyncDisposable {
  readonly meta: AsyncMeta;
}

/** What the worker sends; `self` comes along because a store may go on under a new epoch. */
export type Reply =
  | { id: number; value: unknown; self?: Self }
  | { id: number; error: { code?: ErrorCode; message: string; hint?: string; data?: Record<string, unknown> } };

export async function openMetaThread(options: MetaThreadOptions): Promise<MetaThread> {
  const writer = await openThread(options);
  const self = { current: writer.self };
  writer.calls.onSelf = (fresh) => {
    self.current = fresh;
  };
  // Opened second: the first makes the store where there is none.
  const reader = options.separateReads ? await openReader(options, writer.calls) : writer.calls;
  const meta = new Proxy({} as AsyncMeta, {
    get(_target, method) {
      if (method === 'self') return self.current;
      // A proxy that is awaited must not look like a promise.
      if (typeof method !== 'string' || method === 'then') return undefined;
      const calls = READS.has(method) ? reader : writer.calls;
      return (...args: unknown[]) => calls.call(method, args);
    },
  });
  return {
    meta,
    [Symbol.asyncDispose]: async () => {
      await reader.close();
      await writer.calls.close();
    },
  };
}

async function openReader(options: MetaThreadOptions, writer: Calls): Promise<Calls> {
  try {
    return (await openThread(options)).calls;
  } catch (error) {
    await writer.close();
    throw error;
  }
}

async function openThread(options: MetaThreadOptions): Promise<{ calls: Calls; self: Self }> {
  // Compiled, this file is .js, and so is the worker beside it.
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const { module = new URL(`../meta/index${extension}`, import.meta.url).href, open = 'openMetaStore' } = options;
  const workerData: WorkerOptions = { module, open, options: options.options };
  const worker = new Worker(new URL(`./meta-worker${extension}`, import.meta.url), {
    workerData,
    // Nodes near the floor call node:sqlite experimental, at each start of a hub.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const calls = new Calls(worker);
  return { calls, self: await firstAnswer(calls) };
}

/** Fails with the store's own error when that could not be opened; no thread is left behind then. */
async function firstAnswer(calls: Calls): Promise<Self> {
  try {
    return (await calls.call('self', [])) as Self;
  } catch (error) {
    await calls.terminate();
    throw error;
  }
}

class Calls {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;
  #ended: PlaitError | undefined;
  onSelf: (self: Self) => void = () => {};

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (cause) => this.#end(new PlaitError('unexpected', 'the metadata thread failed', { cause })));
    worker.on('exit', () => this.#end(new PlaitError('unexpected', 'the metadata thread has ended')));
  }

  call(method: string, args: unknown[]): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#last;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#worker.postMessage({ id, method, args });
    return waiting.promise;
  }

  /** Lets calls in progress end, closes the store, ends the thread. */
  async close(): Promise<void> {
    if (this.#ended) return;
    await this.call('close', []);
    await this.terminate();
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) {
      const { code = 'unexpected', message, ...extra } = reply.error;
      waiting?.reject(new PlaitError(code, message, extra));
      return;
    }
    if (reply.self) this.onSelf(reply.self);
    waiting?.resolve(reply.value);
  }

  #end(reason: PlaitError): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}
