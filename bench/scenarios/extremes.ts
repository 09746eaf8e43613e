/** One file of 1 GiB of random bytes, one byte changed in it, and a million tiny files in one folder. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { diskBytes, run } from '../measure.ts';
import type { Contender, Scenario } from '../scenario.ts';
import { at, type Bench, borg, fresh, plait, restic } from '../tools.ts';

const resetPlait = async (bench: Bench, dir: string) => {
  await fresh(at(bench, 'x-store'));
  await run({ argv: ['rm', '-rf', join(dir, '.plait')] });
  await run(plait('init', dir, '--store', at(bench, 'x-store'), '--volset', 'extreme'));
};
const resetBorg = async (bench: Bench) => {
  await fresh(at(bench, 'x-borg'));
  await run(borg('init', '-e', 'none', at(bench, 'x-borg')));
};
const resetRestic = async (bench: Bench) => {
  await fresh(at(bench, 'x-restic'));
  await run(restic(at(bench, 'x-restic'), 'init'));
};

function contenders(bench: Bench, dir: string, compression: string): Contender[] {
  const list: Contender[] = [
    {
      name: 'plait',
      prepare: () => resetPlait(bench, dir),
      command: plait('-C', dir, 'snapshot'),
      after: async () => ({ stored: await diskBytes(at(bench, 'x-store')) }),
    },
  ];
  if (bench.has.has('borg')) {
    list.push({
      name: 'borg',
      prepare: () => resetBorg(bench),
      command: borg('create', '-C', compression, `${at(bench, 'x-borg')}::one`, dir),
      after: async () => ({ stored: await diskBytes(at(bench, 'x-borg')) }),
    });
  }
  if (bench.has.has('restic')) {
    list.push({
      name: 'restic',
      prepare: () => resetRestic(bench),
      command: restic(at(bench, 'x-restic'), 'backup', dir),
      after: async () => ({ stored: await diskBytes(at(bench, 'x-restic')) }),
    });
  }
  return list;
}

export async function bigFileScenarios(bench: Bench): Promise<Scenario[]> {
  const dir = at(bench, 'big');
  await fresh(dir);
  await run({ argv: ['sh', '-c', `head -c 1073741824 /dev/urandom > ${dir}/random`] });
  const changed: Contender = {
    name: 'plait',
    prepare: async () => {
      await resetPlait(bench, dir);
      await run(plait('-C', dir, 'snapshot'));
      const fd = openSync(join(dir, 'random'), 'r+');
      writeSync(fd, Buffer.from([Math.floor(Math.random() * 256)]), 0, 1, 536_870_912);
      closeSync(fd);
    },
    command: plait('-C', dir, 'snapshot', '--json'),
    after: async ({ stdout }) => ({ stored: (JSON.parse(stdout) as { storedBytes: number }).storedBytes }),
  };
  return [
    {
      id: 'random',
      title: 'One file of 1 GiB, random bytes',
      contenders: contenders(bench, dir, 'none'),
      goals: [{ against: 'borg', factor: 1.0 }],
    },
    { id: 'byte', title: 'One byte changed in it', contenders: [changed], runs: 3 },
  ];
}

export async function millionScenarios(bench: Bench, count = 1_000_000): Promise<Scenario[]> {
  const dir = at(bench, 'million');
  await fresh(dir);
  mkdirSync(join(dir, 'flat'));
  for (let i = 0; i < count; i++) writeFileSync(join(dir, 'flat', `file-${i}`), `tiny ${i}\n`);
  return [
    {
      id: 'million',
      title: `${count} tiny files in one folder`,
      contenders: contenders(bench, dir, 'lz4'),
      runs: 1,
      cold: true,
    },
  ];
}
