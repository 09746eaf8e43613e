/** `plait forget REF…`: snapshots go everywhere. A record that travels like any edit; data goes with the next gc. */
import { PlaitError } from '../core/errors.ts';
import { tooManyDeleted } from '../core/guards.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { showText } from '../core/paths.ts';
import { snapshotKey } from '../core/register.ts';
import type { RemoteConfig, VolsetView } from '../meta/contract.ts';
import { currentVolset, type Engine, type Outcome, outcome, readSnapshot } from './engine.ts';
import { type DroppedRow, droppedRows } from './gc-plan.ts';
import { refLookup, remoteTips, resolveReference } from './references.ts';
import { settle } from './settle.ts';

export interface ForgetOptions {
  refs: string[];
  dryRun: boolean;
  /** Share of the volset's snapshots that may go, 0..1. */
  maxDelete: number;
}

export interface ForgetResult {
  volset: string | null;
  volsetId: VolsetId;
  dryRun: boolean;
  forgotten: DroppedRow[];
  /** Enabled remotes of the volset; `mayDelete` null: it did not say. */
  remotes: { name: string; mayDelete: boolean | null }[];
}

export async function forget(engine: Engine, options: ForgetOptions): Promise<Outcome<ForgetResult>> {
  const { meta } = engine;
  const view = currentVolset(engine);
  const { id: volset } = view;
  const ids = [...new Set(options.refs.map((ref) => resolveReference(engine, volset, ref).snapshot))];
  for (const id of ids) readSnapshot(engine, volset, id);
  refuseTips(engine, volset, ids);
  guardShare(view, ids.length, options.maxDelete);
  const rows = droppedRows(engine, volset, ids);
  const remotes = await askRights(engine, volset);
  if (!options.dryRun) {
    meta.commit(
      volset,
      ids.map((id) => ({ edit: 'delete', object: snapshotKey(id) })),
    );
    await settle(engine, volset);
  }
  return outcome({ volset: view.name, volsetId: volset, dryRun: options.dryRun, forgotten: rows, remotes });
}

/** A branch must not point at what is gone: here, or where a remote stood when it was last asked. */
function refuseTips(engine: Engine, volset: VolsetId, ids: SnapshotId[]): void {
  const named = new Set(ids);
  for (const { name, tip } of refLookup(engine, volset).branches()) {
    if (tip !== null && named.has(tip)) throw isTip(tip, name, undefined);
  }
  for (const remote of engine.meta.listRemotes()) {
    for (const { name, tip } of remoteTips(engine, volset, remote.name) ?? []) {
      if (tip !== null && named.has(tip)) throw isTip(tip, name, remote.name);
    }
  }
}

function isTip(snapshot: SnapshotId, branch: string, remote: string | undefined): PlaitError {
  const shown = showText(branch);
  const message = `snapshot ${snapshot.slice(0, 12)} is the tip of branch ${remote === undefined ? shown : `${remote}/${shown}`}`;
  const hint =
    remote === undefined
      ? `\`plait branch delete ${shown}\` deletes the branch; or make another snapshot on it first`
      : `move it on first: \`plait push ${remote}\``;
  return new PlaitError('guard', `${message}; nothing was changed`, {
    hint,
    data: { snapshot, branch, ...(remote !== undefined && { remote }) },
  });
}

function guardShare({ snapshots: total }: VolsetView, deleted: number, max: number): void {
  if (!tooManyDeleted({ deleted, total, max })) return;
  throw new PlaitError('guard', `this would make ${deleted} of ${total} snapshots forgotten; nothing was changed`, {
    hint: 'if that is meant, say so with --max-delete 100%',
    data: { deleted, total, maxDelete: max, what: 'snapshots' },
  });
}

/** A remote that does not let us delete would refuse every push from now on, the record being among them. */
async function askRights(engine: Engine, volset: VolsetId): Promise<ForgetResult['remotes']> {
  const remotes = engine.meta.listRemotes().filter((remote) => remote.enabled && remote.volset === volset);
  const asked: ForgetResult['remotes'] = [];
  for (const remote of remotes) asked.push({ name: remote.name, mayDelete: await mayDelete(engine, remote) });
  const refusing = asked.filter((row) => row.mayDelete === false).map(({ name }) => name);
  if (refusing.length === 0) return asked;
  throw new PlaitError(
    'forbidden',
    `${refusing.join(', ')} would not take it: our token there does not allow to delete`,
    {
      hint: 'nothing was changed; put a token that may in its place (`plait token create --can read,write,delete` there), or `plait drop` lets data go from this store alone',
      data: { remotes: refusing },
    },
  );
}

async function mayDelete(engine: Engine, remote: RemoteConfig): Promise<boolean | null> {
  try {
    await using peer = await engine.openPeer(remote);
    return (await peer.rights()).can.includes('delete');
  } catch (error) {
    engine.signal.throwIfAborted();
    if (!(error instanceof PlaitError)) throw error;
    // An older hub has no such question; whoever cannot be reached says it with the next push.
    if (error.code !== 'not-found') engine.reporter.note(`${remote.name} could not be asked: ${error.message}`);
    return null;
  }
}
