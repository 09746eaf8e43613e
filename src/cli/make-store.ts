/** `plait init`: a store, and around it or beside it a working directory. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, VolsetId } from '../core/ids.ts';
import { nameFromText, objectNameFault } from '../core/names.ts';
import { ensureUserDir } from '../disk/files.ts';
import type { VolsetView } from '../meta/contract.ts';
import type { Store } from '../sync/engine.ts';
import { newBranchId, newVolsetId } from '../sync/fresh-ids.ts';
import { packGenerations } from '../sync/settle.ts';
import { createStore, isStore, openStore } from '../sync/store.ts';
import { createVolume, listVolumes, refuseInside } from '../volume/volume.ts';
import type { Context } from './context.ts';
import { wantsEphemeral } from './ephemeral.ts';
import { storeOptions } from './open-engine.ts';

export interface InitOptions {
  dir?: string;
  volset?: string;
  branch?: string;
  bare: boolean;
}

export interface InitResult {
  store: string;
  dir: string | null;
  volset: string | null;
  volsetId: VolsetId | null;
  branch: string | null;
  bare: boolean;
}

export async function init(context: Context, options: InitOptions): Promise<{ result: InitResult }> {
  const dir = context.path(options.dir ?? '.');
  if (options.bare) return { result: await initBare(context, context.place.store ?? dir, options) };
  const store = context.place.store ?? join(dir, '.plait');
  refuseInside(dir, store);
  const name = options.volset ?? nameFromText(basename(resolve(dir)), 'data');
  const branch = options.branch ?? 'main';
  checkNames(name, branch);
  // The directory is the user's own and gets what the umask says; only the store in it is private.
  ensureUserDir(dir);
  createStore(store, { ...storeOptions(context), ephemeral: wantsEphemeral(context) });
  const { volset, branchId } = await createVolset(context, store, { name, branch, dir });
  const id = storeOptions(context).world.random(16).toString('hex');
  const volume = createVolume({ store, dir, id, volset, branch: branchId });
  return {
    result: { store: realpathSync(store), dir: volume.state.dir, volset: name, volsetId: volset, branch, bare: false },
  };
}

async function initBare(context: Context, store: string, options: InitOptions): Promise<InitResult> {
  if (isStore(store))
    throw new PlaitError('exists', `${store} is a store already`, { hint: 'serve it with `plait serve`' });
  if (existsSync(store) && !isEmptyEnough(store)) {
    throw new PlaitError('exists', `${store} is not empty`, { hint: 'choose a new directory for a bare store' });
  }
  createStore(store, { ...storeOptions(context), ephemeral: wantsEphemeral(context) });
  const made: InitResult = {
    store: realpathSync(store),
    dir: null,
    volset: null,
    volsetId: null,
    branch: null,
    bare: true,
  };
  if (options.volset === undefined) return made;
  const branch = options.branch ?? 'main';
  checkNames(options.volset, branch);
  const { volset } = await createVolset(context, store, { name: options.volset, branch });
  return { ...made, volset: options.volset, volsetId: volset, branch };
}

/** What an interrupted `init --bare` leaves behind is no reason to refuse. */
const isEmptyEnough = (dir: string): boolean =>
  readdirSync(dir).every((name) => /^(meta|index)\.db(-wal|-shm)?$/.test(name));

function checkNames(volset: string, branch: string): void {
  for (const [kind, name] of [
    ['volset', volset],
    ['branch', branch],
  ] as const) {
    const fault = objectNameFault(kind, name);
    if (fault)
      throw new PlaitError('usage', `${name} is no name for a ${kind}: ${fault}`, {
        hint: `choose another with --${kind}`,
      });
  }
}

/** What an `init` of the same directory made that was cut off before there was a volume. */
function leftBehind(
  { dir: storeDir, meta }: Store,
  { id, snapshots }: VolsetView,
  { dir, branch }: { dir: string; branch: string },
): { volset: VolsetId; branchId: BranchId } | undefined {
  const real = existsSync(dir) ? realpathSync(dir) : dir;
  const isOurs = listVolumes(storeDir).every(({ state }) => state.volset !== id || state.dir === real);
  const found = meta.listBranches(id).find((b) => b.name === branch);
  return snapshots === 0 && isOurs && found ? { volset: id, branchId: found.id } : undefined;
}

/** In a store that several volumes share, each has a volset of its own; a second one of the same name would be a trap. */
async function createVolset(
  context: Context,
  storeDir: string,
  { name, branch, dir }: { name: string; branch: string; dir?: string },
): Promise<{ volset: VolsetId; branchId: BranchId }> {
  const options = storeOptions(context);
  const store = await openStore(storeDir, options);
  try {
    const same = store.meta.listVolsets().find((v) => v.name === name);
    if (same) {
      const left = dir === undefined ? undefined : leftBehind(store, same, { dir, branch });
      if (left) return left;
      throw new PlaitError('exists', `the store ${storeDir} has a volset ${name} already`, {
        hint: 'choose another name with --volset',
      });
    }
    const { world } = options;
    const [volset, branchId] = [newVolsetId(world), newBranchId(world)];
    store.meta.commit(volset, [
      { edit: 'create-volset', name, creator: world.creator },
      { edit: 'create-branch', branch: branchId, name: branch, creator: world.creator },
    ]);
    store.meta.cut(volset);
    await packGenerations(store);
    return { volset, branchId };
  } finally {
    await store.blob[Symbol.asyncDispose]();
    store.meta[Symbol.dispose]();
  }
}
