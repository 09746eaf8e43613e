/** Start-up against the bare runtime: the floor of every cron job and script. */
import { run } from '../measure.ts';
import type { Scenario } from '../scenario.ts';
import { at, type Bench, fresh, plait } from '../tools.ts';

export async function startupScenarios(bench: Bench): Promise<Scenario[]> {
  const dir = at(bench, 'tiny');
  await fresh(dir);
  await run({ argv: ['sh', '-c', `echo one > ${dir}/one`] });
  await run(plait('init', dir, '--volset', 'tiny'));
  await run(plait('-C', dir, 'snapshot'));
  const node = { name: 'node -e 0', command: { argv: [process.execPath, '-e', '0'] } };
  return [
    {
      id: 'version',
      title: 'Start-up: plait --version',
      contenders: [{ name: 'plait', command: plait('--version') }, node],
      goals: [{ against: 'node -e 0', factor: 2 }],
    },
    {
      id: 'light',
      title: 'Start-up: plait branch list',
      contenders: [{ name: 'plait', command: plait('-C', dir, 'branch', 'list') }, node],
      goals: [{ against: 'node -e 0', factor: 5 }],
    },
  ];
}
