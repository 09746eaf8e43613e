/** `plait clone`: store and working directory for a remote's volset, then everything in `sync/clone`. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PlaitError } from '../core/errors.ts';
import { objectNameFault } from '../core/names.ts';
import { showText } from '../core/paths.ts';
import type { PeerVolset } from '../core/peer.ts';
import type { Selection } from '../core/selection.ts';
import { ensureUserDir } from '../disk/files.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { type CloneResult, chooseVolset, clone as cloneInto } from '../sync/clone.ts';
import { createStore, isStore, openMeta } from '../sync/store.ts';
import { updateClone } from '../sync/update-clone.ts';
import { createVolume, findVolume, refuseInside } from '../volume/volume.ts';
import { parseAddress } from './address.ts';
import { UNFINISHED, withContinuation } from './clone-mark.ts';
import type { Context } from './context.ts';
import { wantsEphemeral } from './ephemeral.ts';
import { type Located, openEngine, openMetaEngine, openRemote, storeOptions } from './open-engine.ts';

export interface CloneInput {
  url: string;
  dir?: string;
  volset?: string;
  bare: boolean;
  checkout: boolean;
  /** The store never closes a generation; PLAIT_EPHEMERAL=1 says the same. */
  ephemeral: boolean;
  selection: Selection;
  /** One that is there is brought up to date. */
  update: boolean;
}

export interface CloneDocument extends CloneResult {
  dir: string;
  /** A clone that was cut off was taken up again. */
  continued: boolean;
  /** The clone was there; what is told is what was missing. */
  updated: boolean;
}

export async function clone(context: Context, input: CloneInput): Promise<{ result: CloneDocument; exits: number[] }> {
  const { url: origin, volset: named } = parseAddress(context, input.url);
  const remote: RemoteConfig = { name: 'origin', url: origin, enabled: true };
  const volset = await askFor(context, remote, input.volset ?? named);
  const dir = context.path(input.dir ?? dirName(volset));
  const ephemeral = input.ephemeral || wantsEphemeral(context);
  const existing = input.update ? findClone(context, dir, input.bare) : undefined;
  if (existing) return update(context, existing, { input, dir, origin, volset, ephemeral });
  const located = prepare(context, dir, volset, { bare: input.bare, origin, ephemeral });
  const meta = openMeta(located.store, storeOptions(context));
  context.onClose(() => meta[Symbol.dispose]());
  if (ephemeral && !meta.self.ephemeral) throw notEphemeral(located.store);
  const engine = await openEngine(context, openMetaEngine(context, located, { meta }));
  const kept = engine.meta.settings()[UNFINISHED];
  if (kept !== undefined && kept !== unfinishedMark(origin, volset)) throw notOurs(dir);
  if (kept !== undefined) context.reporter.note(`going on with the clone of ${showText(volset.name)} that was cut off`);
  engine.meta.putSetting(UNFINISHED, unfinishedMark(origin, volset));
  const known = engine.meta.listRemotes().find((r) => r.name === 'origin');
  const { result, exits } = await cloneInto(engine, {
    remote: { ...remote, ...known, volsetName: volset.name },
    volset: volset.id,
    selection: input.selection,
    checkout: input.checkout && !input.bare,
  }).catch((error: unknown) => {
    throw withContinuation(error);
  });
  engine.meta.putSetting(UNFINISHED, null);
  return { result: { ...result, dir, continued: kept !== undefined, updated: false }, exits };
}

interface Update {
  input: CloneInput;
  dir: string;
  origin: string;
  volset: PeerVolset;
  ephemeral: boolean;
}

async function update(context: Context, located: Located, { input, dir, origin, volset, ephemeral }: Update) {
  const meta = openMeta(located.store, storeOptions(context));
  context.onClose(() => meta[Symbol.dispose]());
  if (ephemeral && !meta.self.ephemeral) throw notEphemeral(located.store);
  const own = located.volume?.state.volset;
  if (own === undefined ? !meta.knowsVolset(volset.id) : own !== volset.id) throw ofAnother(dir, volset);
  const known = meta.listRemotes().find((remote) => remote.name === 'origin');
  if (known?.volset !== undefined && known.volset !== volset.id) throw ofAnother(dir, volset);
  const engine = await openEngine(context, openMetaEngine(context, located, { meta }));
  const { result, exits } = await updateClone(engine, {
    // It may be reached in another way than before; that it is the same store is looked at when it answers.
    remote: { name: 'origin', enabled: true, volsetName: volset.name, ...known, url: origin },
    volset: volset.id,
    selection: input.selection,
    checkout: input.checkout && !input.bare,
  });
  return { result: { ...result, dir, continued: false, updated: true }, exits };
}

