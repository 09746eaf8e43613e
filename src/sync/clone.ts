/**
 * `plait clone`: a store that follows a remote's volset, filled and checked out. Every step can be repeated, so a clone
 * that was cut off is continued by the same command; the caller has made or reopened store and volume.
 */
import { ERRORS, PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { PeerVolset } from '../core/peer.ts';
import type { Selection } from '../core/selection.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { moveVolume } from './checkout.ts';
import { type Engine, type Outcome, outcome, rootHere } from './engine.ts';
import { holdVolume } from './hold-volume.ts';
import { exitOfProblems } from './problems.ts';
import { replicate } from './replicate.ts';
import type { SyncResult } from './results.ts';

/** The volset that a URL means: the named one, else the only one there. */
export function chooseVolset(volsets: PeerVolset[], name: string | undefined, url: string): PeerVolset {
  if (name !== undefined) {
    const found = volsets.find((v) => v.name === name || v.id === name);
    if (found) return found;
    throw new PlaitError('not-found', `${url} has no volset ${name}`, {
      hint:
        volsets.length > 0 ? `it has: ${volsets.map((v) => v.name).join(', ')}` : 'nothing has been pushed there yet',
      data: { volsets: volsets.map((v) => v.name) },
    });
  }
  if (volsets.length === 1) return volsets[0];
  if (volsets.length === 0) {
    throw new PlaitError('not-found', `${url} holds no volset`, { hint: 'push one there first' });
  }
  throw new PlaitError('usage', `${url} holds several volsets`, {
    hint: `name one: ${volsets.map((v) => `${url}/${v.name}`).join(', ')}`,
    data: { volsets: volsets.map((v) => v.name) },
  });
}

export interface CloneOptions {
  remote: RemoteConfig;
  volset: VolsetId;
  selection: Selection;
  checkout: boolean;
}

export interface CloneResult extends SyncResult {
  branch: string | null;
  snapshot: string | null;
  written: number;
}

export async function clone(engine: Engine, options: CloneOptions): Promise<Outcome<CloneResult>> {
  const { remote, volset, selection } = options;
  const started = engine.world.now();
  engine.meta.putRemote({ ...remote, volset, ...(Object.keys(selection).length > 0 && { selection }) });
  if (selection.metadataOnly) engine.meta.putSetting(`volset.${volset}.metadata-only`, 'true');
  const pulled = await replicate(
    engine,
    'pull',
    { ...remote, volset, selection },
    {
      selection: {},
      dryRun: false,
      maxDelete: 1,
      failIfUnchanged: false,
    },
  );
  // What others have not settled yet is shown, but no fault of this clone: a CI job must not fail for it.
  const exits = pulled.exits.filter((code) => code !== ERRORS.conflicts.exit);
  const head = headBranch(engine, volset, selection);
  const result: CloneResult = { ...pulled.result, branch: head?.name ?? null, snapshot: head?.tip ?? null, written: 0 };
  const { volume } = engine;
  if (!volume || !head) return outcome(result, ...exits);
  if (!options.checkout || selection.metadataOnly || head.tip === null) {
    volume.update({ branch: head.id });
    return outcome(result, ...exits);
  }
  using _held = await holdVolume(engine, volume);
  const root = rootHere(engine, volset, head.tip);
  const done = await moveVolume(engine, volume, { snapshot: head.tip, root, branch: head.id });
  result.written = done.written;
  result.durationMs = engine.world.now() - started;
  return outcome(result, ...exits, exitOfProblems(done.problems));
}

/** The branch that a clone checks out: the first selected one, else `main`, else the first by name that has a tip. */
export function headBranch(engine: Engine, volset: VolsetId, { branches: selected }: Selection) {
  const branches = engine.meta.listBranches(volset);
  const named = selected?.length ? branches.find((b) => b.name === selected[0]) : undefined;
  return named ?? branches.find((b) => b.name === 'main') ?? branches.find((b) => b.tip !== null) ?? branches[0];
}
