/** Working directories and hubs that all follow each other, each line through a door of its own. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VolsetId } from '../../../src/core/ids.ts';
import { type MetaStore, openMetaStore } from '../../../src/meta/index.ts';
import { PROBED } from '../../hub/hub-memory.ts';
import { Follower } from '../helpers/follower.ts';
import type { Document, Hub, Lab } from '../helpers/lab.ts';
import { cleanEnv, type Ended } from '../helpers/plait.ts';
import { Door } from './door.ts';

/** One that follows: a working directory, or the store of a hub. */
export interface Station {
  name: string;
  /** By the name of the hub behind it. */
  doors: Map<string, Door>;
  flags: string[];
  follower: Follower;
  /** How its earlier processes told what they told. */
  before: Follower[];
}

/** Branches that nobody deletes, so that no round deletes half of them. */
export const KEPT = Array.from({ length: 8 }, (_, i) => `kept-${i}`);
const STATE_DIR = join(cleanEnv()['XDG_STATE_HOME'] as string, 'plait', 'stores');
const RETIRE_MS = 30 * 86_400_000;

export class FollowWorld implements AsyncDisposable {
  readonly lab: Lab;
  readonly hubs = new Map<string, Hub>();
  readonly stations = new Map<string, Station>();
  volset!: VolsetId;
  dropped = 0;

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  /** `a`, `b`, … and the hubs `one`, `two`; `two` follows `one` as well. */
  static async make(lab: Lab, dirs: string[], hubs: string[]): Promise<FollowWorld> {
    const world = new FollowWorld(lab);
    for (const name of hubs) world.hubs.set(name, await lab.hubWith(PROBED, name));
    for (const dir of dirs) await world.#directory(dir);
    const [first, ...others] = hubs;
    for (const name of others) {
      const door = await world.#door(first);
      await lab.run(['--store', lab.path(name), 'remote', 'add', first, door.url]);
      world.#station(name, new Map([[first, door]]), ['--all-volsets']);
    }
    for (const dir of dirs) await lab.in(dir, ['sync', first]);
    return world;
  }

  async #directory(dir: string): Promise<void> {
    const { lab } = this;
    const doors = new Map<string, Door>();
    for (const hub of this.hubs.keys()) doors.set(hub, await this.#door(hub));
    const isFirst = this.stations.size === 0;
    const [[first, door]] = doors;
    if (isFirst) await lab.volume(dir);
    else await lab.run(['clone', `${door.url}/data`, lab.path(dir)]);
    if (!isFirst) await lab.in(dir, ['remote', 'rename', 'origin', first]);
    for (const [hub, { url }] of doors)
      if (isFirst || hub !== first) await lab.in(dir, ['remote', 'add', hub, `${url}/data`]);
    if (isFirst) {
      writeFileSync(lab.path(dir, 'shared'), 'first');
      this.volset = (await lab.in(dir, ['snapshot'])).volsetId;
      for (const name of KEPT) await lab.in(dir, ['branch', 'create', name]);
      for (const hub of doors.keys()) await lab.in(dir, ['push', hub]);
    }
    this.#station(dir, doors, []);
  }

  async #door(hub: string): Promise<Door> {
    return Door.open((this.hubs.get(hub) as Hub).url);
  }

  #station(name: string, doors: Map<string, Door>, flags: string[]): void {
    const follower = this.#follow(name, flags);
    this.stations.set(name, { name, doors, flags, follower, before: [] });
  }

  #follow(name: string, flags: string[]): Follower {
    return Follower.start(this.lab, name, flags, PROBED);
  }

  get doors(): Door[] {
    return [...this.stations.values()].flatMap(({ doors }) => [...doors.values()]);
  }

  doorsTo(hub: string): Door[] {
    return [...this.stations.values()].flatMap(({ doors }) => doors.get(hub) ?? []);
  }

  get dirs(): string[] {
    return [...this.stations.keys()].filter((name) => !this.hubs.has(name));
  }

  async killFollower(name: string): Promise<void> {
    const station = this.stations.get(name) as Station;
    const { signal } = await station.follower.stop('SIGKILL');
    // It had ended by itself, which it must not.
    if (signal !== 'SIGKILL') throw new Error(`the follower of ${name} had ended: ${await saidBy(station.follower)}`);
    station.before.push(station.follower);
  }

  startFollower(name: string): void {
    const station = this.stations.get(name) as Station;
    for (const door of station.doors.values()) door.another();
    station.follower = this.#follow(name, station.flags);
  }

  async killHub(name: string): Promise<void> {
    const ending = this.hubs.get(name)?.stop('SIGKILL');
    for (const door of this.doorsTo(name)) door.die();
    await ending;
  }

  async startHub(name: string): Promise<void> {
    const { host } = new URL((this.hubs.get(name) as Hub).url);
    this.hubs.set(name, await this.lab.hubWith(PROBED, name, '--listen', host));
    for (const door of this.doorsTo(name)) door.revive();
  }

  get stores(): string[] {
    return [...this.dirs, ...this.hubs.keys()];
  }

  folder(store: string): string {
    return this.hubs.has(store) ? this.lab.path(store) : this.lab.path(store, '.plait');
  }

  /** As another process of that store. */
  at<T>(store: string, look: (meta: MetaStore) => T): T {
    using meta = openMetaStore({ path: join(this.folder(store), 'meta.db'), stateDir: STATE_DIR });
    return look(meta);
  }

  /** No command does it yet. */
  compact(): void {
    for (const store of this.stores)
      this.dropped += this.at(store, (meta) => meta.compact(this.volset, { retireAfterMs: RETIRE_MS })).dropped;
  }

  /** All processes that follow end by their signal, exit 0. */
  async stop(): Promise<Map<string, Ended>> {
    const ends = new Map<string, Ended>();
    for (const { name, follower } of this.stations.values()) ends.set(name, await follower.stop());
    return ends;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { follower } of this.stations.values()) await follower.stop('SIGKILL');
    for (const door of this.doors) await door[Symbol.asyncDispose]();
  }
}

export const statusOf = ({ follower }: Station, remote: string): Document | undefined =>
  follower.events.findLast((event) => event.event === 'status' && event.remote === remote);

async function saidBy(follower: Follower): Promise<string> {
  const { exit, signal, stderr } = await follower.running.ended;
  return JSON.stringify({ exit, signal, stderr, events: follower.events.slice(-5) });
}
