/**
 * A hub behind a line whose bytes are counted, and commands over it that are hit at chosen moments: the client or the
 * hub is killed, or all connections are cut. What was hit is run again until it has ended well.
 */
import assert from 'node:assert/strict';
import { type BadNetwork, startBadNetwork } from '../../helpers/bad-network.ts';
import type { Random } from '../../support/seed.ts';
import { type Document, type Hub, type Lab, parse } from './lab.ts';
import { type Ended, type Running, startPlait } from './plait.ts';

export const VICTIMS = ['client', 'hub', 'network'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Strike {
  victim: Victim;
  /** Bytes of both directions since the first of these runs; or some ms after a phase has begun, which hits the client. */
  at: number | { phase: string; ms: number };
}

/** Anywhere in a transfer of so many bytes, one after the other, each victim as often as the others. */
export function strikes(random: Random, count: number, bytes: number): Strike[] {
  const first = random.below(VICTIMS.length);
  return Array.from({ length: count }, () => Math.floor((random.below(1_000_000) / 1_000_000) * bytes))
    .sort((a, b) => a - b)
    .map((at, n) => ({ victim: VICTIMS[(first + n) % VICTIMS.length], at }));
}

export interface Through {
  /** Of the run that ended well. */
  result: Document;
  runs: number;
  /** Strikes that hit a command at work. */
  struck: Victim[];
  /** What both sides put on the line, both directions, all runs. */
  bytes: number;
}

export class CutLine implements AsyncDisposable {
  readonly line: BadNetwork;
  readonly #lab: Lab;
  #hub: Hub;

  private constructor(lab: Lab, hub: Hub, line: BadNetwork) {
    this.#lab = lab;
    this.#hub = hub;
    this.line = line;
  }

  static async start(lab: Lab, name = 'hub'): Promise<CutLine> {
    const hub = await lab.hub(name);
    return new CutLine(lab, hub, await startBadNetwork({ to: hub.url }));
  }

  /** Through the line. */
  get url(): string {
    return `${this.line.url}/data`;
  }

  get store(): string {
    return this.#hub.store;
  }

  get bytes(): number {
    return this.line.stats.upTaken + this.line.stats.downTaken;
  }

  async killHub(): Promise<void> {
    await this.#hub.stop('SIGKILL');
  }

  /** On the same port, as a supervisor would. */
  async restartHub(): Promise<void> {
    const { host } = new URL(this.#hub.url);
    const name = this.store.slice(this.#lab.dir.length + 1);
    this.#hub = await this.#lab.hub(name, '--listen', host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hub.stop('SIGKILL');
    await this.line.close();
  }

  async through(argv: string[], planned: Strike[]): Promise<Through> {
    const start = this.bytes;
    const left = [...planned];
    const struck: Victim[] = [];
    for (let runs = 1; ; runs++) {
      const setup = { cwd: this.#lab.dir, input: '', timeout: this.#lab.timeout };
      const running = startPlait(['--json', '--progress', 'json', ...argv], setup);
      const end = await this.#watch(running, start, left, struck);
      const bytes = this.bytes - start;
      // A clone that was hit when it had just finished is refused the second time, as it should be.
      const finished = argv[0] === 'clone' && runs > 1 && end.exit === 2 && parse(end).error.code === 'exists';
      if (end.exit === 0 || finished) return { result: parse(end), runs, struck, bytes };
      const what = `${argv.join(' ')}, run ${runs} after ${struck.join(' ')}: ${JSON.stringify(end)}`;
      assert.ok(end.signal === 'SIGKILL' || end.exit === 13, what);
      // An end that nobody caused would come again and again.
      assert.ok(runs <= planned.length + 1, what);
    }
  }

  /** Strikes what is due while the command runs. */
  async #watch(running: Running, start: number, left: Strike[], struck: Victim[]): Promise<Ended> {
    let ended = false;
    const end = running.ended.finally(() => {
      ended = true;
    });
    const phases = new Map<string, number>();
    while (!ended) {
      const [next] = left;
      if (next && this.#isDue(next, start, running, phases)) {
        left.shift();
        struck.push(next.victim);
        await this.strike(next.victim, running);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return end;
  }

  #isDue({ at }: Strike, start: number, running: Running, phases: Map<string, number>): boolean {
    if (typeof at === 'number') return this.bytes - start >= at;
    const { phase, ms } = at;
    if (!phases.has(phase)) {
      phases.set(phase, Number.POSITIVE_INFINITY);
      running.output(new RegExp(`"phase":"${phase}"`)).then(
        () => phases.set(phase, performance.now()),
        // It ended before it came so far.
        () => undefined,
      );
    }
    return performance.now() - (phases.get(phase) as number) >= ms;
  }

  /** A hub is running again afterwards. */
  async strike(victim: Victim, { child, ended }: Running): Promise<void> {
    if (victim === 'network') this.line.cut();
    else if (victim === 'client') {
      child.kill('SIGKILL');
      await ended;
    } else {
      await this.killHub();
      await this.restartHub();
    }
  }
}
