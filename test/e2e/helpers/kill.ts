/** Commands that are killed at moments spread over their run, and run again. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSame, type Hub, type Lab, parse } from './lab.ts';
import { type SpawnSetup, startPlait } from './plait.ts';
import { noise } from './trees.ts';

/** When to kill: at the n-th line of progress, and so many ms later. The process may be done by then. */
export interface Moment {
  line: number;
  afterMs: number;
}

/** `count` moments, early and late, the same for the same seed. */
export function moments(count: number, seed: number): Moment[] {
  const random = noise(count * 8, seed);
  return Array.from({ length: count }, (_, i) => ({
    line: random.readUInt32LE(i * 8) % 4,
    afterMs: i % 2 === 0 ? 0 : random.readUInt32LE(i * 8 + 4) % 60,
  }));
}

/** Runs a command and kills it at a moment of its progress. True when it was still running then. */
export async function runAndKill(argv: string[], setup: SpawnSetup, { line, afterMs }: Moment): Promise<boolean> {
  const { child, ended } = startPlait(['--json', '--progress', 'json', ...argv], { input: '', ...setup });
  let seen = 0;
  const kill = () => child.kill('SIGKILL');
  const look = (lines: number) => {
    const before = seen;
    seen += lines;
    if (before <= line && seen > line) setTimeout(kill, afterMs);
  };
  child.stderr?.on('data', (chunk: Buffer) => look(chunk.toString().split('\n').length - 1));
  // The moment before the first line of progress.
  look(1);
  return (await ended).signal === 'SIGKILL';
}

/** Some hundred small files and one of several MB. */
export function makeWork(dir: string): void {
  for (let i = 0; i < 150; i++) writeFileSync(join(dir, `file-${String(i).padStart(3, '0')}`), noise(3000, i + 1));
  writeFileSync(join(dir, 'big'), noise(4 << 20));
}

export function changeWork(dir: string, round: number): void {
  const names = readdirSync(dir).filter((name) => name.startsWith('file-'));
  names.forEach((name, i) => {
    if ((i + round) % 3 === 0) writeFileSync(join(dir, name), noise(3500, i + 1000 * (round + 1)));
    if ((i + round) % 20 === 0) rmSync(join(dir, name));
  });
  for (let i = 0; i < 40; i++) writeFileSync(join(dir, `file-${round}-${i}`), noise(2000, 77 * i + round));
  const big = readFileSync(join(dir, 'big'));
  noise(1 << 20, round + 5).copy(big, (round % 6) << 19);
  writeFileSync(join(dir, 'big'), big);
}

/**
 * One round: each of snapshot, push, clone, pull and checkout is killed once, must succeed when it is run again, and
 * leave what an undisturbed run would; after the `last` one every store is read and verified. Answers how many were still running when they were killed.
 */
export async function killRound(lab: Lab, hub: Hub, round: number, last: boolean): Promise<number> {
  const [work, copy, fresh] = ['work', 'copy', `fresh-${round}`].map((name) => lab.path(name));
  const when = moments(5, round + 1);
  let killed = 0;
  const disturb = async (argv: string[], moment: Moment) => {
    if (await runAndKill(argv, { cwd: lab.dir }, moment)) killed++;
    const end = await startPlait(['--json', ...argv], { cwd: lab.dir, input: '' }).ended;
    // A clone that had just finished is refused the second time, as it should be.
    const finished = argv[0] === 'clone' && end.exit === 2 && parse(end).error.code === 'exists';
    assert.ok(
      end.exit === 0 || finished,
      `${argv.join(' ')} after kill at ${JSON.stringify(moment)}: ${JSON.stringify(end)}`,
    );
    return parse(end);
  };
  changeWork(work, round);
  const made = await disturb(['-C', work, 'snapshot'], when[0]);
  assert.deepEqual([made.problems, made.branch], [[], 'main']);
  assert.equal((await lab.run(['-C', work, 'status'])).clean, true);
  await disturb(['-C', work, 'push'], when[1]);
  await disturb(['clone', `${hub.url}/data`, fresh], when[2]);
  assertSame(work, fresh);
  assert.equal((await lab.run(['-C', fresh, 'snapshot', '--skip-unchanged'])).created, false);
  const pulled = await disturb(['-C', copy, 'pull'], when[3]);
  assert.deepEqual([pulled.diverged, pulled.problems], [[], []]);
  assertSame(work, copy);
  await disturb(['-C', copy, 'checkout', 'main~1'], when[4]);
  assert.equal((await lab.run(['-C', copy, 'status'])).clean, true);
  await lab.run(['-C', copy, 'checkout', 'main']);
  assertSame(work, copy);
  const stores = last ? [hub.store, ...[work, copy, fresh].map((dir) => join(dir, '.plait'))] : [];
  for (const store of stores) await lab.verify(store);
  rmSync(fresh, { recursive: true });
  return killed;
}
