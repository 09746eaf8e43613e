/** Volumes of a store: making, opening, finding by directory. Callers hold the store's lock while they change one. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, VolsetId } from '../core/ids.ts';
import { ensureDirDurable } from '../disk/durable.ts';
import { ensureUserDir } from '../disk/files.ts';
import type { CheckoutOptions, Preserve, Volume, VolumeState } from './contract.ts';
import { findJournal } from './journal.ts';
import { DOT_PLAIT, readDotPlait, readState, STATE_NAME, writeJson } from './state.ts';

export interface FoundVolume {
  /** The store's directory. */
  store: string;
  volume: Volume;
}

export interface NewVolume {
  /** The store's directory. */
  store: string;
  /** Working directory; made if missing. */
  dir: string;
  /** 32 random hex digits. */
  id: string;
  volset: VolsetId;
  branch: BranchId | null;
  preserve?: Preserve[];
}

const stateDirOf = (store: string, id: string): string => join(store, 'volumes', id);

class DiskVolume implements Volume {
  readonly stateDir: string;
  #state: VolumeState;

  constructor(stateDir: string, state: VolumeState) {
    this.stateDir = stateDir;
    this.#state = state;
  }

  get state(): VolumeState {
    return this.#state;
  }

  update(change: Parameters<Volume['update']>[0]): void {
    const state = { ...this.#state, ...change };
    writeJson(join(this.stateDir, STATE_NAME), state);
    this.#state = state;
  }

  refresh(): void {
    this.#state = readState(this.stateDir);
  }

  pendingCheckout(): CheckoutOptions['target'] | undefined {
    return findJournal(this.stateDir)?.target;
  }
}

/**
 * Registers a working directory. Refuses (`exists`) one that is a volume already or lies inside another. Where the
 * store is not `DIR/.plait`, a file `.plait` is left in DIR that points to it; that comes last, so a crash before leaves
 * a directory that is no volume yet.
 */
export function createVolume(options: NewVolume): Volume {
  const { store, id, volset, branch } = options;
  refuseInside(options.dir, store);
  // The user's own directory: what the umask says, not what is right for a store.
  ensureUserDir(options.dir);
  const dir = realpathSync(options.dir);
  const stateDir = stateDirOf(store, id);
  ensureDirDurable(stateDir);
  const preserve = options.preserve ?? [];
  const state: VolumeState = { version: 1, id, dir, volset, branch, base: null, baseRoot: null, preserve };
  writeJson(join(stateDir, STATE_NAME), state);
  const own = join(dir, DOT_PLAIT);
  if (!existsSync(own)) writeJson(own, { store: realpathSync(store), volume: id });
  return new DiskVolume(stateDir, state);
}

/** Throws `exists` when `dir` is a volume or lies in one; `store` (the new one, still empty) does not count. */
export function refuseInside(dir: string, store?: string): void {
  const own = store === undefined ? undefined : resolve(store);
  refuseStoreAsData(dir, own);
  for (let at = resolve(dir); ; at = dirname(at)) {
    const found = readDotPlait(at);
    if (found && (resolve(found.store) !== own || volumeIds(found.store).length > 0)) {
      const what = at === resolve(dir) ? 'already belongs to a volume' : `lies inside the volume ${at}`;
      throw new PlaitError('exists', `${dir} ${what}`, { hint: 'choose a directory outside it' });
    }
    if (at === dirname(at)) return;
  }
}

/**
 * A store among the data would be taken into snapshots while it is written to, and a checkout would put an old state of
 * it over the only copy of all that is newer.
 */
function refuseStoreAsData(dir: string, store: string | undefined): void {
  const inside = store === undefined ? '..' : relative(realOf(dir), realOf(store));
  const isInside = inside !== '..' && !inside.startsWith('../') && inside !== DOT_PLAIT;
  if (!isInside && !['format', 'meta.db'].every((name) => existsSync(join(dir, name)))) return;
  throw new PlaitError('usage', `${isInside ? store : dir} is a store and cannot be part of a working directory`, {
    hint: 'choose a store outside the directory, or none: then it is kept in DIR/.plait',
  });
}

/** With links followed as far as the path exists. */
function realOf(path: string): string {
  const full = resolve(path);
  if (existsSync(full)) return realpathSync(full);
  return full === dirname(full) ? full : join(realOf(dirname(full)), basename(full));
}

function volumeIds(store: string): string[] {
  try {
    return readdirSync(join(store, 'volumes')).filter((id) => existsSync(join(stateDirOf(store, id), STATE_NAME)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') return [];
    throw new PlaitError('forbidden', `the store ${store} belongs to another user: it may not be read`, {
      hint: 'run plait as that user, or make a store of your own',
      cause: error,
    });
  }
}

/** All volumes that a store knows, whether or not their directories are still there. */
export const listVolumes = (store: string): Volume[] => volumeIds(store).map((id) => openVolume(store, id));

/** Throws `not-found` when the store knows no such volume. */
export function openVolume(store: string, id: string): Volume {
  const stateDir = stateDirOf(store, id);
  if (!existsSync(join(stateDir, STATE_NAME))) {
    throw new PlaitError('not-found', `the store ${store} knows no volume ${id}`, { hint: 'was the store replaced?' });
  }
  return new DiskVolume(stateDir, readState(stateDir));
}

/**
 * The volume that `dir` or a directory above it belongs to. A store moved together with its directory is followed: the
 * state then learns its new place, unless one only looks.
 */
export function findVolume(dir: string, { looks = false }: { looks?: boolean } = {}): FoundVolume | undefined {
  for (let at = resolve(dir); ; at = dirname(at)) {
    const found = readDotPlait(at);
    if (found) return volumeAt(at, found, looks);
    if (at === dirname(at)) return undefined;
  }
}

function volumeAt(dir: string, found: { store: string; volume?: string }, looks: boolean): FoundVolume | undefined {
  const { store } = found;
  if (found.volume !== undefined) return { store, volume: moved(openVolume(store, found.volume), dir, looks) };
  const known = listVolumes(store);
  const real = realpathSync(dir);
  const here = known.find((v) => v.state.dir === real) ?? known.find((v) => !isElsewhere(v.state.dir, store));
  return here && { store, volume: moved(here, dir, looks) };
}

/** True where a volume's directory points to the store by a `.plait` file: it is not the one around the store. */
function isElsewhere(dir: string, store: string): boolean {
  return statSync(join(dir, DOT_PLAIT), { throwIfNoEntry: false })?.isFile() === true && dir !== dirname(store);
}

/** Two directories with one state would take turns in undoing each other's changes. */
function refuseCopy({ id, dir: known }: VolumeState, dir: string): void {
  if (readDotPlait(known)?.volume !== id || isSameDirectory(known, dir)) return;
  throw new PlaitError('exists', `${dir} is a copy of the working directory ${known}: both have the same state`, {
    hint: `to keep both, remove ${join(dir, DOT_PLAIT)} and run \`plait init\` there; to move, remove ${known}`,
  });
}

/** The same by another mount. */
function isSameDirectory(a: string, b: string): boolean {
  const [one, other] = [statSync(a), statSync(b)];
  return one.dev === other.dev && one.ino === other.ino;
}

function moved(volume: Volume, dir: string, looks: boolean): Volume {
  const real = realpathSync(dir);
  if (volume.state.dir === real) return volume;
  refuseCopy(volume.state, real);
  if (looks) return volume;
  const state = { ...volume.state, dir: real };
  writeJson(join(volume.stateDir, STATE_NAME), state);
  return new DiskVolume(volume.stateDir, state);
}
