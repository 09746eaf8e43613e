/** One sync between two stores of a simulation, by the code that users run, over a line that loses what it likes. */
import { PlaitError } from '../../../src/core/errors.ts';
import type { StoreId, VolsetId } from '../../../src/core/ids.ts';
import type { Peer } from '../../../src/core/peer.ts';
import type { Policy } from '../../../src/core/reconcile.ts';
import type { RemoteConfig } from '../../../src/meta/contract.ts';
import { type ReplicateOptions, replicate, type Verb } from '../../../src/sync/replicate.ts';
import type { SyncResult } from '../../../src/sync/results.ts';
import { LocalPeer } from '../../support/local-peer.ts';
import type { Random } from '../../support/seed.ts';
import { serverOf } from '../../transfer/support/loopback-peer.ts';
import { engineOf } from './edits.ts';
import { Crash, type SimStore } from './sim-store.ts';

export interface Line {
  random: Random;
  volset: VolsetId;
  /** Share of requests that are lost, before or after they were done. */
  loss: number;
  /** What the store that answers does between two pages of its answer. */
  meanwhile?: () => Promise<void>;
}

export interface Exchanged {
  result?: SyncResult;
  exits: number[];
  /** What ended it; absent where it went through. */
  error?: unknown;
  /** Requests by kind. */
  calls: Record<string, number>;
}

export interface Wanted {
  verb: Verb;
  policy: Policy;
  options?: Partial<ReplicateOptions>;
}

const REPEATED = new Set(['sendGenerations', 'handOver', 'deltas']);
const NETWORK = { hint: 'Try again.' };

export async function exchange(
  line: Line,
  client: SimStore,
  hub: SimStore,
  { verb, policy, options }: Wanted,
): Promise<Exchanged> {
  let local: LocalPeer | undefined;
  const open = async (): Promise<Peer> => {
    const served = () => ({ meta: hub.meta, transfer: serverOf({ blob: hub.blob, meta: hub.meta }) });
    local = new LocalPeer(`local:${hub.name}`, served, () => client.quietly.self.store as StoreId);
    if (line.meanwhile) local.meanwhile = line.meanwhile;
    return unreliable(local, line);
  };
  const engine = engineOf(client, line.random, open);
  try {
    const remote = remoteOf(line, client, hub);
    const all = { selection: {}, dryRun: false, maxDelete: 1, failIfUnchanged: false, policy, ...options };
    const { result, exits } = await replicate(engine, verb, remote, all);
    return { result, exits, calls: local?.calls ?? {} };
  } catch (error) {
    return { exits: [], error, calls: local?.calls ?? {} };
  } finally {
    hub.dirty = true;
    client.revive();
    hub.revive();
  }
}

/** As the store remembers it; made at the first contact. */
function remoteOf({ volset }: Line, client: SimStore, hub: SimStore): RemoteConfig {
  const known = client.meta.listRemotes().find(({ name }) => name === hub.name);
  if (known) return known;
  const remote: RemoteConfig = { name: hub.name, url: `http://local/${hub.name}`, volset, enabled: true };
  client.meta.putRemote(remote);
  return remote;
}

/** A request may never arrive, or its answer may not; and a hub that dies looks like either. */
function unreliable(peer: LocalPeer, { random, loss }: Line): Peer {
  return new Proxy(peer, {
    get(target, key) {
      const member = Reflect.get(target, key, target);
      if (typeof member !== 'function' || typeof key === 'symbol') {
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return async (...args: unknown[]) => {
        if (random.chance(loss / 2)) throw new PlaitError('network', 'the request was lost', NETWORK);
        // What may be repeated is repeated below the session, when an answer was lost.
        if (key === 'sendGenerations') args[1] = await Array.fromAsync(args[1] as AsyncIterable<unknown>);
        if (REPEATED.has(key) && loss > 0 && random.chance(0.5)) {
          await hubMayDie(() => Reflect.apply(member, target, args) as Promise<unknown>);
        }
        const answer = await hubMayDie(() => Reflect.apply(member, target, args) as Promise<unknown>);
        if (random.chance(loss / 2)) throw new PlaitError('network', 'the answer was lost', NETWORK);
        return answer;
      };
    },
  });
}

async function hubMayDie<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Crash) throw new PlaitError('network', `${error.message}: the connection broke`, NETWORK);
    throw error;
  }
}

export const codeOf = (error: unknown): string =>
  error === undefined
    ? 'ok'
    : error instanceof PlaitError
      ? error.code
      : error instanceof Crash
        ? 'killed'
        : String(error);

/** Is that how a session may end? */
export function isExpected(error: unknown, client: SimStore, hub: SimStore, volset: VolsetId): boolean {
  if (error === undefined || error instanceof Crash) return true;
  if (!(error instanceof PlaitError)) return false;
  if (error.code === 'network') return true;
  if (error.code === 'not-found') return !hub.quietly.findVolset(volset) || !client.quietly.findVolset(volset);
  // Two copies that do not know of each other refuse each other; one that learns of the other in between goes on as new.
  if (error.code === 'identity') return client.restored || hub.restored;
  return false;
}

/** Undefined where the process was killed in it. */
export async function survived<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Crash) return undefined;
    throw error;
  }
}
