/** Settings that users keep in a store; the engine's own rows of the same table are none of their business. */
import { PlaitError } from '../core/errors.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { ConfigStore } from './config-store.ts';
import { parseBoolean } from './units.ts';

const PREFIX = 'config.';
const ENABLED = /^remote\.([^.]+)\.enabled$/;

export function storeConfig(meta: MetaStore, origin: string): ConfigStore {
  return {
    origin,
    read: () => ({ ...userSettings(meta), ...switchedOff(meta) }),
    write: (key, value) => {
      const remote = ENABLED.exec(key)?.[1];
      if (remote === undefined) meta.putSetting(PREFIX + key, value);
      else switchRemote(meta, remote, value === null || parseBoolean(value));
    },
  };
}

const userSettings = (meta: MetaStore): Record<string, string> =>
  Object.fromEntries(
    Object.entries(meta.settings())
      .filter(([key]) => key.startsWith(PREFIX))
      .map(([key, value]) => [key.slice(PREFIX.length), value]),
  );

/** Kept with the remote, so that it goes and is renamed with it. */
const switchedOff = (meta: MetaStore): Record<string, string> =>
  Object.fromEntries(
    meta
      .listRemotes()
      .filter((remote) => !remote.enabled)
      .map((remote) => [`remote.${remote.name}.enabled`, 'false']),
  );

function switchRemote(meta: MetaStore, name: string, enabled: boolean): void {
  const remote = meta.listRemotes().find((r) => r.name === name);
  if (!remote) throw new PlaitError('not-found', `there is no remote ${name}`, { hint: 'see `plait remote list`' });
  meta.putRemote({ ...remote, enabled });
}
