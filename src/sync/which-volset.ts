/** Which volset a session with a remote is about. */
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { Peer, PeerVolset } from '../core/peer.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { currentVolset, type Engine } from './engine.ts';
import type { Session } from './session.ts';

/** The volset meant there: what the remote is known to follow, else the one that this store is about. */
export async function volsetOf(engine: Engine, remote: RemoteConfig, peer: Peer): Promise<VolsetId> {
  if (engine.volsetName === undefined && remote.volset) return remote.volset;
  if (engine.volsetName === undefined && remote.volsetName !== undefined) {
    const named = (await seenThere(peer)).find((v) => v.name === remote.volsetName);
    if (named) return named.id;
  }
  return currentVolset(engine).id;
}

/** Nothing, where the token adds without reading: it is for ours then, or refused by name. */
async function seenThere(peer: Peer): Promise<PeerVolset[]> {
  try {
    return await peer.listVolsets();
  } catch (error) {
    if (error instanceof PlaitError && error.code === 'forbidden' && (await mayAdd(peer))) return [];
    throw error;
  }
}

const mayAdd = async (peer: Peer): Promise<boolean> => (await peer.rights()).can.includes('append');

/** A push that carries another volset than the one the user stands in would look like a backup and be none. */
export function requireOwn(engine: Engine, remote: RemoteConfig, volset: VolsetId): void {
  const own = engine.volume?.state.volset;
  if (engine.volsetName !== undefined || own === undefined || own === volset) return;
  const name = engine.meta.findVolset(own)?.name ?? own;
  throw new PlaitError('usage', `${remote.name} follows another volset than ${name}, to which this directory belongs`, {
    hint: 'name the volset with --volset, or add a remote for this one with `plait remote add NAME URL/VOLSET`',
    data: { remote: remote.name, volset: own, follows: volset },
  });
}

export function requireKnown({ engine, remote, volset, staged, name }: Session, sends: boolean): void {
  if (!staged.absent) return;
  if (sends && engine.meta.findVolset(volset)) return;
  throw new PlaitError('not-found', `${remote.name} has no volset ${name ?? volset}`, {
    hint: name === null ? 'see `plait remote show`' : `push it there with \`plait push ${remote.name}\``,
  });
}

/** The volset that a push to this remote carries, as far as it is known without asking. */
export function volsetForeseen(engine: Engine, remote: RemoteConfig): VolsetId | undefined {
  if (engine.volsetName !== undefined) return currentVolset(engine).id;
  if (remote.volset !== undefined) return engine.meta.findVolset(remote.volset)?.id;
  const named = engine.meta.listVolsets().filter(({ name }) => name === remote.volsetName);
  return named.length === 1 ? named[0].id : currentVolset(engine).id;
}
