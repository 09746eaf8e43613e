/** One line of the comparison: several tools do the same work, in turn, several times. */
import { loadavg } from 'node:os';
import { type Command, type Cost, flush, median, run } from './measure.ts';

export interface Contender {
  name: string;
  /** Not counted: makes what the command needs. */
  prepare?: () => Promise<void>;
  command: Command | (() => Command);
  /** Not counted: figures beside time, e.g. stored or sent bytes. */
  after?: (cost: Cost) => Promise<Extra>;
}

export const EXTRAS = ['stored', 'sent', 'serverCpu', 'serverRss', 'line'] as const;
/**
 * Beside time. `sent`: bytes, both ways where a line counts them; `serverCpu`, `serverRss`: of the hub or server that the
 * command spoke to; `line`: the time as a multiple of what the line takes for these bytes alone.
 */
export type Extra = Partial<Record<(typeof EXTRAS)[number], number>>;

export interface Goal {
  /** Name of the contender that plait is held against; absent: `factor` is itself the most that is allowed. */
  against?: string;
  factor: number;
  /** Seconds that are allowed on top. */
  plus?: number;
  measure?: 'seconds' | 'stored' | 'sent' | 'line';
}

export interface Scenario {
  id: string;
  title: string;
  contenders: Contender[];
  goals?: Goal[];
  /** Fewer where one run takes long. */
  runs?: number;
  /** No warm-up where one run takes minutes. */
  cold?: boolean;
}

export interface Row extends Extra {
  name: string;
  seconds: number;
  min: number;
  max: number;
  cpu: number;
  peakRss: number;
}

export type Sample = Omit<Cost, 'stdout'> & Extra;

export interface Report {
  scenario: Scenario;
  rows: Row[];
  runs: number;
  /** Mean load of the machine, as the kernel gave it for the last minute, at each sample. */
  load: number[];
}

export async function measureScenario(scenario: Scenario, runs: number, log: (line: string) => void): Promise<Report> {
  const counted = Math.min(runs, scenario.runs ?? runs);
  const samples = new Map<string, Sample[]>();
  const load: number[] = [];
  // A B C, A B C …: a machine whose speed drifts slows all of them alike. The first round warms up and is not counted.
  for (let round = scenario.cold ? 1 : 0; round <= counted; round++) {
    for (const contender of scenario.contenders) {
      const sample = await once(contender);
      log(`${scenario.id} ${contender.name} ${round === 0 ? 'warm-up' : round}: ${sample.seconds.toFixed(3)} s`);
      load.push(loadavg()[0]);
      if (round > 0) samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
    }
  }
  const rows = scenario.contenders.map(({ name }) => summarise(name, samples.get(name) ?? []));
  return { scenario, rows, runs: counted, load };
}

async function once(contender: Contender): Promise<Sample> {
  await contender.prepare?.();
  await flush();
  const cost = await run(typeof contender.command === 'function' ? contender.command() : contender.command);
  const extra = await contender.after?.(cost);
  return { ...cost, ...extra };
}

export function summarise(name: string, samples: Sample[]): Row {
  const seconds = samples.map((s) => s.seconds);
  const extra: Extra = {};
  for (const key of EXTRAS) {
    const values = samples.map((s) => s[key]).filter((v): v is number => v !== undefined);
    if (values.length > 0) extra[key] = key === 'serverRss' ? Math.max(...values) : median(values);
  }
  return {
    name,
    seconds: median(seconds),
    min: Math.min(...seconds),
    max: Math.max(...seconds),
    cpu: median(samples.map((s) => s.cpu)),
    peakRss: Math.max(...samples.map((s) => s.peakRss)),
    ...extra,
  };
}
