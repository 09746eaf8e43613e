/** What a spawned hub takes and holds. */
import { readFileSync } from 'node:fs';
import type { Hub } from '../e2e/helpers/lab.ts';

/** MiB. */
export interface Memory {
  resident: number;
  /** Of all its threads after a full collection: their heaps. */
  heap: number;
  /** Likewise: buffers and the like. */
  external: number;
}

/** For the environment of a hub that a MemoryProbe asks. */
export const PROBED = {
  NODE_OPTIONS: `--expose-gc --import ${new URL('../support/memory-probe.ts', import.meta.url).href}`,
};

/** Asks one question at a time. */
export class MemoryProbe {
  readonly #hub: Hub;
  #asked = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  ask(): Promise<Memory> {
    const answer = this.#last.then(() => this.#ask());
    // Whoever asked sees why it failed.
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #ask(): Promise<Memory> {
    const { child, output } = this.#hub.running;
    const resident = residentMiB(child.pid as number);
    child.kill('SIGUSR2');
    const [, heap, external] = await output(new RegExp(`^memory ${++this.#asked} ([\\d.]+) ([\\d.]+)$`, 'm'));
    return { resident, heap: Number(heap), external: Number(external) };
  }
}

const residentMiB = (pid: number): number =>
  Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);

/** Of the hub's metrics. */
export interface Gauges {
  uploads: number;
  downloads: number;
  /** Uploads whose quarantine is open. */
  open: number;
}

export async function gauges({ url }: Hub): Promise<Gauges> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const gauge = (name: string): number => Number(new RegExp(`^plait_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  return {
    uploads: gauge('uploads_in_progress'),
    downloads: gauge('downloads_in_progress'),
    open: gauge('uploads_open'),
  };
}

export const most = (memory: Memory[], of: keyof Memory): number => Math.max(...memory.map((one) => one[of]));

/** From the second quarter (the hub is warm by then) to the last, MiB. */
export function grown(memory: Memory[], of: keyof Memory): number {
  const figures = memory.map((one) => one[of]);
  const quarter = Math.floor(figures.length / 4);
  return median(figures.slice(-quarter)) - median(figures.slice(quarter, 2 * quarter));
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
