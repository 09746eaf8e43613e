/** What must be true of stores that have followed each other until nothing moves any more. */
import assert from 'node:assert/strict';
import type { SnapshotId } from '../../../src/core/ids.ts';
import { faultsOf, portrait, stable } from '../../properties/simulation/invariants.ts';
import { assertDocumented, type Follower } from '../helpers/follower.ts';
import { type FollowWorld, type Station, statusOf } from './world.ts';

/** Vector, names, attributes, snapshots and tips of each store. */
export function portraits(world: FollowWorld): Map<string, string> {
  const { volset } = world;
  return new Map(
    world.stores.map((store) => [
      store,
      world.at(store, (meta) => stable([portrait(meta, volset), tipsOf(world, store)])),
    ]),
  );
}

export const areEqual = (world: FollowWorld): boolean => new Set(portraits(world).values()).size === 1;

export function assertEqual(world: FollowWorld): void {
  const [[, first], ...others] = portraits(world);
  for (const [store, other] of others) assert.equal(other, first, `${store} is not like ${world.stores[0]}`);
}

/** Of the branches that live. */
export const tipsOf = (world: FollowWorld, store: string): Record<string, string | null> =>
  world.at(store, (meta) => Object.fromEntries(meta.listBranches(world.volset).map(({ id, tip }) => [id, tip])));

/** Ids of branches that do not stand at one tip everywhere. */
export function parted(world: FollowWorld): string[] {
  const all = world.stores.map((store) => tipsOf(world, store));
  const ids = new Set(all.flatMap((tips) => Object.keys(tips)));
  return [...ids].filter((id) => new Set(all.map((tips) => tips[id])).size > 1).sort();
}

export function isInSync(station: Station): boolean {
  return [...station.doors.keys()].every((remote) => statusOf(station, remote)?.status === 'in-sync');
}

/**
 * Every snapshot that anybody made is known everywhere, and its data is where it was made and wherever a branch leads to
 * it; every value that does not stand is in a conflict record; all bytes are as they should be.
 */
export async function assertNothingLost(world: FollowWorld, made: Map<string, readonly string[]>): Promise<void> {
  const all = [...new Set([...made.values()].flat())] as SnapshotId[];
  for (const store of world.stores) {
    world.at(store, (meta) => {
      const { volset } = world;
      assert.deepEqual(faultsOf(meta, volset, { vector: {} }, true), [], store);
      const absent = all.filter((id) => meta.findSnapshot(volset, id) === undefined);
      assert.deepEqual(absent, [], `snapshots that ${store} has not heard of`);
      const without = new Set(meta.missingBlobs(volset));
      const own = (made.get(store) ?? []) as SnapshotId[];
      const reached = new Set<SnapshotId>(own);
      const next = meta.listBranches(volset).flatMap(({ tip }) => tip ?? []);
      for (let ids = next; ids.length > 0; ) {
        for (const id of ids) reached.add(id);
        ids = Object.values(meta.parentsOf(volset, ids))
          .flat()
          .filter((id) => !reached.has(id));
      }
      assert.deepEqual(
        [...reached].filter((id) => without.has(id)),
        [],
        `snapshots without data in ${store}`,
      );
    });
    await world.lab.verify(world.folder(store));
  }
}

/** What a follower may say of things that went wrong. */
const EXPECTED = [
  'diverged',
  'unsaved-changes',
  'conflicts',
  'guard',
  'busy',
  'network',
  'deadline',
  'incomplete',
  'blob-absent',
];

/** Problems that were told, by event and code; those that only a fault of ours can cause fail. */
export function problemsOf(followers: readonly Follower[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { events } of followers) {
    assertDocumented(events);
    for (const event of events) {
      if (event.type !== 'problem') continue;
      assert.ok(event.code === undefined || EXPECTED.includes(event.code), JSON.stringify(event));
      const what = `${event.event} ${event.code ?? ''}`;
      counts[what] = (counts[what] ?? 0) + 1;
    }
  }
  return counts;
}

/** The largest number of times within so many milliseconds. */
export const mostWithin = (times: readonly number[], ms: number): number =>
  times.reduce((most, at, i) => Math.max(most, times.filter((other, j) => j >= i && other - at < ms).length), 0);
