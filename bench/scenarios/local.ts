/** Snapshots of a tree into a store on this machine: first, unchanged, next release. */
import { diskBytes, run } from '../measure.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { at, type Bench, borg, copyTree, fresh, plait, restic, unused } from '../tools.ts';

type Stage = 'first' | 'unchanged' | 'next';

/** Each tool keeps one working copy (copied once) and one store (made anew where the stage asks for it). */
interface Tool {
  name: string;
  needs?: string;
  reset(bench: Bench): Promise<void>;
  backup(bench: Bench): import('../measure.ts').Command;
  store(bench: Bench): string;
}

const work = (bench: Bench) => at(bench, 'work');

/** Where rsync copies to, since its last reset. */
let mirror = '';

const TOOLS: Tool[] = [
  {
    name: 'plait',
    reset: async (bench) => {
      await fresh(at(bench, 'plait-store'));
      await run({ argv: ['rm', '-rf', at(bench, 'work', '.plait')] });
      await run(plait('init', work(bench), '--store', at(bench, 'plait-store'), '--volset', 'bench'));
    },
    backup: (bench) => plait('-C', work(bench), 'snapshot', '--skip-unchanged'),
    store: (bench) => at(bench, 'plait-store'),
  },
  {
    name: 'restic',
    needs: 'restic',
    reset: async (bench) => {
      await fresh(at(bench, 'restic'));
      await run(restic(at(bench, 'restic'), 'init'));
    },
    backup: (bench) => restic(at(bench, 'restic'), 'backup', work(bench)),
    store: (bench) => at(bench, 'restic'),
  },
  {
    name: 'borg',
    needs: 'borg',
    reset: async (bench) => {
      await fresh(at(bench, 'borg'));
      await run(borg('init', '-e', 'none', at(bench, 'borg')));
    },
    backup: (bench) => borg('create', '-C', 'lz4', `${at(bench, 'borg')}::{now:%s%f}`, work(bench)),
    store: (bench) => at(bench, 'borg'),
  },
  {
    name: 'git add+commit',
    needs: 'git',
    reset: async (bench) => {
      await fresh(at(bench, 'git'));
      await run({ argv: ['git', 'init', '-q', '--bare', at(bench, 'git')] });
    },
    backup: (bench) => ({
      argv: ['sh', '-c', 'git add -A -f . && git commit -q --allow-empty -m bench'],
      env: {
        GIT_DIR: at(bench, 'git'),
        GIT_WORK_TREE: work(bench),
        GIT_AUTHOR_NAME: 'bench',
        GIT_AUTHOR_EMAIL: 'bench@localhost',
        GIT_COMMITTER_NAME: 'bench',
        GIT_COMMITTER_EMAIL: 'bench@localhost',
      },
      cwd: work(bench),
    }),
    store: (bench) => at(bench, 'git'),
  },
  {
    name: 'rsync -a',
    needs: 'rsync',
    reset: async (bench) => {
      mirror = unused(bench, 'rsync');
    },
    backup: (bench) => ({ argv: ['rsync', '-aH', '--delete', '--exclude=/.plait', `${work(bench)}/`, mirror] }),
    store: () => mirror,
  },
];

function contender(bench: Bench, tool: Tool, stage: Stage): Contender {
  return {
    name: tool.name,
    prepare: async () => {
      if (stage === 'unchanged') return;
      await copyOnce(bench, bench.data);
      await tool.reset(bench);
      if (stage === 'first') return;
      await run(tool.backup(bench));
      await copyOnce(bench, bench.next ?? bench.data);
    },
    command: () => tool.backup(bench),
    after: async () => ({ stored: await diskBytes(tool.store(bench)) }),
  };
}

/** Makes the one working copy hold `tree`; a copy that is there already is brought up to it. */
async function copyOnce(bench: Bench, tree: string): Promise<void> {
  await run({ argv: ['mkdir', '-p', work(bench)] });
  await run({ argv: ['rsync', '-aH', '--delete', '--exclude=/.plait', `${tree}/`, work(bench)] });
}

export async function localScenarios(bench: Bench): Promise<Scenario[]> {
  await copyTree(bench.data, work(bench));
  const tools = TOOLS.filter((tool) => tool.needs === undefined || bench.has.has(tool.needs));
  const list = (stage: Stage) => tools.map((tool) => contender(bench, tool, stage));
  const tar: Contender = {
    name: 'tar | zstd -3 -T2',
    command: {
      argv: [
        'sh',
        '-c',
        `tar c -C ${work(bench)} --exclude=./.plait . | zstd -q -3 -T2 -f -o ${at(bench, 'tree.tar.zst')}`,
      ],
    },
    after: async () => ({ stored: await diskBytes(at(bench, 'tree.tar.zst')) }),
  };
  const scenarios: Scenario[] = [
    {
      id: 'first',
      title: 'First snapshot',
      contenders: bench.has.has('zstd') ? [...list('first'), tar] : list('first'),
      goals: [
        { against: 'borg', factor: 0.5 },
        { against: 'restic', factor: 0.45 },
        { against: 'tar | zstd -3 -T2', factor: 1.7 },
        { against: 'restic', factor: 0.82, measure: 'stored' },
      ],
    },
    {
      id: 'unchanged',
      title: 'No change',
      contenders: [...list('unchanged'), ...(bench.has.has('git') ? [gitStatus(bench)] : []), plaitStatus(bench)],
      goals: [
        { against: 'restic', factor: 0.2 },
        { against: 'rsync -a', factor: 1.0 },
        { against: 'git status', factor: 6 },
      ],
    },
  ];
  if (bench.next) {
    scenarios.push({
      id: 'next',
      title: 'Next release (every mtime new)',
      contenders: list('next'),
      goals: [
        { against: 'restic', factor: 0.45 },
        { against: 'restic', factor: 0.82, measure: 'stored' },
      ],
    });
  }
  return scenarios;
}

const gitStatus = (bench: Bench): Contender => ({
  name: 'git status',
  command: { argv: ['git', `--git-dir=${at(bench, 'git')}`, `--work-tree=${work(bench)}`, 'status', '--porcelain'] },
});
const plaitStatus = (bench: Bench): Contender => ({
  name: 'plait status',
  command: plait('-C', work(bench), 'status'),
});
