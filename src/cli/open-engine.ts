/** Stores, volumes and peers behind a command: found by where the user stands, opened when they are first needed. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { Peer } from '../core/peer.ts';
import type { MetaStore, RemoteConfig } from '../meta/contract.ts';
import type { Engine, MetaEngine, World } from '../sync/engine.ts';
import type { LineUse } from '../sync/replicate-options.ts';
import { isStore, openBlobs, type StoreOptions } from '../sync/store.ts';
import { type FoundVolume, findVolume } from '../volume/volume.ts';
import type { Context } from './context.ts';

/** Where the store is, and the volume if the user stands in one of it. */
export interface Located {
  store: string;
  volume?: FoundVolume['volume'];
}

export function locate({ place }: Pick<Context, 'place'>): Located | undefined {
  if (place.store !== undefined) {
    const found = findVolume(place.dir);
    return { store: place.store, ...(found?.store === place.store && { volume: found.volume }) };
  }
  const found = findVolume(place.dir);
  if (found) return found;
  return isStore(place.dir) ? { store: place.dir } : undefined;
}

export function requireLocated(context: Context): Located {
  const located = locate(context);
  if (located) return located;
  throw new PlaitError('no-store', `there is no store in or above ${context.place.dir}`, {
    hint: 'make one with `plait init`, or name one with -C DIR or --store DIR',
  });
}

export const worldOf = (creator?: string): World => ({
  now: Date.now,
  random: randomBytes,
  creator: creator ?? `${userName()}@${hostname()}`,
});

/** A container may run under a uid that no user has. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

export const storeOptions = (context: Context, config: Record<string, string> = {}): StoreOptions => ({
  world: worldOf(config.creator),
  label: config.label ?? hostname(),
  lockWaitMs: context.options.lockWaitMs,
  stateDir: stateDirOf(context.io.env),
  uid: process.getuid?.(),
});

/** Outside of every store: it says how far each got, so that one that is put back from a backup is noticed. */
export function stateDirOf(env: Record<string, string | undefined>): string {
  const { XDG_STATE_HOME: given } = env;
  // A relative one is to be ignored, as its specification says.
  const state = given && isAbsolute(given) ? given : join(env.HOME || homedir(), '.local', 'state');
  return join(state, 'plait', 'stores');
}

/** Over the opened metadata of the store at `located`. */
export function openMetaEngine(
  context: Context,
  located: Located,
  options: { volset?: string; meta: MetaStore; config?: Record<string, string> },
): MetaEngine {
  const { world, lockWaitMs } = storeOptions(context, options.config);
  return {
    dir: located.store,
    meta: options.meta,
    volume: located.volume,
    world,
    reporter: context.reporter,
    signal: context.signal,
    volsetName: options.volset,
    lockWaitMs,
    lockFile: options.config?.['watch.lock-file'],
    openPeer: (remote, use) =>
      openRemote(context, remote, { engine: { dir: located.store, meta: options.meta, world }, ...use }),
  };
}

/** Adds the blobs. */
export async function openEngine(context: Context, engine: MetaEngine): Promise<Engine> {
  const [blob, { manifest }] = await Promise.all([openBlobs(engine.dir, engine), import('../blob/manifest/index.ts')]);
  context.onClose(async () => blob[Symbol.asyncDispose]());
  return { ...engine, blob, manifest };
}

/** A remote's peer with its token and authority; undici is loaded here and nowhere else. */
export async function openRemote(
  context: Context,
  remote: RemoteConfig,
  { engine, limits, parallel, attemptEveryMs }: { engine?: Pick<MetaEngine, 'dir' | 'meta' | 'world'> } & LineUse = {},
): Promise<Peer> {
  if (isAbsolute(remote.url)) {
    const { openPathPeer } = await import('./path-peer.ts');
    const settings = storeOptions(context);
    return openPathPeer(context, remote, {
      settings: engine ? { ...settings, world: engine.world } : settings,
      own: engine && { dir: engine.dir, store: engine.meta.self.store },
      limits,
    });
  }
  const { openPeer } = await import('../remote/index.ts');
  return openPeer({
    url: remote.url,
    token: tokenOf(context, remote),
    ca: remote.ca === undefined ? undefined : readText(remote.ca, 'certificate authority'),
    signal: context.signal,
    expectIdentity: remote.identity,
    self: engine?.meta.self.store,
    limits,
    parallel,
    attemptEveryMs,
  });
}

function tokenOf(context: Context, remote: RemoteConfig): string | undefined {
  if (remote.tokenFile === undefined) return context.io.env.PLAIT_TOKEN?.trim() || undefined;
  return readToken(remote.tokenFile);
}

/** A token that others can read is no secret. */
export function readToken(file: string): string {
  const text = readText(file, 'token').trim();
  if ((statSync(file).mode & 0o077) !== 0) {
    throw new PlaitError('bad-config', `the token file ${file} can be read by others`, { hint: `chmod 600 ${file}` });
  }
  if (text === '') throw new PlaitError('bad-config', `the token file ${file} is empty`);
  return text;
}

export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new PlaitError('bad-config', `the ${what} file ${file} ${reason}`, { hint: 'check the path', cause });
  }
}

export const tokenPath = (store: string, remote: string): string => join(store, 'tokens', remote);
