/** The other side of meta-thread.ts: opens the store and answers calls one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { PlaitError } from '../core/errors.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { Reply, WorkerOptions } from './meta-thread.ts';

type Method = (...args: unknown[]) => unknown;

const { module, open, options } = workerData as WorkerOptions;
const opened: Promise<MetaStore> = import(module).then(
  (found: Record<string, Method>) => found[open](options) as MetaStore,
);

async function answer(id: number, method: string, args: unknown[]): Promise<Reply> {
  try {
    const store = await opened;
    if (method === 'close') {
      store[Symbol.dispose]();
      return { id, value: undefined };
    }
    const value = method === 'self' ? { ...store.self } : call(store, method, args);
    return { id, value, self: { ...store.self } };
  } catch (error) {
    if (error instanceof PlaitError) {
      const { code, message, hint, data } = error;
      return { id, error: { code, message, hint, data } };
    }
    return { id, error: { message: error instanceof Error ? (error.stack ?? error.message) : String(error) } };
  }
}

function call(store: MetaStore, method: string, args: unknown[]): unknown {
  const known = (store as unknown as Record<string, Method>)[method];
  if (typeof known !== 'function') throw new PlaitError('unexpected', `the metadata store has no method ${method}`);
  return known.apply(store, args);
}

// A failed open is told to the first caller, not to the process.
opened.catch(() => {});
let queue: Promise<void> = Promise.resolve();
parentPort?.on('message', ({ id, method, args }: { id: number; method: string; args: unknown[] }) => {
  queue = queue.then(async () => parentPort?.postMessage(await answer(id, method, args)));
});
