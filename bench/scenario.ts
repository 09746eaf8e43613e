/** One line of the comparison: several tools do the same work, in turn, several times. */
import { type Command, type Cost, flush, median, run } from './measure.ts';

export interface Contender {
  name: string;
  /** Not counted: makes what the command needs. */
  prepare?: () => Promise<void>;
  command: Command | (() => Command);
  /** Not counted: figures beside time, e.g. stored or sent bytes. */
  after?: (cost: Cost) => Promise<Partial<Record<'stored' | 'sent', number>>>;
}

export interface Goal {
  /** Name of the contender that plait is held against; absent: `factor` is itself the most that is allowed. */
  against?: string;
  factor: number;
  measure?: 'seconds' | 'stored' | 'sent';
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

export interface Row {
  name: string;
  seconds: number;
  min: number;
  max: number;
  peakRss: number;
  stored?: number;
  sent?: number;
}

export interface Report {
  scenario: Scenario;
  rows: Row[];
  runs: number;
}

export async function measureScenario(scenario: Scenario, runs: number, log: (line: string) => void): Promise<Report> {
  const counted = Math.min(runs, scenario.runs ?? runs);
  const samples = new Map<string, (Cost & { stored?: number; sent?: number })[]>();
  // A B C, A B C …: a machine whose speed drifts slows all of them alike. The first round warms up and is not counted.
  for (let round = scenario.cold ? 1 : 0; round <= counted; round++) {
    for (const contender of scenario.contenders) {
      const sample = await once(contender);
      log(`${scenario.id} ${contender.name} ${round === 0 ? 'warm-up' : round}: ${sample.seconds.toFixed(3)} s`);
      if (round > 0) samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample]);
    }
  }
  const rows = scenario.contenders.map(({ name }) => summarise(name, samples.get(name) ?? []));
  return { scenario, rows, runs: counted };
}

async function once(contender: Contender): Promise<Cost & { stored?: number; sent?: number }> {
  await contender.prepare?.();
  await flush();
  const cost = await run(typeof contender.command === 'function' ? contender.command() : contender.command);
  const extra = await contender.after?.(cost);
  return { ...cost, ...extra };
}

function summarise(name: string, samples: (Cost & { stored?: number; sent?: number })[]): Row {
  const seconds = samples.map((s) => s.seconds);
  const middle = (key: 'stored' | 'sent') => {
    const values = samples.map((s) => s[key]).filter((v): v is number => v !== undefined);
    return values.length > 0 ? median(values) : undefined;
  };
  return {
    name,
    seconds: median(seconds),
    min: Math.min(...seconds),
    max: Math.max(...seconds),
    peakRss: Math.max(...samples.map((s) => s.peakRss)),
    stored: middle('stored'),
    sent: middle('sent'),
  };
}
