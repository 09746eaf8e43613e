/** `plait volset rename|delete`: a new name and a deletion travel with the next push or sync, like any edit. */
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { objectNameFault } from '../core/names.ts';
import { showText } from '../core/paths.ts';
import type { VolsetView } from '../meta/contract.ts';
import { listVolumes } from '../volume/index.ts';
import { type Engine, type Outcome, outcome, volsetByName } from './engine.ts';
import { settle } from './settle.ts';
import { type VolsetRow, volsetRow } from './volsets.ts';

export async function renameVolset(engine: Engine, old: string, name: string): Promise<Outcome<VolsetRow>> {
  const volset = volsetByName(engine.meta.listVolsets(), old);
  if (volset.name !== name) {
    checkNewVolsetName(engine, name);
    engine.meta.commit(volset.id, [{ edit: 'set', register: 'volset:name', value: name }]);
    await settle(engine, volset.id);
  }
  return outcome(volsetRow({ ...volset, name }));
}

/** Two volsets of one name in a store would be a trap: neither could be named. */
export function checkNewVolsetName(engine: Pick<Engine, 'meta'>, name: string): void {
  const fault = objectNameFault('volset', name);
  if (fault !== undefined) {
    throw new PlaitError('usage', `${showText(name)} is no name for a volume set: ${fault}`, {
      hint: 'choose another name',
    });
  }
  if (engine.meta.listVolsets().some((other) => other.name === name)) {
    throw new PlaitError('exists', `this store has a volume set ${name} already`, { hint: 'choose another name' });
  }
}

/** Refused for the working directory's own, and without `force` where there is anything to lose. */
export async function deleteVolset(
  engine: Engine,
  name: string,
  force: boolean,
): Promise<Outcome<{ deleted: VolsetRow }>> {
  const volset = volsetByName(engine.meta.listVolsets(), name);
  refuseOwn(engine, volset.id);
  const dirs = listVolumes(engine.dir).flatMap(({ state }) => (state.volset === volset.id ? [state.dir] : []));
  if (!force && (volset.snapshots > 0 || dirs.length > 0)) throw wouldLose(engine, volset, dirs);
  engine.meta.commit(volset.id, [{ edit: 'delete', object: 'volset' }]);
  await settle(engine, volset.id);
  return outcome({ deleted: volsetRow(volset) });
}

/** A directory whose volume set is gone could not be snapshot, compared or moved any more. */
export function refuseOwn(engine: Pick<Engine, 'volume' | 'dir'>, volset: VolsetId): void {
  if (engine.volume?.state.volset !== volset) return;
  throw new PlaitError('usage', 'this working directory belongs to that volume set', {
    hint: `run it from elsewhere: plait --store ${engine.dir} volset delete NAME`,
  });
}

const count = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`;

function wouldLose(engine: Engine, { id, name, snapshots, branches }: VolsetView, dirs: string[]): PlaitError {
  const remotes = engine.meta.listRemotes().filter((remote) => remote.volset === id);
  const there =
    remotes.length > 0 ? ` and, with the next push or sync, at ${remotes.map((r) => r.name).join(', ')}` : '';
  const used = dirs.length > 0 ? `, and ${dirs.join(', ')} would be a working directory of nothing` : '';
  return new PlaitError(
    'guard',
    `${name ?? id} has ${count(snapshots, 'snapshot')} on ${count(branches, 'branch', 'branches')}: all would be deleted in this store${there}${used}`,
    {
      hint: `\`plait volset delete ${name ?? id} --force\` deletes it all the same; stores that edit it meanwhile keep it`,
      data: { volset: id, snapshots, branches, remotes: remotes.map((r) => r.name), dirs },
    },
  );
}
