/** `serve --maintain 24h`: rounds of maintenance beside the hub, each on a thread that lives as long as the round. */
import { Worker } from 'node:worker_threads';
import type { MetaStore } from '../meta/contract.ts';
import type { MaintainLine } from '../sync/maintain.ts';
import type { ThreadStore } from './thread-store.ts';

/** Plain data: it goes to another thread. */
export interface MaintainWork {
  dir: string;
  store: ThreadStore;
  scrubBytes: number;
  retireAfterMs: number;
}

export interface MaintainReply {
  line: MaintainLine;
}

export interface MaintainSchedule {
  everyMs: number;
  /** When a round last went well. */
  stamps(): Promise<ReturnType<MetaStore['stamps']>>;
  now(): number;
  /** In [0, 1). */
  random(): number;
  log(line: MaintainLine): void;
}

/** A first round that is due waits for the hub to serve those who wait for it. */
const FIRST_MS = 5000;
/** Hubs that start together do not all read their disks at once. */
const JITTER = 0.05;
const MAX_JITTER_MS = 10 * 60 * 1000;
/** Longest sleep of one timer; a clock that was set is noticed then. */
const LOOK_MS = 60 * 60 * 1000;
/** A thread that is told to stop is given so long; being ended in the middle harms nothing. */
const STOP_MS = 3000;

/** Milliseconds from now; `last` null: never. */
export function nextIn(
  { everyMs, now, random }: Pick<MaintainSchedule, 'everyMs' | 'now' | 'random'>,
  last: number | null,
) {
  const due = last === null ? 0 : last + everyMs - now();
  // A stamp of the future is that of a clock that was wrong.
  const wait = Math.max(0, Math.min(due, everyMs));
  return Math.max(Math.min(FIRST_MS, everyMs), wait) + random() * Math.min(JITTER * everyMs, MAX_JITTER_MS);
}

/** Answers how to stop it: what runs ends at once. */
export function keepMaintained(work: MaintainWork, schedule: MaintainSchedule): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Round | undefined;
  let tried: number | null = null;
  const sleep = (ms: number, then: () => void): void => {
    if (stopped) return;
    const wait = Math.min(ms, LOOK_MS);
    timer = setTimeout(() => (ms > wait ? sleep(ms - wait, then) : then()), wait).unref();
  };
  const plan = async (): Promise<void> => {
    const stamps = await schedule.stamps();
    const done = stamps.find(({ what, volset }) => what === 'gc' && volset === null)?.at ?? null;
    // A round that failed is not repeated at once.
    const last = tried === null ? done : Math.max(tried, done ?? 0);
    sleep(nextIn(schedule, last), start);
  };
  const again = (): void => {
    plan().catch((error: unknown) => {
      if (!stopped) schedule.log({ level: 'error', event: 'maintain-failed', message: String(error) });
      sleep(schedule.everyMs, start);
    });
  };
  const start = (): void => {
    tried = schedule.now();
    round = startRound(work, schedule.log);
    void round.ended.then(() => {
      round = undefined;
      again();
    });
  };
  again();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await round?.stop();
  };
}

interface Round {
  ended: Promise<void>;
  stop(): Promise<void>;
}

function startRound(work: MaintainWork, log: MaintainSchedule['log']): Round {
  const entry = import.meta.url.endsWith('.ts') ? './maintain-worker.ts' : './maintain-worker.js';
  const worker = new Worker(new URL(entry, import.meta.url), {
    workerData: work,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  worker.on('message', ({ line }: MaintainReply) => log(line));
  worker.on('error', (error) => log({ level: 'error', event: 'maintain-failed', message: String(error) }));
  worker.on('exit', () => resolve());
  const stop = async (): Promise<void> => {
    worker.postMessage('stop');
    const late = setTimeout(() => void worker.terminate(), STOP_MS);
    await ended;
    clearTimeout(late);
  };
  return { ended, stop };
}
