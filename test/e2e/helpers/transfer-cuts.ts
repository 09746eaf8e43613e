/** Pushes to new hubs and clones into new directories, each hit several times on its way and complete in the end. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../support/seed.ts';
import { CutLine, type Strike, strikes, type Through } from './cut-line.ts';
import { assertSame, type Document, type Lab } from './lab.ts';
import { noise } from './trees.ts';

export interface CutPlan {
  /** Of a working directory `work` that holds one snapshot, not pushed anywhere. */
  lab: Lab;
  random: Random;
  strikes: number;
  /** Options of the push, and how many streams it and the clone have at most. */
  parallel: number;
}

export interface Figures {
  verb: 'push' | 'clone';
  clean: number;
  through: number;
  struck: number;
  runs: number;
  ms: number;
}

const MIB = 1024 * 1024;

/** Sent again after one cut, at most. */
export const againPerCut = (streams: number): number => (4 * streams + 8) * MIB;

/** Files of all sizes that do not compress. */
export function makeBulk(dir: string, bytes: number, seed = 1): void {
  mkdirSync(join(dir, 'some'), { recursive: true });
  const random = new Random(seed);
  for (let n = 0, left = bytes; left > 0; n++) {
    const size = Math.min(left, 4 * (1 + (n % 10 === 0 ? random.below(MIB) : random.below(15_000))));
    writeFileSync(join(dir, n % 2 === 0 ? 'some' : '.', `file-${n}`), noise(size, seed * 100_000 + n));
    left -= size;
  }
}

/** Bytes of a push and a clone that nobody disturbs. */
export async function cleanBytes({ lab, parallel }: CutPlan): Promise<{ push: number; clone: number }> {
  await using line = await CutLine.start(lab, 'hub-clean');
  const push = await pushThrough(lab, line, 'clean', [], parallel);
  const clone = await cloneThrough(lab, line, 'clean', []);
  assert.deepEqual([push.runs, clone.runs], [1, 1]);
  rmSync(line.store, { recursive: true });
  return { push: push.bytes, clone: clone.bytes };
}

async function pushThrough(lab: Lab, line: CutLine, remote: string, planned: Strike[], parallel: number) {
  await lab.in('work', ['remote', 'add', remote, line.url]);
  const push = ['-C', lab.path('work'), 'push', remote, '--parallel', `${parallel}`];
  const through = await line.through(push, planned);
  await assertSettled(lab, 'work', remote, through.struck.includes('hub'));
  await lab.in('work', ['remote', 'remove', remote]);
  assert.deepEqual(await verified(lab, line.store), [true, []]);
  return through;
}

async function cloneThrough(lab: Lab, line: CutLine, name: string, planned: Strike[]): Promise<Through> {
  const dir = `clone-${name}`;
  const through = await line.through(['clone', line.url, lab.path(dir)], planned);
  assert.equal((await lab.in(dir, ['snapshot', '--skip-unchanged'])).created, false);
  assertSame(lab.path('work'), lab.path(dir));
  assert.deepEqual(await verified(lab, lab.path(dir, '.plait')), [true, []]);
  rmSync(lab.path(dir), { recursive: true });
  return through;
}

/** One push to a new hub, through cuts. The hub is read to the last byte. */
export async function cutPush(plan: CutPlan, clean: number, name: string): Promise<Figures> {
  const { lab, random, parallel } = plan;
  await using line = await CutLine.start(lab, `hub-${name}`);
  const started = performance.now();
  const planned = strikes(random, plan.strikes, clean);
  const figures = await told('push', planned, clean, started, () => pushThrough(lab, line, name, planned, parallel));
  await line.killHub();
  await lab.verify(line.store);
  rmSync(line.store, { recursive: true });
  return figures;
}

/** One clone from a hub that holds everything, through cuts: one in five falls into the time when files are written. */
export async function cutClone(plan: CutPlan, line: CutLine, clean: number, name: string): Promise<Figures> {
  const { lab, random } = plan;
  const late = Math.floor(plan.strikes / 5);
  const planned = strikes(random, plan.strikes - late, clean);
  for (let n = 0; n < late; n++)
    planned.push({ victim: 'client', at: { phase: 'checking out', ms: random.below(2000) } });
  const started = performance.now();
  return await told('clone', planned, clean, started, () => cloneThrough(lab, line, name, planned));
}

async function told(
  verb: Figures['verb'],
  planned: Strike[],
  clean: number,
  started: number,
  run: () => Promise<Through>,
): Promise<Figures> {
  try {
    const { bytes, struck, runs } = await run();
    const ms = Math.round(performance.now() - started);
    return { verb, clean, through: bytes, struck: struck.length, runs, ms };
  } catch (error) {
    throw new Error(`${verb} through ${JSON.stringify(planned)}`, { cause: error });
  }
}

/**
 * A push finds in one request that there is nothing to send; nothing waits; the hub says that it holds every number there
 * is. A hub that restarted between an offer and its parts does not know their numbers: it is told them by one more offer.
 */
export async function assertSettled(lab: Lab, dir: string, remote: string, hubFell: boolean): Promise<void> {
  if (hubFell) {
    const { pushed, requests } = await lab.in(dir, ['push', remote]);
    assert.ok(pushed.bytes === 0 && requests <= 2, `${pushed.bytes} bytes, ${requests} requests`);
  }
  const idle = await lab.in(dir, ['push', remote]);
  assert.deepEqual([idle.pushed.bytes, idle.requests, idle.upToDate], [0, 1, true]);
  const { remotes } = await lab.in(dir, ['queue', 'list', remote]);
  const [{ entries, dead, head, sealed }] = remotes as Document[];
  assert.deepEqual([entries, dead, sealed], [[], [], [[1, head]]]);
}

async function verified(lab: Lab, store: string): Promise<unknown[]> {
  const { ok, damage } = await lab.run(['--store', store, 'verify']);
  return [ok, damage];
}
