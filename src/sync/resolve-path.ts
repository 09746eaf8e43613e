/** A path on which a merge left one side in place: brings the other instead, if that is what was chosen. */
import { compareTips } from '../core/ancestry.ts';
import { type Choice, type Conflict, pathOf } from '../core/conflict.ts';
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { type PathKey, showPath } from '../core/paths.ts';
import type { Volume } from '../volume/contract.ts';
import { removePath } from '../volume/remove-path.ts';
import { type Engine, requireVolume, rootHere } from './engine.ts';
import { holdToWrite } from './hold-volume.ts';
import { restore, savedInPlace } from './restore.ts';
import type { ProblemRow } from './results.ts';

export interface SettledPath {
  /** The chosen side was brought into the working directory; else the path was left as it is. */
  restored: boolean;
  /** What could not be written. */
  problems: ProblemRow[];
}

/** Throws `unsaved-changes` (exit 8) where the path would lose an edit. */
export async function settlePath(
  engine: Engine,
  volset: VolsetId,
  conflict: Conflict,
  { choice }: Choice,
): Promise<SettledPath> {
  // It is there since the merge, as it was or with what people have made of it since.
  if (!conflict.resolved && choice === conflict.resolution) return { restored: false, problems: [] };
  const volume = requireVolume(engine);
  requireSame(volume, volset);
  requireMerged(engine, volume, conflict);
  const path = pathOf(conflict);
  const [chosen, other] =
    choice === 'current' ? [conflict.current, conflict.target] : [conflict.target, conflict.current];
  if (chosen === null) {
    await remove(engine, volume, path);
    return { restored: true, problems: [] };
  }
  const [isDir, wasDir] = [chosen, other].map((side) => isDirectory(engine, volset, side, path));
  if (wasDir && !isDir) await remove(engine, volume, path);
  // Of a directory on both sides only its mode is in conflict: what lies in it was merged.
  const input = { ref: chosen, paths: [path], alone: isDir && wasDir, overwrite: false, preserve: [] };
  const { result } = await restore(engine, input).catch((error) => {
    const isInTheWay = error instanceof PlaitError && error.code === 'unsaved-changes';
    throw isInTheWay ? stays(path, 'replaced', 'it has unsaved changes') : error;
  });
  return { restored: true, problems: result.problems };
}

function isDirectory(engine: Engine, volset: VolsetId, snapshot: string | null, path: PathKey): boolean {
  if (snapshot === null) return false;
  const root = rootHere(engine, volset, snapshot as SnapshotId);
  return engine.manifest.find(engine.blob.reader(volset), root, path)?.kind === 'dir';
}

/** Can theirs be printed? A directory, a link and what has no data here cannot. */
export function theirsIsFile(engine: Engine, volset: VolsetId, conflict: Conflict): boolean {
  const view = conflict.target === null ? undefined : engine.meta.findSnapshot(volset, conflict.target as SnapshotId);
  if (!view?.hasBlob) return false;
  return engine.manifest.find(engine.blob.reader(volset), view.body.root, pathOf(conflict))?.kind === 'file';
}

function requireSame(volume: Volume, volset: VolsetId): void {
  if (volume.state.volset === volset) return;
  throw new PlaitError('usage', 'the conflict is in another volume set than this working directory', {
    hint: 'run it in a working directory of that volume set',
  });
}

/** Anywhere else a side of that merge would be an edit out of nowhere. */
function requireMerged({ meta }: Engine, { state }: Volume, { object }: Conflict): void {
  const merge = object.slice('snapshot:'.length) as SnapshotId;
  const lookup = (ids: SnapshotId[]) => meta.lineage(state.volset, ids);
  const relation = state.base === null ? undefined : compareTips(lookup, state.base, merge).relation;
  if (relation === 'equal' || relation === 'ahead') return;
  throw new PlaitError('usage', `merge ${merge.slice(0, 12)} is not in the history of what lies in this directory`, {
    hint: 'go to the branch that was merged first: `plait checkout BRANCH`',
    data: { merge, base: state.base },
  });
}

/** With all below it, if a snapshot holds every bit of that; what is saved is looked up before anything goes. */
async function remove(engine: Engine, volume: Volume, path: PathKey): Promise<void> {
  using _held = await holdToWrite(engine, volume);
  const { volset, baseRoot, dir } = volume.state;
  const tracked = baseRoot === null ? [] : engine.manifest.entries(engine.blob.reader(volset), baseRoot, path);
  const paths = [path, ...Array.from(tracked, (entry) => entry.path).filter((below) => below !== path)];
  const isSaved = await savedInPlace(engine, [path]);
  const unsaved = new Set(paths.filter((one) => !isSaved(one)));
  for (const one of unsaved) {
    if (removePath(dir, one, () => false) === 'unsaved') throw stays(one, 'deleted', 'it has unsaved changes');
  }
  for (const one of paths.reverse()) {
    const removed = removePath(dir, one, () => !unsaved.has(one));
    if (removed === 'not-empty') throw stays(one, 'deleted', 'it is a directory with files that no snapshot holds');
  }
}

const stays = (path: PathKey, what: 'deleted' | 'replaced', why: string): PlaitError =>
  new PlaitError('unsaved-changes', `${showPath(path)} was not ${what}: ${why}`, {
    hint: 'save it with `plait snapshot`, or delete it yourself; then run the same command again',
  });
