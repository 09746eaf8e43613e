/**
 * A store on disk: its format file, metadata and blobs. The format file is written last when a store is made, so a
 * directory without it is no store yet, and making it again completes what a crash left behind.
 */
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobStore } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { ensureDirDurable, writeFileDurable } from '../disk/durable.ts';
import type { MetaStore } from '../meta/contract.ts';
import { type Migration, migrateMetaStore, openMetaStore } from '../meta/index.ts';
import { DOT_PLAIT } from '../volume/state.ts';
import { chanceOf, type Store, type World } from './engine.ts';

const FORMAT_FILE = 'format';
const FORMAT = 'plait-store 1\n';

export interface StoreOptions {
  world: World;
  /** Host name unless configured; names this store to the members of its volsets. */
  label: string;
  lockWaitMs: number;
  /** Where the user's state is kept; see MetaOptions. Absent: the store is not checked against it. */
  stateDir?: string;
  /** A store that is made never closes a generation (CI jobs). */
  ephemeral?: boolean;
  /** Who runs plait; a store of another user is refused (root may). */
  uid?: number;
}

export const formatFile = (dir: string): string => join(dir, FORMAT_FILE);

/**
 * Throws the system's error where it may not be looked at. Many a directory of sources has one of this name in it; and
 * in a working directory it is data, which may have come from anybody, were it all of a store.
 */
export const holdsStore = (dir: string): boolean =>
  statSync(formatFile(dir), { throwIfNoEntry: false })?.isFile() === true && !existsSync(join(dir, DOT_PLAIT));

export const isStore = (dir: string): boolean => existsSync(formatFile(dir)) && holdsStore(dir);

/** What is wrong with the format file; a format of another version is not for `verify` to judge. */
export function formatFault(dir: string): string | undefined {
  if (!isStore(dir)) return 'it is missing';
  const found = readFileSync(formatFile(dir), 'latin1');
  return /^plait-store \d{1,9}\n$/.test(found) ? undefined : 'it does not say which format the store has';
}

/** Something of a store lies here, be it without its format file. */
export function looksLikeStore(dir: string): boolean {
  const isFile = (name: string): boolean => statSync(join(dir, name), { throwIfNoEntry: false })?.isFile() === true;
  return isStore(dir) || isFile('meta.db') || isFile('index.db') || isFile('index.lock');
}

/** Makes a store, or completes one that a crash left unfinished. */
export function createStore(dir: string, options: StoreOptions): void {
  if (isStore(dir)) return;
  ensureDirDurable(dir);
  refuseNetworkFileSystem(dir);
  openMetaStore({ ...metaOptions(dir, options), create: true })[Symbol.dispose]();
  writeFormat(dir, options.world);
}

/** Last of all when a store is made; and again where a repair finds it damaged. */
export const writeFormat = (dir: string, world: Pick<World, 'random'>): void =>
  writeFileDurable(formatFile(dir), Buffer.from(FORMAT), world.random(8).toString('hex'));

export function openMeta(dir: string, options: StoreOptions): MetaStore {
  checkFormat(dir, options.uid);
  return openMetaStore({ ...metaOptions(dir, options), create: false });
}

/** For who only looks, beside the process that has opened it to work with. */
export function openMetaToRead(dir: string, options: StoreOptions): MetaStore {
  checkFormat(dir, options.uid);
  return openMetaStore({ ...metaOptions(dir, options), create: false, readOnly: true });
}

/** For who writes all the time (a hub): throws `format` at once for a store of an older format. */
export function openMetaToWrite(dir: string, options: StoreOptions): MetaStore {
  checkFormat(dir, options.uid);
  return openMetaStore({ ...metaOptions(dir, options), create: false, toWrite: true });
}

/** One transaction; asked again it finds nothing to do. */
export function migrateStore(dir: string, options: StoreOptions, dryRun: boolean): Migration {
  checkFormat(dir, options.uid);
  return migrateMetaStore({ ...metaOptions(dir, options), create: false }, { dryRun });
}

export async function openStore(dir: string, options: StoreOptions, meta = openMeta(dir, options)): Promise<Store> {
  return { dir, meta, blob: await openBlobs(dir, options) };
}

/** The blobs of a store that has been checked by opening its metadata. Half of all code is loaded here. */
export async function openBlobs(
  dir: string,
  { world, lockWaitMs, signal }: Pick<StoreOptions, 'world' | 'lockWaitMs'> & { signal?: AbortSignal },
): Promise<BlobStore> {
  const { openDiskBlobs } = await import('../blob/index.ts');
  return openDiskBlobs(dir, { lockWaitMs, now: world.now, random: chanceOf(world), signal });
}

const metaOptions = (dir: string, { world, label, lockWaitMs, stateDir, ephemeral }: StoreOptions) => ({
  path: join(dir, 'meta.db'),
  now: world.now,
  random: (bytes: number) => world.random(bytes),
  label,
  lockWaitMs,
  stateDir,
  ephemeral,
});

function checkFormat(dir: string, uid: number | undefined): void {
  if (!isStore(dir)) {
    throw new PlaitError('no-store', `${dir} is not a store of plait`, { hint: 'make one with `plait init`' });
  }
  const owner = statSync(dir).uid;
  if (uid !== undefined && uid !== 0 && owner !== uid) {
    throw new PlaitError('forbidden', `the store ${dir} belongs to another user (uid ${owner})`, {
      hint: 'run plait as that user, or make a store of your own',
    });
  }
  const found = readFileSync(join(dir, FORMAT_FILE), 'utf8');
  if (found === FORMAT) return;
  throw new PlaitError('format', `the store ${dir} has a format that this plait does not know`, {
    hint: 'use the version of plait that wrote it, or a newer one',
    data: { found: found.slice(0, 80), known: FORMAT.trim() },
  });
}

/** File-system types (statfs f_type) whose locks and mappings SQLite cannot rely on. */
const NETWORK = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
]);

/** `type` as statfs gives it. Throws `usage` where a store is not safe. */
export function refuseNetworkFileSystem(dir: string, type: number = statfsSync(dir).type): void {
  const kind = NETWORK.get(type);
  if (kind === undefined) return;
  throw new PlaitError('usage', `${dir} lies on a network file system (${kind}), where a store is not safe`, {
    hint: 'put the store on a local disk with --store DIR; the working directory may stay where it is',
  });
}
