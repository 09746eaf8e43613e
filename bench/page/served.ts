/** `plait serve` on the made store, and what its process is like while others ask things of it. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, highWater } from '../measure.ts';
import { freePort, plait, Server } from '../tools.ts';

export interface Delays {
  median: number;
  p99: number;
  max: number;
}

export class Served implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  static async start(dir: string): Promise<Served> {
    const port = await freePort();
    const server = await Server.start(plait('serve', dir, '--listen', `127.0.0.1:${port}`, '--quiet'), port);
    return new Served(`http://127.0.0.1:${port}`, server);
  }

  /** Bytes: now, and at most so far. */
  get rss(): { now: number; peak: number } {
    const pid = this.#server.child.pid ?? 0;
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return { now: Number(match?.[1] ?? 0) * 1024, peak: highWater(pid) };
  }

  /** Seconds of processor time so far. */
  get cpu(): number {
    return cpuSeconds(this.#server.child.pid ?? 0);
  }

  /** How long a cheap request takes while `work` goes on: what any other client waits for. */
  async delaysDuring<T>(work: () => Promise<T>): Promise<{ result: T; delays: Delays }> {
    const stop = new AbortController();
    const times: number[] = [];
    const probing = (async () => {
      while (!stop.signal.aborted) {
        const from = performance.now();
        await (await fetch(`${this.url}/healthz`)).arrayBuffer();
        times.push(performance.now() - from);
        await sleep(10);
      }
    })();
    try {
      return { result: await work(), delays: delaysOf(times) };
    } finally {
      stop.abort();
      await probing;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }
}

export const delaysOf = (times: number[]): Delays => ({
  median: quantile(times, 0.5),
  p99: quantile(times, 0.99),
  max: quantile(times, 1),
});

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
