/**
 * Stores that follow each other while people edit and everything fails now and then; then all is repaired, people join what
 * they drove apart, and one last edit is made: soon nothing moves any more, all are equal, and nothing was lost.
 */
import assert from 'node:assert/strict';
import { type Memory, MemoryProbe } from '../../hub/hub-memory.ts';
import { Random } from '../../support/seed.ts';
import { type Hub, Lab } from '../helpers/lab.ts';
import type { Running } from '../helpers/plait.ts';
import { areEqual, assertEqual, assertNothingLost, isInSync, mostWithin, parted, problemsOf } from './checks.ts';
import { Editor } from './edits.ts';
import { Perils } from './perils.ts';
import { FollowWorld } from './world.ts';

export interface Plan {
  seed: number;
  dirs: string[];
  hubs: string[];
  /** Edits go on until it says no; it is asked after each, with their number. */
  goesOn: (edits: number) => boolean;
  compacts: (edits: number) => boolean;
  /** From then on some processes are not killed any more, and from then on, being warm, what they hold is watched. */
  spares: (edits: number) => boolean;
  watches: (edits: number) => boolean;
  /** At most so many edits until what broke is repaired. */
  longest: number;
  /** For so long nobody asks a hub for anything at the end, milliseconds. */
  quietMs: number;
  say?: (text: string) => void;
}

export interface Shown {
  edits: number;
  snapshots: number;
  dropped: number;
  kinds: Record<string, number>;
  perils: Record<string, number>;
  problems: Record<string, number>;
  /** From the last edit until all were equal and in sync, and until the last byte to a hub; milliseconds. */
  equalMs: number;
  quietMs: number;
  /** From the last repair until all were in sync. */
  recoveredMs: number;
  /** To dead hubs, of one follower at one of them; `worst`: the milliseconds between those that came closest. */
  attempts: { all: number; inOneSecond: number; inFiveSeconds: number; worst: number[] };
  memory: Record<string, readonly [Memory, Memory]>;
}

/** Generous: whether it happens at all. */
const DEADLINE_MS = 120_000;

export async function shown(plan: Plan): Promise<Shown> {
  await using lab = new Lab({ timeout: 120_000 });
  await using world = await FollowWorld.make(lab, plan.dirs, plan.hubs);
  return await new Run(plan, world).run();
}

class Run {
  readonly #plan: Plan;
  readonly #world: FollowWorld;
  readonly #editors: Map<string, Editor>;
  readonly #perils: Perils;
  readonly #probes = new Map<string, MemoryProbe>();
  #edits = 0;

  constructor(plan: Plan, world: FollowWorld) {
    this.#plan = plan;
    this.#world = world;
    const random = new Random(plan.seed);
    const own = (): Random => new Random(random.below(2 ** 31));
    this.#editors = new Map(world.dirs.map((dir) => [dir, new Editor(world, dir, own())]));
    this.#perils = new Perils(world, own(), plan.longest);
  }

