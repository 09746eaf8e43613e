/** What befalls followers and hubs while somebody edits: lines that are cut, stand still or lead nowhere; kill -9. */
import type { Random } from '../../support/seed.ts';
import type { FollowWorld } from './world.ts';

export class Perils {
  /** How often each came. */
  readonly came = new Map<string, number>();
  readonly #world: FollowWorld;
  readonly #random: Random;
  /** At most so many edits until it is well again. */
  readonly #longest: number;
  /** What is being repaired, and after how many edits. */
  readonly #broken = new Map<string, { left: number; repair: () => void | Promise<void> }>();
  /** Processes that are not killed. */
  readonly #spared = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(world: FollowWorld, random: Random, longest: number) {
    this.#world = world;
    this.#random = random;
    this.#longest = longest;
  }

  spare(processes: readonly string[]): void {
    for (const one of processes) this.#spared.add(one);
  }

  /** After each edit. */
  step(): Promise<void> {
    return this.#inTurn(async () => {
      for (const [what, broken] of [...this.#broken]) if (--broken.left <= 0) await this.#repair(what);
      if (this.#random.chance(0.4)) await this.#strike();
    });
  }

  /** All is well from now on. */
  end(): Promise<void> {
    return this.#inTurn(async () => {
      for (const what of [...this.#broken.keys()]) await this.#repair(what);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }

  async #repair(what: string): Promise<void> {
    const { repair } = this.#broken.get(what) ?? {};
    this.#broken.delete(what);
    await repair?.();
  }

  async #strike(): Promise<void> {
    const world = this.#world;
    const random = this.#random;
    const kind = random.pick(['cut', 'cut', 'stall', 'dead line', 'hub', 'follower', 'follower']);
    if (kind === 'hub') return this.#kill(`hub ${random.pick([...world.hubs.keys()])}`);
    if (kind === 'follower') return this.#kill(`follower ${random.pick([...world.stations.keys()])}`);
    const { name, doors } = random.pick([...world.stations.values()]);
    const [hub, door] = random.pick([...doors]);
    const what = `line ${name} ${hub}`;
    if (this.#broken.has(what) || this.#broken.has(`hub ${hub}`)) return;
    this.#count(kind);
    if (kind === 'cut') door.cut();
    else if (kind === 'stall') {
      door.stall(true);
      this.#break(what, () => door.stall(false));
    } else {
      door.die();
      this.#break(what, () => door.revive());
    }
  }

  async #kill(what: string): Promise<void> {
    const world = this.#world;
    if (this.#spared.has(what) || this.#broken.has(what)) return;
    const [kind, name] = what.split(' ');
    this.#count(kind);
    if (kind === 'hub') {
      // One thing at a time is wrong with a line, so that attempts can be told apart.
      for (const other of [...this.#broken.keys()])
        if (/^line /.test(other) && other.endsWith(` ${name}`)) await this.#repair(other);
      await world.killHub(name);
      this.#break(what, () => world.startHub(name));
    } else {
      await world.killFollower(name);
      this.#break(what, () => world.startFollower(name));
    }
  }

  #break(what: string, repair: () => void | Promise<void>): void {
    this.#broken.set(what, { left: 1 + this.#random.below(this.#longest), repair });
  }

  #count(kind: string): void {
    this.came.set(kind, (this.came.get(kind) ?? 0) + 1);
  }
}
