/** A follower that runs in this process, and what it has told so far. */
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Outcome } from '../../../src/sync/engine.ts';
import type { FollowClock } from '../../../src/sync/follow/clock.ts';
import type { FollowEvent } from '../../../src/sync/follow/events.ts';
import { type FollowOptions, type FollowResult, follow } from '../../../src/sync/follow/follow.ts';
import type { Client } from '../rig.ts';

const DEADLINE_MS = 20_000;

export class Follower implements AsyncDisposable {
  readonly events: FollowEvent[] = [];
  readonly done: Promise<Outcome<FollowResult>>;
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();

  constructor(client: Client, options: Partial<FollowOptions> = {}, clock?: FollowClock) {
    const all: FollowOptions = {
      remotes: [client.remote],
      once: false,
      pullOnly: false,
      allVolsets: false,
      selection: {},
      maxDelete: 1,
      ...options,
    };
    this.done = follow(
      { ...client.engine, signal: this.#stop.signal },
      all,
      (event) => {
        this.events.push(event);
        this.#wake.resolve();
      },
      clock,
    );
    this.done.catch(() => {});
  }

  /** The first event from number `from` on for which it holds. */
  async until(holds: (event: FollowEvent) => boolean, what: string, from = 0): Promise<FollowEvent> {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const found = this.events.slice(from).find(holds);
      if (found) return found;
      if (performance.now() > deadline) throw new Error(`no ${what}: ${JSON.stringify(this.events.slice(-8))}`);
      this.#wake = Promise.withResolvers();
      const timer = setTimeout(this.#wake.resolve, 100);
      await this.#wake.promise;
      clearTimeout(timer);
    }
  }

  inSync(from = 0): Promise<FollowEvent> {
    return this.until((event) => event.event === 'status' && event.status === 'in-sync', 'in-sync', from);
  }

  get statuses(): string[] {
    return this.events.flatMap((event) => (event.event === 'status' ? [event.status] : []));
  }

  async stop(): Promise<Outcome<FollowResult>> {
    this.#stop.abort();
    return this.done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
  }
}

/** Until it holds; says what it waited for where that takes too long. */
export async function eventually(holds: () => unknown, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** How often each method of the client's peers is called from now on. */
export function countCalls(client: Client): Record<string, number> {
  const calls: Record<string, number> = {};
  const { meddle } = client;
  client.meddle = (peer) =>
    new Proxy(meddle(peer), {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (typeof key === 'string') calls[key] = (calls[key] ?? 0) + 1;
          return value.apply(target, args);
        };
      },
    });
  return calls;
}

/** All that a store's database holds. */
export function dumpOf(client: Client): string {
  using db = new DatabaseSync(`${client.engine.dir}/meta.db`, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  const rows = tables.map(({ name }) => [name, db.prepare(`SELECT * FROM "${name}"`).all()]);
  return JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Waits take no time at all: what waits for the clock is there at once. */
export function hastyClock(): FollowClock {
  let skipped = 0;
  return {
    now: () => performance.now() + skipped,
    sleep: async (ms, signal) => {
      if (signal.aborted) return;
      skipped += ms;
      await setImmediate();
    },
  };
}
