/**
 * npm run bench -- --data DIR [--next DIR] [--releases DIR,DIR] [--runs N] [--group NAME,NAME] [--only ID,ID]
 *   [--peers NAME,NAME] [--scratch DIR] [--out FILE]
 * npm run bench -- --group page [--hub DIR] [--runs N] [--scratch DIR] [--out FILE]
 * Runs plait and, where installed, its peers on the same data in the same run and prints medians and ratios.
 * `--releases`: directories with one sub-directory for each release of something, for the group `transfer`.
 * `--hub`: a store that `node bench/page-hub.ts DIR` made, for the group `page`, which needs no data and is left out
 * unless it is named.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installed, run } from './measure.ts';
import { measureScenario, type Report, type Scenario } from './scenario.ts';
import { bigFileScenarios, millionScenarios } from './scenarios/extremes.ts';
import { historyScenarios } from './scenarios/history.ts';
import { localScenarios } from './scenarios/local.ts';
import { networkScenarios } from './scenarios/network.ts';
import { measurePage } from './scenarios/page.ts';
import { startupScenarios } from './scenarios/startup.ts';
import { transferPlans } from './scenarios/transfer.ts';
import { machine, markdown } from './table.ts';
import type { Bench } from './tools.ts';

const GROUPS = ['startup', 'local', 'network', 'history', 'transfer', 'big', 'million'] as const;

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    next: { type: 'string' },
    releases: { type: 'string', default: '' },
    runs: { type: 'string', default: '3' },
    group: { type: 'string', default: GROUPS.join(',') },
    only: { type: 'string' },
    hub: { type: 'string' },
    peers: { type: 'string', default: 'restic,borg,git,rsync,rclone,zstd' },
    scratch: { type: 'string', default: tmpdir() },
    out: { type: 'string' },
  },
});
if (!values.data && values.group !== 'page') {
  process.stderr.write(
    `usage: npm run bench -- --data DIR [--next DIR] [--releases DIR,…] [--runs N] [--group ${GROUPS.join(',')}] [--only ID,…] [--peers NAME,…] [--scratch DIR] [--out FILE]\n       npm run bench -- --group page [--hub DIR] [--runs N] [--scratch DIR] [--out FILE]\n`,
  );
  process.exit(2);
}

const log = (line: string) => process.stderr.write(`${line}\n`);
const has = new Set<string>();
for (const tool of values.peers.split(',')) if (await installed(tool)) has.add(tool);
const bench: Bench = {
  scratch: await mkdtemp(join(resolve(values.scratch), 'plait-bench-')),
  data: resolve(values.data ?? '.'),
  next: values.next && resolve(values.next),
  has,
};
const only = values.only?.split(',');
const parts: string[] = [`Machine: ${machine()}. Peers found: ${[...has].join(', ')}.`, ''];

async function measureAll(scenarios: Scenario[]): Promise<void> {
  for (const scenario of scenarios) {
    if (only && !only.includes(scenario.id)) continue;
    print(await measureScenario(scenario, Number(values.runs), log));
  }
}

const print = (report: Report): void => printText(markdown(report));

function printText(text: string): void {
  process.stdout.write(`${text}\n`);
  parts.push(text);
}

try {
  for (const group of values.group.split(',')) {
    if (group === 'startup') await measureAll(await startupScenarios(bench));
    if (group === 'local') await measureAll(await localScenarios(bench));
    if (group === 'network') {
      await run({ argv: ['mkdir', '-p', join(bench.scratch, 'work')] });
      await run({
        argv: ['rsync', '-aH', '--delete', '--exclude=/.plait', `${bench.data}/`, join(bench.scratch, 'work')],
      });
      const network = await networkScenarios(bench);
      try {
        await measureAll(network.scenarios);
      } finally {
        await network.stop();
      }
    }
    if (group === 'history') {
      const history = await historyScenarios(bench);
      try {
        await measureAll(history.scenarios);
      } finally {
        await history.stop();
      }
    }
    if (group === 'transfer') {
      const packages = values.releases.split(',').filter((dir) => dir !== '');
      for (const plan of await transferPlans(bench, packages)) {
        if (!only || only.includes(plan.id)) print(await plan.measure(Number(values.runs), log));
      }
    }
    if (group === 'page') printText(await measurePage(bench, { runs: Number(values.runs), hub: values.hub, log }));
    if (group === 'big') await measureAll(await bigFileScenarios(bench));
    if (group === 'million') await measureAll(await millionScenarios(bench));
  }
  if (values.out) await writeFile(values.out, `${parts.join('\n')}\n`);
} finally {
  await rm(bench.scratch, { recursive: true, force: true });
}
