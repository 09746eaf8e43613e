/** One round of maintenance on a thread of its own, over the store opened by itself, as another process would. */
import { parentPort, workerData } from 'node:worker_threads';
import { PlaitError } from '../core/errors.ts';
import { silentReporter } from '../core/reporter.ts';
import type { Engine } from '../sync/engine.ts';
import { maintain } from '../sync/maintain.ts';
import { openMeta, openStore } from '../sync/store.ts';
import type { MaintainReply, MaintainWork } from './maintain.ts';
import { worldOf } from './open-engine.ts';

const work = workerData as MaintainWork;
const stopping = new AbortController();
const send = (reply: MaintainReply): void => parentPort?.postMessage(reply);
parentPort?.on('message', () => stopping.abort(new PlaitError('interrupted', 'the hub stops')));

async function run(): Promise<void> {
  const world = worldOf();
  const settings = { ...work.store, world };
  using meta = openMeta(work.dir, settings);
  const { manifest } = await import('../blob/manifest/index.ts');
  const opened = await openStore(work.dir, settings, meta);
  await using _blob = opened.blob;
  const engine: Engine = {
    ...opened,
    manifest,
    world,
    reporter: silentReporter,
    signal: stopping.signal,
    lockWaitMs: settings.lockWaitMs,
    // Garbage is nobody else's business.
    openPeer: () => Promise.reject(new PlaitError('unexpected', 'maintenance asks no remote')),
  };
  const { scrubBytes, retireAfterMs } = work;
  await maintain(engine, { scrubBytes, retireAfterMs, log: (line) => send({ line }) });
}

try {
  await run();
} catch (error) {
  if (!stopping.signal.aborted) {
    const message = error instanceof Error ? error.message : String(error);
    send({ line: { level: 'error', event: 'maintain-failed', message } });
  }
} finally {
  parentPort?.close();
}
