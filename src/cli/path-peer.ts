/** A store on this machine as a peer: opened in process when it is first asked, and anew when its disk was away. */
import { setTimeout as delay } from 'node:timers/promises';
import { PlaitError } from '../core/errors.ts';
import type { StoreId } from '../core/ids.ts';
import { showText } from '../core/paths.ts';
import type { Peer, Traffic } from '../core/peer.ts';
import { connectInProcess, type Pace } from '../hub/in-process.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { RateLimit } from '../remote/bandwidth.ts';
import { HttpPeer } from '../remote/http-peer.ts';
import type { LineUse } from '../sync/replicate-options.ts';
import { refuseNetworkFileSystem, type StoreOptions } from '../sync/store.ts';
import type { Connection } from '../wire/connection.ts';
import { placeOf, sameStore, storeAt } from './address.ts';
import type { Context } from './context.ts';
import { openHubParts } from './open-hub.ts';
import { type Opened, PathConnection } from './path-connection.ts';

export interface PathPeerOptions extends Pick<LineUse, 'limits'> {
  settings: StoreOptions;
  /** Who asks, and so must not be asked. */
  own?: { dir: string; store: StoreId };
}

/** Nothing is opened before the first request. */
export function openPathPeer(
  context: Pick<Context, 'reporter' | 'signal'>,
  { url: path, identity: remembered }: RemoteConfig,
  { settings, own, limits }: PathPeerOptions,
): Peer {
  const origin = showText(path);
  const warn = (text: string): void => context.reporter.warn(`${origin}: ${text}`);
  const pace = { up: paceOf(limits?.up), down: paceOf(limits?.down) };
  const open = async (traffic: Traffic, lost: () => void, last: StoreId | undefined): Promise<Opened> => {
    const dir = usable(path, own?.dir);
    const place = placeOf(dir);
    const trouble = (event: string, error: unknown): void => warn(`${event}: ${String(error)}`);
    const parts = await openHubParts(dir, { settings, separateReads: false, trouble });
    const connection = connectInProcess({
      ...parts,
      origin,
      traffic,
      label: settings.world.creator,
      signal: context.signal,
      expectIdentity: last ?? remembered,
      lost: () => {
        // What is mounted there by now may be another disk, or the same one once more.
        if (storeAt(path) === dir && placeOf(dir) === place) return undefined;
        lost();
        return goneError(path);
      },
      pace,
      log: ({ event, message }) => warn(`${event}: ${message ?? ''}`),
      now: settings.world.now,
    });
    return { connection, close: () => closeAll(connection, parts) };
  };
  const unclosed = (error: unknown): void => warn(`could not be closed in order: ${String(error)}`);
  return new HttpPeer(new PathConnection(origin, open, unclosed), own?.store);
}

/** The limits of a session hold for a disk as well: a slow one is then left to others now and then. */
function paceOf(rate: number | undefined): Pace | undefined {
  if (!rate) return undefined;
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    await delay(ms, undefined, { signal }).catch(() => {});
  };
  const limit = new RateLimit(rate, { now: () => performance.now(), sleep });
  return (bytes, signal) => limit.take(bytes, signal);
}

/** The store to be opened; throws where it must not be, or is not there. */
function usable(path: string, own: string | undefined): string {
  const dir = storeAt(path);
  if (dir === undefined) throw goneError(path);
  if (own !== undefined) refuseOurselves(path, dir, own);
  refuseNetworkFileSystem(dir);
  return dir;
}

export function refuseOurselves(path: string, dir: string, own: string): void {
  if (!sameStore(dir, own)) return;
  throw new PlaitError('identity', `${showText(path)} is the very store that asks`, {
    hint: 'check the path of the remote with `plait remote list`',
  });
}

/** As a hub that is down: worth another try, and what is queued for it waits. */
const goneError = (path: string): PlaitError =>
  new PlaitError('network', `cannot reach ${showText(path)}: there is no store now`, {
    hint: 'is its disk plugged in and mounted? if the store has moved, say so with `plait remote set-url`',
    data: { url: path },
  });

/** Each is closed, whatever comes of the others. */
async function closeAll(connection: Connection, parts: AsyncDisposable): Promise<void> {
  try {
    await connection.close();
  } finally {
    await parts[Symbol.asyncDispose]();
  }
}