  async run(): Promise<Shown> {
    const world = this.#world;
    await this.#until('all are in sync for the first time', () => this.#areInSync());
    const before = await this.#chaos();
    await this.#perils.end();
    const repaired = performance.now();
    await this.#until('all are in sync after the repairs', () => this.#areInSync());
    const recoveredMs = performance.now() - repaired;
    this.#plan.say?.(`repaired: in sync after ${Math.round(recoveredMs)} ms`);
    await this.#join();
    const { equalMs, quietMs } = await this.#lastEdit();
    assertEqual(world);
    const made = new Map([...this.#editors].map(([dir, editor]) => [dir, editor.made]));
    const memory = Object.fromEntries(
      await Promise.all([...before].map(async ([name, then]) => [name, [then, await this.#held(name)]] as const)),
    );
    for (const [name, { exit, stderr }] of await world.stop())
      assert.deepEqual([exit, stderr.replace(/^memory .*\n/gm, '')], [0, ''], name);
    const followers = [...world.stations.values()].flatMap(({ follower, before: earlier }) => [...earlier, follower]);
    const knocks = world.doors.flatMap((door) => door.knocks);
    const worst = knocks.toSorted((a, b) => mostWithin(b, 1000) - mostWithin(a, 1000))[0] ?? [];
    const most = (ms: number): number => Math.max(0, ...knocks.map((times) => mostWithin(times, ms)));
    const report: Omit<Shown, 'problems'> = {
      edits: this.#edits,
      snapshots: new Set([...made.values()].flat()).size,
      dropped: world.dropped,
      kinds: sums([...this.#editors.values()].map(({ done }) => done)),
      perils: sums([this.#perils.came]),
      equalMs,
      quietMs,
      recoveredMs,
      attempts: { all: knocks.flat().length, inOneSecond: most(1000), inFiveSeconds: most(5000), worst: gaps(worst) },
      memory,
    };
    this.#plan.say?.(JSON.stringify(report));
    await assertNothingLost(world, made);
    return { ...report, problems: problemsOf(followers) };
  }

  /** Answers what those held that live on from some moment. */
  async #chaos(): Promise<Map<string, Memory>> {
    const { goesOn, compacts, spares, watches, say } = this.#plan;
    const world = this.#world;
    const memory = new Map<string, Memory>();
    const [first, ...mirrors] = world.hubs.keys();
    const spared = [`hub ${first}`, ...[world.dirs[0], ...mirrors].map((name) => `follower ${name}`)];
    let isSparing = false;
    const watch = async (): Promise<void> => {
      for (const name of spared) memory.set(name, await this.#held(name));
    };
    let watching: Promise<void> | undefined;
    const one = async (editor: Editor): Promise<void> => {
      while (goesOn(this.#edits)) {
        await editor.edit();
        this.#edits++;
        if (compacts(this.#edits)) {
          world.compact();
          say?.(`${this.#edits} edits, ${world.dropped} writes dropped`);
        }
        await this.#perils.step();
        if (!isSparing && spares(this.#edits)) {
          isSparing = true;
          this.#perils.spare(spared);
          // What was killed already is up again before it is watched.
          await this.#perils.end();
        }
        if (watching || !watches(this.#edits)) continue;
        watching = watch();
        // Whoever waits for it below sees why it failed.
        watching.catch(() => {});
      }
    };
    await Promise.all([...this.#editors.values()].map(one));
    await watching;
    return memory;
  }

  /** As people do who are told that a branch has diverged: one after the other. */
  async #join(): Promise<void> {
    const world = this.#world;
    for (let round = 0; ; round++) {
      for (const [dir, editor] of this.#editors) {
        await editor.run('save', ['snapshot', '--skip-unchanged']);
        await this.#quiet();
        for (const id of parted(world)) {
          const name = world.at(
            dir,
            (meta) => meta.listBranches(world.volset).find((branch) => branch.id === id)?.name,
          );
          if (name === undefined) continue;
          await editor.run('checkout', ['checkout', name]);
          for (const hub of world.hubs.keys()) await editor.run('merge', ['merge', `${hub}/${name}`]);
          this.#plan.say?.(`${dir} joined ${name}`);
          await this.#quiet();
        }
      }
      const apart = parted(world);
      if (apart.length === 0) return;
      assert.ok(round < 4, `branches that nobody could join: ${apart}`);
    }
  }

  async #lastEdit(): Promise<{ equalMs: number; quietMs: number }> {
    await Promise.all(
      [...this.#editors].map(async ([dir, editor], n) => {
        if (n === 0) await editor.run('checkout', ['checkout', 'main']);
        if (n === 0) await editor.save();
        else await editor.run('last', ['update', '--attr', `last-${dir}=${dir}`]);
        await editor.run('last', ['branch', 'create', `last-${dir}`]);
      }),
    );
    const start = performance.now();
    await this.#until(
      'all are equal and in sync after the last edit',
      () => this.#areInSync() && areEqual(this.#world),
    );
    const equalMs = performance.now() - start;
    await this.#quiet(this.#plan.quietMs);
    assert.ok(this.#areInSync(), 'in sync for as long as nothing happens');
    return { equalMs, quietMs: Math.max(0, this.#lastByte() - start) };
  }

  #areInSync(): boolean {
    return [...this.#world.stations.values()].every(isInSync);
  }

  #lastByte(): number {
    return Math.max(...this.#world.doors.map(({ upAt }) => upAt));
  }

  #quiet(ms = 1500): Promise<void> {
    const isQuiet = (): boolean => performance.now() - this.#lastByte() > ms && this.#areInSync();
    return this.#until(`nobody asks for anything for ${ms} ms`, isQuiet);
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    const start = performance.now();
    while (!holds()) {
      assert.ok(performance.now() - start < DEADLINE_MS, `not ${what}: ${this.#standing()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #standing(): string {
    const last = [...this.#world.stations.values()].map(({ name, follower }) => [name, follower.events.slice(-4)]);
    const silent = this.#world.doors.map(({ upAt }) => Math.round(performance.now() - upAt));
    return `PLAIT_SEED=${this.#plan.seed} ${JSON.stringify({ last, silent, parted: parted(this.#world) })}`;
  }

  async #held(name: string): Promise<Memory> {
    const [kind, of] = name.split(' ');
    const follower = this.#world.stations.get(of)?.follower;
    const running = kind === 'hub' ? this.#world.hubs.get(of)?.running : follower?.running;
    // Whoever has told something listens to signals by then.
    if (kind === 'follower') await this.#until(`${name} has begun`, () => (follower?.events.length ?? 0) > 0);
    const probe = this.#probes.get(name) ?? new MemoryProbe({ running: running as Running } as Hub);
    this.#probes.set(name, probe);
    return probe.ask();
  }
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((at, i) => Math.round(at - times[i]));

function sums(all: Map<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [what, count] of counts) sum[what] = (sum[what] ?? 0) + count;
  return Object.fromEntries(Object.entries(sum).sort());
}