/** A clone that was finished. What was cut off is gone on with, and what is none is refused, as without --update. */
function findClone(context: Context, dir: string, bare: boolean): Located | undefined {
  if (!existsSync(dir)) return undefined;
  const found = bare ? undefined : findVolume(dir);
  const isTop = found !== undefined && found.volume.state.dir === realpathSync(dir);
  const located: Located | undefined = bare && isStore(dir) ? { store: dir } : isTop ? found : undefined;
  if (located === undefined || !isStore(located.store)) return undefined;
  if (context.place.store !== undefined && resolve(context.place.store) !== resolve(located.store)) return undefined;
  using meta = openMeta(located.store, storeOptions(context));
  return meta.settings()[UNFINISHED] === undefined && meta.listVolsets().length > 0 ? located : undefined;
}

const ofAnother = (dir: string, { name }: PeerVolset): PlaitError =>
  new PlaitError('exists', `${dir} is no clone of the volume set ${showText(name)}`, {
    hint: 'choose another directory, or remove that one',
  });

const unfinishedMark = (origin: string, volset: PeerVolset): string => `${origin} ${volset.id}`;

async function askFor(context: Context, remote: RemoteConfig, name: string | undefined): Promise<PeerVolset> {
  await using peer = await openRemote(context, remote);
  return chooseVolset(await peer.listVolsets(), name, remote.url);
}

/** The hub's name for it may be anything: it becomes a directory only if it is a plain name. */
function dirName(volset: PeerVolset): string {
  const fault = objectNameFault('volset', volset.name);
  if (fault === undefined && !volset.name.includes('/') && !volset.name.includes('\\')) return volset.name;
  throw new PlaitError('usage', 'the name of the volset there cannot be a directory here', {
    hint: 'name the directory: plait clone URL DIR',
  });
}

function prepare(context: Context, dir: string, volset: PeerVolset, { bare, origin, ephemeral }: Prepared): Located {
  const store = context.place.store ?? (bare ? dir : join(dir, '.plait'));
  const unfinished = isStore(store) && isUnfinished(context, store, volset);
  if (isStore(store) && !unfinished && context.place.store === undefined) throw notOurs(dir);
  if (!unfinished && existsSync(dir) && readdirSync(dir).some((name) => name !== '.plait' || bare)) throw notOurs(dir);
  if (isStore(store)) refuseOtherOrigin(context, store, volset, origin);
  const found = bare ? undefined : findVolume(dir);
  if (!bare && found?.store !== store) refuseInside(dir, store);
  if (!bare) ensureUserDir(dir);
  createStore(store, { ...storeOptions(context), ephemeral });
  if (bare) return { store };
  if (found?.store === store) return found;
  const id = storeOptions(context).world.random(16).toString('hex');
  return { store, volume: createVolume({ store, dir, id, volset: volset.id, branch: null }) };
}

interface Prepared {
  bare: boolean;
  /** URL of the hub, or path of the store. */
  origin: string;
  ephemeral: boolean;
}

/** In a shared store `origin` belongs to whoever was first: taken over, the first one's pushes would carry our volset. */
function refuseOtherOrigin(context: Context, store: string, volset: PeerVolset, url: string): void {
  using meta = openMeta(store, storeOptions(context));
  const known = meta.listRemotes().find((remote) => remote.name === 'origin');
  if (!known || (known.url === url && (known.volset ?? volset.id) === volset.id)) return;
  throw new PlaitError('exists', `the store ${store} has a remote origin for something else`, {
    hint: `rename it with \`plait --store ${store} remote rename origin NAME\`, or clone into a store of its own`,
  });
}

function isUnfinished(context: Context, store: string, volset: PeerVolset): boolean {
  using meta = openMeta(store, storeOptions(context));
  const mark = meta.settings()[UNFINISHED];
  return mark === undefined ? meta.listVolsets().length === 0 : mark.endsWith(` ${volset.id}`);
}

const notOurs = (dir: string): PlaitError =>
  new PlaitError('exists', `${dir} is not empty and is no unfinished clone of this volset`, {
    hint: 'choose another directory, or use `plait pull` in it if it is a clone',
  });

/** What a store has issued belongs to it for good. */
const notEphemeral = (store: string): PlaitError =>
  new PlaitError('exists', `the store ${store} is there already and is not ephemeral`, {
    hint: 'clone into a store of its own, or leave --ephemeral and PLAIT_EPHEMERAL out',
  });
