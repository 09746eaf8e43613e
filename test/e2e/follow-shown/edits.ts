/** Random edits of a working directory, as somebody makes them who does not know what others do. */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { Random } from '../../support/seed.ts';
import { plait } from '../helpers/plait.ts';
import { type FollowWorld, KEPT } from './world.ts';

/** What others did in between is in the way: names that are gone or taken, changes that are not saved, a lock. */
const IN_THE_WAY = [2, 4, 5, 6, 8, 10, 11];

export class Editor {
  /** Snapshots that it was told of. */
  readonly made: string[] = [];
  /** Of each kind of edit, its exit codes. */
  readonly done = new Map<string, number>();
  readonly #world: FollowWorld;
  readonly #dir: string;
  readonly #random: Random;
  #count = 0;

  constructor(world: FollowWorld, dir: string, random: Random) {
    this.#world = world;
    this.#dir = dir;
    this.#random = random;
  }

  /** One command. */
  async edit(): Promise<void> {
    const random = this.#random;
    const kinds = [
      'save',
      'save',
      'save',
      'create',
      'rename',
      'delete',
      'attr',
      'attr',
      'attr',
      'checkout',
      'merge',
      'describe',
    ];
    await this[random.pick(kinds) as 'save']();
  }

  async save(...flags: string[]): Promise<void> {
    const path = (name: string): string => this.#world.lab.path(this.#dir, name);
    const text = this.#text();
    if (this.#random.chance(0.3)) writeFileSync(path('shared'), text);
    else appendFileSync(path(`of-${this.#dir}-${this.#random.below(4)}`), `${text}\n${this.#random.hex(2000)}\n`);
    await this.run('save', ['snapshot', '-m', text, ...flags], 3);
  }

  create = (): Promise<void> => this.run('create', ['branch', 'create', `${this.#dir}-${this.#random.below(6)}`]);
  /** Also names that others take. */
  rename = (): Promise<void> =>
    this.run('rename', ['branch', 'rename', this.#branch(), `named-${this.#random.below(8)}`]);
  delete = (): Promise<void> => this.run('delete', ['branch', 'delete', this.#branch(), '--force']);
  /** 9: the directory has edits that kept it from following its branch. */
  merge = (): Promise<void> =>
    this.run('merge', ['merge', `${this.#random.pick([...this.#world.hubs.keys()])}/main`], 9);
  describe = (): Promise<void> => this.run('describe', ['update', '--description', this.#text()]);
  checkout = (): Promise<void> =>
    this.run('checkout', ['checkout', this.#random.chance(0.6) ? 'main' : this.#random.pick(KEPT)]);

  attr(): Promise<void> {
    const object = this.#random.chance(0.5) ? [] : [`branch:${this.#random.pick(KEPT)}`];
    return this.run('attr', ['update', ...object, '--attr', `k${this.#random.below(3)}=${this.#text()}`]);
  }

  /** Longer than a hash, so that compaction may win something. */
  #text(): string {
    return `${this.#dir} ${++this.#count} ${this.#random.hex(64)}`;
  }

  #branch(): string {
    const dir = this.#random.pick(this.#world.dirs);
    return this.#random.chance(0.4) ? `named-${this.#random.below(8)}` : `${dir}-${this.#random.below(6)}`;
  }

  async run(kind: string, argv: string[], ...also: number[]): Promise<void> {
    const { exit, stdout, stderr } = await plait(['-C', this.#world.lab.path(this.#dir), '--json', ...argv]);
    const what = `${kind} ${exit}`;
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
    if (exit !== 0 && ![...IN_THE_WAY, ...also].includes(exit ?? -1))
      throw new Error(`plait ${argv.join(' ')} in ${this.#dir}: exit ${exit} ${stdout} ${stderr}`);
    const { snapshot } = JSON.parse(stdout);
    if (typeof snapshot === 'string') this.made.push(snapshot);
  }
}
