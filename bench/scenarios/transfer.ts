/**
 * What goes over a line of 80 ms and 50 Mbit/s, and how long it takes: the next release of a tree, clone, a sync with
 * nothing to do, small changes, histories. Tools send the same states of one tree, in turn.
 */
import { basename } from 'node:path';
import { type Cost, run } from '../measure.ts';
import { type Contender, measureScenario, type Report, type Scenario } from '../scenario.ts';
import { type Bench, fresh, plait, unused } from '../tools.ts';
import { copyOf, database, growingLog, insertedByte, releases, textFiles } from './transfer-data.ts';
import { ROUND_TRIP, SLOW } from './transfer-line.ts';
import { plaitSender, releasesOf, type Sender, senderKinds, treeOf } from './transfer-senders.ts';
import { measureSeries, type Series } from './transfer-series.ts';

export interface TransferPlan {
  id: string;
  measure(runs: number, log: (line: string) => void): Promise<Report>;
}

/** @param packages directories with one sub-directory for each release of something */
export async function transferPlans(bench: Bench, packages: string[]): Promise<TransferPlan[]> {
  const kinds = senderKinds(bench);
  const list: Series[] = [
    {
      id: 'text',
      title: `A line changed in each of 1,000 text files of 50 KB, ${SLOW}`,
      states: textFiles(),
      slow: true,
      kinds,
      goals: [{ factor: 400_000, measure: 'sent' }],
    },
    {
      id: 'insert',
      title: `One byte inserted in the middle of 1 GiB, ${SLOW}`,
      states: insertedByte(),
      slow: true,
      kinds: kinds.slice(0, 3),
      goals: [{ factor: 65_536, measure: 'sent' }],
      runs: 1,
    },
    { id: 'log', title: 'A log of 100 MB grows by 5 MB, 20 times', states: growingLog(), kinds, runs: 1 },
    { id: 'sqlite', title: 'A SQLite file of 200 MB, 20 rounds of 250 updates', states: database(), kinds, runs: 1 },
  ];
  for (const dir of packages) {
    const dirs = await releasesOf(dir);
    const title = `${dirs.length} releases of ${basename(dir)}`;
    list.push({ id: basename(dir), title, states: releases(dirs), kinds, runs: 1 });
  }
  if (bench.next) list.unshift(nextRelease(bench, bench.next));
  const plans: TransferPlan[] = list.map((series) => ({
    id: series.id,
    measure: (runs, log) => measureSeries(bench, series, runs, log),
  }));
  return [...plans, { id: 'line-clone', measure: (runs, log) => clone(bench, runs, log) }, nothing(bench)];
}

const nextRelease = (bench: Bench, next: string): Series => ({
  id: 'release',
  title: `Push of the next release, ${SLOW}`,
  states: [copyOf(bench.data), copyOf(next)],
  slow: true,
  kinds: senderKinds(bench),
  goals: [
    { against: 'restic', factor: 0.25 },
    { against: 'restic', factor: 0.05, measure: 'sent' },
    { against: 'git pack', factor: 1, measure: 'sent' },
  ],
});

/** Sends a tree to servers, and lends them. */
async function withSenders<T>(
  bench: Bench,
  tree: (dir: string) => Promise<void>,
  kinds: ReturnType<typeof senderKinds>,
  work: (senders: Sender[]) => Promise<T>,
): Promise<T> {
  const senders: Sender[] = [];
  try {
    await fresh(treeOf(bench));
    await tree(treeOf(bench));
    for (const kind of kinds) {
      const sender = await kind(bench, treeOf(bench));
      senders.push(sender);
      await sender.record?.();
      await run(sender.send());
    }
    return await work(senders);
  } finally {
    for (const sender of senders) await sender.stop();
  }
}

/** A command over the line of a sender. */
const over = (sender: Sender, name: string, slow: boolean, command: Contender['command']): Contender => ({
  name,
  prepare: async () => sender.line?.begin(slow),
  command,
  after: async ({ seconds }: Cost) => sender.line?.count(seconds) ?? {},
});

const clone = (bench: Bench, runs: number, log: (line: string) => void): Promise<Report> =>
  withSenders(bench, copyOf(bench.data), senderKinds(bench), (senders) => {
    const contenders = senders.flatMap((sender) => {
      const { fetch, name } = sender;
      return fetch ? [over(sender, name, true, () => fetch(unused(bench, 'line-clone')))] : [];
    });
    const scenario: Scenario = {
      id: 'line-clone',
      title: `Clone with checkout, ${SLOW}`,
      contenders,
      goals: [{ factor: 1.2, measure: 'line' }],
      cold: true,
    };
    return measureScenario(scenario, runs, log);
  });

const nothing = (bench: Bench): TransferPlan => ({
  id: 'line-nothing',
  measure: (runs, log) =>
    withSenders(bench, textFiles(10)[0], [plaitSender], ([sender]) => {
      const sync = (name: string, slow: boolean): Contender => {
        const { after, ...rest } = over(sender, name, slow, plait('-C', treeOf(bench), 'sync', '--json'));
        const once = (cost: Cost): ReturnType<NonNullable<Contender['after']>> => {
          const { requests } = JSON.parse(cost.stdout) as { requests: number };
          if (requests !== 1) throw new Error(`${requests} requests in place of one`);
          return (after as NonNullable<typeof after>)(cost);
        };
        return { ...rest, after: once };
      };
      const scenario: Scenario = {
        id: 'line-nothing',
        title: `Sync with nothing to do, ${SLOW}`,
        contenders: [
          sync('plait', true),
          sync('plait, no delay', false),
          { name: 'plait --version', command: plait('--version') },
        ],
        // One round trip, and what the program is about: opening its store, looking at ten files, one request.
        goals: [
          { against: 'plait, no delay', factor: 1, plus: ROUND_TRIP },
          { against: 'plait --version', factor: 1, plus: ROUND_TRIP },
        ],
      };
      return measureScenario(scenario, runs, log);
    }),
});
