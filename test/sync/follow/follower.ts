/** A follower that runs in this process, and what it has told so far. */
import { performance } from 'node:perf_hooks';
import type { Outcome } from '../../../src/sync/engine.ts';
import type { FollowEvent } from '../../../src/sync/follow/events.ts';
import { type FollowOptions, type FollowResult, follow } from '../../../src/sync/follow/follow.ts';
import type { Client } from '../rig.ts';

const DEADLINE_MS = 20_000;

export class Follower implements AsyncDisposable {
  readonly events: FollowEvent[] = [];
  readonly done: Promise<Outcome<FollowResult>>;
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();

  constructor(client: Client, options: Partial<FollowOptions> = {}) {
    const all: FollowOptions = {
      remotes: [client.remote],
      once: false,
      pullOnly: false,
      allVolsets: false,
      selection: {},
      maxDelete: 1,
      ...options,
    };
    this.done = follow({ ...client.engine, signal: this.#stop.signal }, all, (event) => {
      this.events.push(event);
      this.#wake.resolve();
    });
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
