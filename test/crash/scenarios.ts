/** The verbs that write, each with what is there before, and what has to be there after it was run to its end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SYNCED_AT_MOST } from '../../src/disk/sync-tree.ts';
import { noise } from '../e2e/helpers/trees.ts';
import { changeWork, fillWork, settleTimes, type World } from './world.ts';

export interface Scenario {
  name: string;
  prepare(world: World): Promise<void>;
  argv(world: World): string[];
  /** Of so many steps one is played, and the last ones; else all. */
  every?: number;
  /** What a second run may say when the first was cut off after its last step: it had been done. */
  doneAlready?: readonly number[];
  /** Where files that a power cut tore lie outside of any volume: nobody can say that they are not the user's. */
  afterPowerCut?: (world: World) => string[];
  /** The command is there to put right what is damaged before it, and where it was cut off. */
  mends?: boolean;
}

const FORMAT_3 = fileURLToPath(new URL('../fixtures/store-format-3.tar.gz', import.meta.url));

async function volume(world: World): Promise<void> {
  await world.ok('init', '--bare', world.path('hub'));
  await world.ok('init', world.path('work'), '--volset', 'data');
  fillWork(world.path('work'));
  await world.ok('-C', world.path('work'), 'remote', 'add', 'origin', `${world.path('hub')}/data`);
}

async function snapshot(world: World, round: number): Promise<void> {
  if (round > 0) changeWork(world.path('work'), round);
  await world.ok('-C', world.path('work'), 'snapshot');
}

/** Two snapshots, the first of them at the hub and in `copy`. */
async function behind(world: World): Promise<void> {
  await volume(world);
  await snapshot(world, 0);
  await world.ok('-C', world.path('work'), 'push');
  await world.ok('clone', `${world.path('hub')}/data`, world.path('copy'));
  await snapshot(world, 1);
}

/** So many files change from one snapshot to the next that they are left to the system to write. */
async function manyFiles(world: World): Promise<void> {
  const work = world.path('work');
  await world.ok('init', work, '--volset', 'data');
  for (let round = 0; round < 2; round++) {
    for (const name of ['a', 'b']) mkdirSync(world.path('work', name), { recursive: true });
    for (let i = 0; i < SYNCED_AT_MOST + 20; i++)
      writeFileSync(world.path('work', i % 2 === 0 ? 'a' : 'b', `${i}`), noise(40 + (i % 7), 1000 * round + i));
    settleTimes(work, 1_600_000_000 + 1_000_000 * round);
    await snapshot(world, 0);
  }
}

async function twoBranches(world: World): Promise<void> {
  await behind(world);
  const work = world.path('work');
  await world.ok('-C', work, 'branch', 'create', 'other', '--from', 'main~1');
  await world.ok('-C', work, 'checkout', 'other');
  writeFileSync(world.path('work', 'theirs'), 'theirs');
  rmSync(world.path('work', 'file-0'));
  await world.ok('-C', work, 'snapshot');
  await world.ok('-C', work, 'checkout', 'main');
}

/** One byte of the largest pack, which the hub has whole. */
async function damaged(world: World): Promise<void> {
  await volume(world);
  for (let round = 0; round < 3; round++) await snapshot(world, round);
  await world.ok('-C', world.path('work'), 'push');
  const packs = world.path('work', '.plait', 'packs');
  const files = readdirSync(packs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pack'));
  const all = files.map((name) => ({ name, bytes: readFileSync(join(packs, name)) }));
  const { name, bytes } = all.reduce((a, b) => (b.bytes.length > a.bytes.length ? b : a));
  bytes[300] ^= 1;
  writeFileSync(join(packs, name), bytes);
  const { exit } = await world.run(['-C', world.path('work'), 'verify', '--read-data']);
  assert.equal(exit, 14, 'the damage is seen');
}

export const SCENARIOS: Scenario[] = [
  {
    name: 'init',
    prepare: async () => {},
    argv: (w) => ['init', w.path('work'), '--volset', 'data'],
    doneAlready: [2],
  },
  { name: 'snapshot, the first', prepare: volume, argv: (w) => ['-C', w.path('work'), 'snapshot'] },
  {
    name: 'snapshot, the second',
    async prepare(world) {
      await volume(world);
      await snapshot(world, 0);
      changeWork(world.path('work'));
    },
    argv: (w) => ['-C', w.path('work'), 'snapshot'],
  },
  {
    name: 'push (and receive)',
    async prepare(world) {
      await volume(world);
      await snapshot(world, 0);
    },
    argv: (w) => ['-C', w.path('work'), 'push'],
  },
  {
    name: 'clone',
    async prepare(world) {
      await volume(world);
      await snapshot(world, 0);
      await world.ok('-C', world.path('work'), 'push');
    },
    argv: (w) => ['clone', `${w.path('hub')}/data`, w.path('new')],
    doneAlready: [2],
  },
  {
    name: 'pull',
    async prepare(world) {
      await behind(world);
      await world.ok('-C', world.path('work'), 'push');
    },
    argv: (w) => ['-C', w.path('copy'), 'pull'],
  },
  {
    name: 'sync',
    async prepare(world) {
      await behind(world);
      await world.ok('-C', world.path('copy'), 'update', '--description', 'words of another');
      await world.ok('-C', world.path('copy'), 'push');
    },
    argv: (w) => ['-C', w.path('work'), 'sync'],
  },
  { name: 'checkout', prepare: behind, argv: (w) => ['-C', w.path('work'), 'checkout', 'main~1'] },
  {
    name: 'checkout of many files',
    prepare: manyFiles,
    argv: (w) => ['-C', w.path('work'), 'checkout', 'main~1'],
    every: 100,
  },
  {
    name: 'restore',
    prepare: behind,
    argv: (w) => ['-C', w.path('work'), 'restore', 'main~1', '--to', w.path('out')],
    afterPowerCut: (w) => ['-C', w.path('work'), 'restore', 'main~1', '--to', w.path('out'), '--overwrite'],
  },
  { name: 'merge', prepare: twoBranches, argv: (w) => ['-C', w.path('work'), 'merge', 'other'], doneAlready: [4] },
  {
    name: 'gc',
    async prepare(world) {
      await world.ok('init', world.path('work'), '--volset', 'data');
      fillWork(world.path('work'));
      for (let round = 0; round < 3; round++) await snapshot(world, round);
      await world.ok('-C', world.path('work'), 'forget', 'main~1');
    },
    argv: (w) => ['-C', w.path('work'), 'gc'],
  },
  {
    name: 'migrate',
    prepare: async (world) => {
      execFileSync('tar', ['-xzf', FORMAT_3, '-C', world.root]);
    },
    argv: (w) => ['-C', w.path('work'), 'migrate'],
  },
  {
    name: 'verify --repair',
    prepare: damaged,
    argv: (w) => ['-C', w.path('work'), 'verify', '--repair', '--read-data'],
    mends: true,
  },
];

/** What a crash must not change: working directories, whether they are clean, and where all branches stand. */
export async function resultOf(world: World): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const name of ['work', 'copy', 'new', 'out']) {
    found[name] = world.tree(name);
    if (!existsSync(world.path(name, '.plait'))) continue;
    const { clean } = await world.ok('-C', world.path(name), 'status');
    found[`${name} is clean`] = clean;
    const { branches } = await world.ok('-C', world.path(name), 'branch', 'list');
    for (const { name: branch, tip } of branches) {
      if (tip === null) continue;
      found[`${name} ${branch}`] = await world.ok('-C', world.path(name), 'ls', branch);
    }
  }
  return found;
}
