/** States of one tree, brought to a server one after the other by several tools; the first one is not counted. */
import { loadavg } from 'node:os';
import { type Cost, flush, run } from '../measure.ts';
import { type Goal, type Report, type Sample, summarise } from '../scenario.ts';
import { type Bench, fresh } from '../tools.ts';
import { type Sender, type SenderKind, treeOf } from './transfer-senders.ts';

export interface Series {
  id: string;
  title: string;
  /** Each brings the tree from the state before it to the next. */
  states: ((tree: string) => Promise<void>)[];
  /** Through the slow line; else only counted. */
  slow?: boolean;
  kinds: SenderKind[];
  goals?: Goal[];
  runs?: number;
}

type Samples = Map<string, Sample[]>;

export async function measureSeries(
  bench: Bench,
  series: Series,
  runs: number,
  log: (line: string) => void,
): Promise<Report> {
  const counted = Math.min(runs, series.runs ?? runs);
  const samples: Samples = new Map();
  const load: number[] = [];
  for (let round = 1; round <= counted; round++) {
    const tree = treeOf(bench);
    await fresh(tree);
    const senders: Sender[] = [];
    try {
      for (const kind of series.kinds) senders.push(await kind(bench, tree));
      for (const [name, steps] of await runStates(series, senders, tree, load, log)) {
        samples.set(name, [...(samples.get(name) ?? []), sum(steps)]);
      }
    } finally {
      for (const sender of senders) await sender.stop();
    }
  }
  const rows = [...samples].map(([name, list]) => summarise(name, list));
  return { scenario: { ...series, contenders: [] }, rows, runs: counted, load };
}

async function runStates(
  { id, states, slow = false }: Series,
  senders: Sender[],
  tree: string,
  load: number[],
  log: (line: string) => void,
): Promise<Samples> {
  const steps: Samples = new Map();
  const add = (name: string, sample: Sample): unknown => steps.set(name, [...(steps.get(name) ?? []), sample]);
  for (const [place, bring] of states.entries()) {
    await bring(tree);
    for (const sender of senders) {
      const { recorded, sending } = await step(sender, slow && place > 0);
      log(`${id} ${place} ${sender.name}: ${sending.seconds.toFixed(2)} s, ${sending.sent} bytes`);
      if (place === 0) continue;
      load.push(loadavg()[0]);
      add(sender.name, sending);
      if (recorded && sender.name === 'plait') add('plait, with its snapshot', sum([recorded, sending]));
    }
  }
  return steps;
}

async function step(sender: Sender, slow: boolean): Promise<{ recorded?: Cost; sending: Sample }> {
  const recorded = await sender.record?.();
  await flush();
  await sender.line?.begin(slow);
  const { stdout, ...cost } = await run(sender.send());
  const counted = sender.sent?.({ ...cost, stdout }) ?? sender.line?.count(cost.seconds);
  return { recorded, sending: { ...cost, ...counted } };
}

/** Of one tool over all states. */
function sum(steps: Sample[]): Sample {
  const total = (of: (sample: Sample) => number | undefined): number =>
    steps.reduce((all, one) => all + (of(one) ?? 0), 0);
  const served = steps.filter(({ serverRss }) => serverRss !== undefined);
  return {
    seconds: total(({ seconds }) => seconds),
    cpu: total(({ cpu }) => cpu),
    peakRss: Math.max(...steps.map(({ peakRss }) => peakRss)),
    sent: total(({ sent }) => sent),
    ...(served.length > 0 && {
      serverCpu: total(({ serverCpu }) => serverCpu),
      serverRss: Math.max(...served.map(({ serverRss }) => serverRss as number)),
    }),
  };
}
