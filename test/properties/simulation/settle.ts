/** The end of a simulation: everybody syncs until nobody learns anything, and then all must be equal (I17). */
import type { Policy } from '../../../src/core/reconcile.ts';
import { portrait } from './invariants.ts';
import { logOf } from './oracle.ts';
import type { SimStore } from './sim-store.ts';
import type { World } from './world.ts';

/** Answers with what is wrong then. */
export async function settle(world: World, maxRounds: number): Promise<string[]> {
  const { volset, stores } = world;
  for (const store of stores) world.cut(store);
  const all = new Set(stores.flatMap((store) => logOf(store.quietly, volset).map(({ hash }) => hash)));
  const faults = (await isQuietAfter(world, maxRounds)) ? [] : [`I17: not quiet after ${maxRounds} rounds`];
  for (const store of stores) world.cut(store);
  const pictures = stores.map((store) => portrait(store.quietly, volset));
  pictures.forEach((picture, i) => {
    if (picture !== pictures[0])
      faults.push(`I17: ${stores[0].name} and ${stores[i].name} differ:\n${pictures[0]}\n${picture}`);
  });
  for (const store of stores) {
    const held = new Set(logOf(store.quietly, volset).map(({ hash }) => hash));
    const gone = [...all].filter((hash) => !held.has(hash)).length;
    if (gone > 0) faults.push(`I13: ${store.name} lacks ${gone} generations that somebody had`);
    store.touched = true;
  }
  return [...faults, ...world.faults(), ...(await idle(world))];
}

async function isQuietAfter(world: World, maxRounds: number): Promise<boolean> {
  const { volset, stores, random } = world;
  for (let round = 0; round < maxRounds; round++) {
    const before = stores.map((store) => portrait(store.quietly, volset));
    for (const [client, hub] of pairs(stores)) {
      await world.sync(client, hub, { verb: 'sync', policy: random.pick<Policy>(['target', 'current', 'newest']) });
    }
    if (stores.every((store, i) => portrait(store.quietly, volset) === before[i])) return true;
  }
  return false;
}

/** I12: where nothing is new, a sync is one request and moves nothing. */
async function idle(world: World): Promise<string[]> {
  const faults: string[] = [];
  for (const [client, hub] of pairs(world.stores)) {
    const { calls, error } = await world.sync(client, hub, { verb: 'sync', policy: 'target' });
    if (error) continue;
    const tells = Object.keys(calls).some((call) => call === 'sendGenerations' || call === 'handOver');
    if (tells || calls['deltas'] !== 1)
      faults.push(`I12: ${client.name} had nothing to tell ${hub.name} and asked ${JSON.stringify(calls)}`);
  }
  return faults;
}

/** Everybody with the next, and all with the first: copies that nothing tells apart only meet through others. */
function pairs(stores: readonly SimStore[]): [SimStore, SimStore][] {
  const hubs = stores.filter(({ options }) => !options.ephemeral);
  const next = (store: SimStore, i: number): SimStore => {
    const hub = hubs[(i + 1) % hubs.length];
    return hub === store ? hubs[(i + 2) % hubs.length] : hub;
  };
  const ring = stores.map((store, i): [SimStore, SimStore] => [store, next(store, i)]);
  const star = stores.map((store): [SimStore, SimStore] => [store, hubs[0]]);
  return [...ring, ...star].filter(([a, b]) => a !== b);
}
