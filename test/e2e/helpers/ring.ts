/** Random edits and syncs of several stores, from a seed, and what must not get lost by them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { Random } from '../../support/seed.ts';
import type { Document, Lab } from './lab.ts';

export interface Ring {
  lab: Lab;
  random: Random;
  /** Working directories, each on a branch of its own. */
  dirs: string[];
  remotes: string[];
  /** By value, all of which differ: the field it was written to. Values that a later edit has seen are taken out. */
  standing: Map<string, string>;
  /** Tips of the directories' own branches. */
  tips: Map<string, string>;
  /** The snapshot that all began with. */
  base: string;
  step: number;
}

const SHARED = /^x/;

/** One step: an edit in a random directory, or a sync of it with a random remote. */
export async function ringStep(ring: Ring): Promise<void> {
  const { random, lab, dirs, remotes } = ring;
  ring.step++;
  const dir = random.pick(dirs);
  if (random.chance(0.5)) {
    const argv = random.pick([['sync'], ['sync'], ['sync', '--pull-only'], ['push'], ['sync', '--prefer', 'current']]);
    await lab.in(dir, [...argv, random.pick(remotes), '--max-delete', '100%'], [0, 5]);
  } else
    await random.pick([editVolset, editVolset, renameBranch, nameSnapshot, createBranch, deleteBranch, save])(
      ring,
      dir,
    );
}

async function editVolset({ lab, random, standing, step }: Ring, dir: string): Promise<void> {
  const [view] = (await lab.in(dir, ['volset', 'list'])).volsets;
  const [field, before, ...flags] = random.pick([
    ['description', view.description, '--description', `d${step}`],
    ['name', view.name, '--name', `n${step}`],
    ['attr:k', view.attrs.k, '--attr', `k=a${step}`],
    ['attr:own', view.attrs[dir], '--attr', `${dir}=o${step}`],
  ]);
  await lab.in(dir, ['update', ...flags]);
  standing.delete(before);
  standing.set(flags[1].replace(/^.*=/, ''), field);
}

const sharedBranch = async ({ lab, random }: Ring, dir: string): Promise<Document | undefined> => {
  const shared = (await lab.in(dir, ['branch', 'list'])).branches.filter((row: Document) => SHARED.test(row.name));
  return shared.length === 0 ? undefined : random.pick(shared as Document[]);
};

async function renameBranch(ring: Ring, dir: string): Promise<void> {
  const branch = await sharedBranch(ring, dir);
  if (!branch) return;
  await ring.lab.in(dir, ['branch', 'rename', branch.name, `x${ring.step}`]);
  ring.standing.delete(branch.name);
  ring.standing.set(`x${ring.step}`, 'branch name');
}

async function createBranch({ lab, standing, step }: Ring, dir: string): Promise<void> {
  await lab.in(dir, ['branch', 'create', `x${step}`]);
  standing.set(`x${step}`, 'branch name');
}

/** Deleted is what the author saw: the name shown, and those in records of that branch. */
async function deleteBranch(ring: Ring, dir: string): Promise<void> {
  const { lab, standing } = ring;
  const branch = await sharedBranch(ring, dir);
  if (!branch) return;
  const { conflicts } = await lab.in(dir, ['conflicts', 'list', '--all']);
  await lab.in(dir, ['branch', 'delete', branch.name, '--force']);
  const records = conflicts.filter(({ object }: Document) => object === `branch:${branch.id}`);
  for (const seen of [branch.name, ...records.flatMap((c: Document) => [c.current, c.target])]) standing.delete(seen);
}

async function nameSnapshot({ lab, standing, base, step }: Ring, dir: string): Promise<void> {
  const { name } = (await lab.in(dir, ['log', base])).snapshots[0];
  await lab.in(dir, ['update', `snapshot:${base}`, '--name', `s${step}`]);
  standing.delete(name);
  standing.set(`s${step}`, 'snapshot name');
}

async function save({ lab, tips, step }: Ring, dir: string): Promise<void> {
  writeFileSync(lab.path(dir, `file-${step}`), `${step}`);
  tips.set(dir, (await lab.in(dir, ['snapshot'])).snapshot);
}

/** Each value that no later edit has seen is shown somewhere in the state, or stands in a record. */
export function assertNothingLost(
  { standing, tips, base }: Ring,
  { volset, branches, logs, conflicts }: Document,
): void {
  const kept = new Set([
    ...[volset.name, volset.description, ...Object.values(volset.attrs)],
    ...branches.map(({ name }: Document) => name),
    ...logs
      .flat()
      .filter(({ snapshot }: Document) => snapshot === base)
      .map(({ name }: Document) => name),
    ...conflicts.flatMap(({ sides }: Document) => sides),
  ]);
  assert.deepEqual(
    [...standing].filter(([value]) => !kept.has(value)),
    [],
  );
  const shownTips = Object.fromEntries(branches.map(({ name, tip }: Document) => [name, tip]));
  for (const [dir, tip] of tips) assert.equal(shownTips[`own-${dir}`], tip);
}
