/** Two commands at once on one store, killed at any moment; then the next command simply works. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, Lab, parse } from '../e2e/helpers/lab.ts';
import { type Ended, startPlait } from '../e2e/helpers/plait.ts';
import { noise } from '../e2e/helpers/trees.ts';
import { Random } from '../support/seed.ts';

const IN_WORK = [
  ['snapshot'],
  ['snapshot', '--push', 'origin'],
  ['push'],
  ['sync'],
  ['fetch'],
  ['update', '--description', 'words'],
  ['branch', 'create', 'BRANCH'],
  ['remote', 'add', 'BRANCH', '/nowhere/data'],
  ['verify'],
  ['gc'],
];
const IN_COPY = [
  ['pull'],
  ['sync'],
  ['fetch'],
  ['checkout', 'main~1'],
  ['checkout', 'main'],
  ['restore', 'main~1', '--to', 'OUT'],
  ['config', 'set', 'label', 'BRANCH'],
  ['verify', '--read-data'],
  ['gc'],
];
/** A bug, damage, another identity, an unknown format: never the answer to a neighbour that was killed. */
const NEVER = [1, 14, 16, 17];

export class Kills {
  readonly lab = new Lab();
  readonly #random: Random;
  #round = 0;
  /** Snapshots that a command said it had made. */
  readonly #told: string[] = [];
  killed = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async prepare(): Promise<void> {
    const { lab } = this;
    await lab.run(['init', '--bare', lab.path('hub')]);
    await lab.run(['init', lab.path('work'), '--volset', 'data']);
    await lab.in('work', ['remote', 'add', 'origin', `${lab.path('hub')}/data`]);
    for (let n = 0; n < 2; n++) {
      this.#edit();
      await lab.in('work', ['snapshot', '--push', 'origin']);
    }
    await lab.run(['clone', `${lab.path('hub')}/data`, lab.path('copy')]);
  }

  #edit(): void {
    this.#round++;
    for (let i = 0; i < 4; i++) {
      const bytes = noise(2000 + this.#random.below(60_000), this.#random.below(1 << 30));
      writeFileSync(this.lab.path('work', `file-${this.#random.below(12)}`), bytes);
    }
  }

  /** Both die, or one of them. */
  async round(): Promise<void> {
    const random = this.#random;
    this.#edit();
    const dir = random.below(3) === 0 ? 'copy' : 'work';
    const both = [0, 1].map((n) => this.#start(dir, n));
    const victims = random.below(2) === 0 ? both : [both[random.below(2)]];
    const after = 20 + random.below(this.#span);
    const story = `${dir}: ${both.map(({ argv }) => argv.join(' ')).join(' | ')}, ${victims.length} killed after ${after} ms`;
    const timer = setTimeout(() => {
      for (const { running } of victims) running.child.kill('SIGKILL');
    }, after);
    const start = performance.now();
    const ends = await Promise.all(both.map(({ running }) => running.ended));
    clearTimeout(timer);
    this.#learn(performance.now() - start, ends);
    for (const end of ends) this.#judge(end, story);
    await this.#goOn(story);
  }

  /** Moments are spread over about the time that commands take here. */
  #span = 1500;
  #learn(took: number, ends: Ended[]): void {
    if (ends.every(({ signal }) => signal === null)) this.#span = Math.max(200, Math.min(this.#span, took * 1.1));
    else this.#span = Math.min(5000, this.#span * 1.02);
  }

  #start(dir: string, n: number): { argv: string[]; running: ReturnType<typeof startPlait> } {
    const name = `b${this.#round}-${n}`;
    const argv = this.#random
      .pick(dir === 'copy' ? IN_COPY : IN_WORK)
      .map((word) => (word === 'BRANCH' ? name : word === 'OUT' ? this.lab.path(`out-${name}`) : word));
    const running = startPlait(['--json', '-C', this.lab.path(dir), ...argv], { cwd: this.lab.dir, input: '' });
    return { argv, running };
  }

  #judge(end: Ended, story: string): void {
    if (end.signal === 'SIGKILL') {
      this.killed++;
      return;
    }
    assert.ok(end.exit !== null && !NEVER.includes(end.exit), `${story}: ${JSON.stringify(end)}`);
    const { snapshot, created } = parse(end);
    if (end.exit === 0 && typeof snapshot === 'string' && created === true) this.#told.push(snapshot);
  }

  /** No manual step: snapshot and push there, pull here, and all that was reported is there. */
  async #goOn(story: string): Promise<void> {
    const { lab } = this;
    const run = async (dir: string, argv: string[]): Promise<Document> => {
      try {
        return await lab.in(dir, argv);
      } catch (error) {
        (error as Error).message = `after ${story}: ${(error as Error).message}`;
        throw error;
      }
    };
    await run('work', ['snapshot']);
    await run('work', ['sync']);
    await run('copy', ['checkout', 'main']);
    await run('copy', ['pull']);
    for (const dir of ['work', 'copy']) assert.equal((await run(dir, ['status'])).clean, true, story);
  }

  /** Every byte of every store, and every snapshot that was reported. */
  async end(): Promise<void> {
    const { lab } = this;
    for (const store of ['hub', join('work', '.plait'), join('copy', '.plait')]) await lab.verify(lab.path(store));
    const { snapshots } = await lab.in('work', ['log']);
    const there = new Set(snapshots.map(({ id, snapshot }: Document) => id ?? snapshot));
    for (const one of this.#told) assert.ok(there.has(one), `${one} was reported and is not in the log`);
  }
}

export async function killMany(count: number, seed: number, verifyEvery: number): Promise<Kills> {
  const kills = new Kills(seed);
  await using _ = kills.lab;
  await kills.prepare();
  while (kills.killed < count) {
    const before = kills.killed;
    await kills.round();
    if (Math.floor(before / verifyEvery) !== Math.floor(kills.killed / verifyEvery)) await kills.end();
  }
  await kills.end();
  return kills;
}
