/** `plait doctor` beside a hub: each look on a thread of its own, which lives as long as the look. */
import { Worker } from 'node:worker_threads';
import { PlaitError } from '../core/errors.ts';
import type { CheckRow } from '../sync/doctor/checks.ts';
import type { ThreadStore } from './thread-store.ts';

/** Plain data: it goes to another thread. */
export interface DoctorWork {
  dir: string;
  store: ThreadStore;
}

export type DoctorReply = { rows: CheckRow[] } | { failed: string };

export interface HubDoctor {
  /** Who asks while a look goes on is given the same: one that a disk keeps waiting is the only one. */
  look(): Promise<CheckRow[]>;
  /** It only reads: it is ended wherever it is. */
  stop(): Promise<void>;
}

interface Look {
  rows: Promise<CheckRow[]>;
  worker: Worker;
}

export function hubDoctor(work: DoctorWork): HubDoctor {
  let running: Look | undefined;
  let stopped = false;
  return {
    look: async () => {
      if (stopped) throw new PlaitError('busy', 'the hub is stopping');
      running ??= begin(work);
      const mine = running;
      try {
        return await mine.rows;
      } finally {
        if (running === mine) running = undefined;
      }
    },
    stop: async () => {
      stopped = true;
      await running?.worker.terminate();
    },
  };
}

function begin(work: DoctorWork): Look {
  const entry = import.meta.url.endsWith('.ts') ? './doctor-worker.ts' : './doctor-worker.js';
  const worker = new Worker(new URL(entry, import.meta.url), {
    workerData: work,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const { promise: rows, resolve, reject } = Promise.withResolvers<CheckRow[]>();
  worker.on('message', (reply: DoctorReply) => {
    if ('rows' in reply) resolve(reply.rows);
    else reject(new Error(reply.failed));
  });
  worker.on('error', reject);
  worker.on('exit', () => reject(new Error('the look was ended')));
  return { rows, worker };
}
