/** `plait remote`: named peers of this store. Tokens lie in files of their own, never in meta.db or in a document. */
import { PlaitError } from '../core/errors.ts';
import { installOf } from '../core/ids.ts';
import { objectNameFault } from '../core/names.ts';
import type { PeerVolset } from '../core/peer.ts';
import type { Selection } from '../core/selection.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { renameStamps } from './stamps.ts';

export interface RemoteRow {
  name: string;
  url: string;
  volset: string | null;
  identity: string | null;
  enabled: boolean;
  selection: Selection | null;
  hasToken: boolean;
}

export const remoteRow = (remote: RemoteConfig): RemoteRow => ({
  name: remote.name,
  url: remote.url,
  volset: remote.volset ?? null,
  identity: remote.identity ?? null,
  enabled: remote.enabled,
  selection: remote.selection ?? null,
  hasToken: remote.tokenFile !== undefined,
});

export interface NewRemote {
  name: string;
  url: string;
  volsetName?: string;
  tokenFile?: string;
  ca?: string;
}

export function addRemote(engine: Engine, remote: NewRemote): Outcome<RemoteRow> {
  checkNewName(engine, remote.name);
  const config: RemoteConfig = { ...remote, enabled: true };
  engine.meta.putRemote(config);
  return outcome(remoteRow(config));
}

function checkNewName({ meta }: Pick<Engine, 'meta'>, name: string): void {
  const fault = objectNameFault('remote', name);
  if (fault)
    throw new PlaitError('usage', `${name} is no name for a remote: ${fault}`, { hint: 'choose another name' });
  const shadowed = meta
    .listVolsets()
    .flatMap((v) => meta.listBranches(v.id))
    .find((b) => b.name.startsWith(`${name}/`));
  if (shadowed) {
    throw new PlaitError('usage', `the branch ${shadowed.name} begins with ${name}/`, {
      hint: 'choose another name for the remote, or rename the branch',
    });
  }
  if (meta.listRemotes().some((r) => r.name === name)) {
    throw new PlaitError('exists', `a remote named ${name} exists already`, {
      hint: `change it with \`plait remote set-url ${name} URL\``,
    });
  }
}

export const listRemotes = (engine: Pick<Engine, 'meta'>): Outcome<{ remotes: RemoteRow[] }> =>
  outcome({ remotes: engine.meta.listRemotes().map(remoteRow) });

export function remoteByName(engine: Pick<Engine, 'meta'>, name: string): RemoteConfig {
  const remotes = engine.meta.listRemotes();
  const found = remotes.find((r) => r.name === name);
  if (found) return found;
  throw new PlaitError('not-found', `there is no remote ${name}`, {
    hint:
      remotes.length > 0
        ? `remotes here: ${remotes.map((r) => r.name).join(', ')}`
        : 'add it with `plait remote add NAME URL`',
    data: { remotes: remotes.map((r) => r.name) },
  });
}

/** `origin`, else the only remote. */
export function defaultRemote(engine: Pick<Engine, 'meta'>, name: string | undefined): RemoteConfig {
  if (name !== undefined) return remoteByName(engine, name);
  const remotes = engine.meta.listRemotes();
  const found = remotes.find((r) => r.name === 'origin') ?? (remotes.length === 1 ? remotes[0] : undefined);
  if (found) return found;
  if (remotes.length === 0) {
    throw new PlaitError('usage', 'no remote is known here', { hint: 'add one with `plait remote add origin URL`' });
  }
  throw new PlaitError('usage', 'several remotes are known and none is called origin', {
    hint: `name one: ${remotes.map((r) => r.name).join(', ')}`,
  });
}

export function changeRemote(engine: Engine, name: string, change: Partial<RemoteConfig>): Outcome<RemoteRow> {
  const changed = { ...remoteByName(engine, name), ...change };
  engine.meta.putRemote(changed);
  return outcome(remoteRow(changed));
}

export function renameRemote(engine: Engine, old: string, name: string): Outcome<RemoteRow> {
  const before = remoteByName(engine, old);
  checkNewName(engine, name);
  engine.meta.renameRemote(old, name);
  renameStamps(engine, old, name);
  return outcome(remoteRow({ ...before, name }));
}

export interface RemovedRemote {
  removed: RemoteRow;
  /** Snapshots that were queued for it. */
  dropped: number;
}

export function removeRemote(engine: Engine, name: string): Outcome<RemovedRemote> {
  const remote = remoteByName(engine, name);
  const dropped = engine.meta.queueCounts({ remote: name }).reduce((sum, { waiting, dead }) => sum + waiting + dead, 0);
  engine.meta.removeRemote(name);
  // Added again it is met for the first time, as after a restore that was meant.
  const { identity, volset } = remote;
  const shared = engine.meta.listRemotes().some((other) => other.identity === identity && other.volset === volset);
  if (identity && volset && !shared) engine.meta.forgetPeer(installOf(identity), volset);
  return outcome({ removed: remoteRow(remote), dropped });
}

/** Asks the remote itself what it is and what it holds. */
export async function showRemote(
  engine: Pick<Engine, 'openPeer'>,
  remote: RemoteConfig,
): Promise<Outcome<{ identity: string | null; volsets: PeerVolset[] }>> {
  await using peer = await engine.openPeer(remote);
  const volsets = await peer.listVolsets();
  return outcome({ identity: peer.identity ?? null, volsets });
}
