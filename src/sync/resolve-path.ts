/** A path on which a merge left ours in place: brings theirs instead, if that is what was chosen. */
import type { Choice, Conflict } from '../core/conflict.ts';
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import { keyOfBytes, keyOfText, type PathKey, showPath } from '../core/paths.ts';
import type { Volume } from '../volume/contract.ts';
import { removePath } from '../volume/remove-path.ts';
import { type Engine, requireVolume } from './engine.ts';
import { holdVolume } from './hold-volume.ts';
import { restore, savedInPlace } from './restore.ts';
import type { ProblemRow } from './results.ts';

/** Answers with what could not be written; throws `unsaved-changes` (exit 8) where the path would lose an edit. */
export async function settlePath(
  engine: Engine,
  volset: VolsetId,
  conflict: Conflict,
  { choice }: Choice,
): Promise<ProblemRow[]> {
  if (choice === 'current') return [];
  const volume = requireVolume(engine);
  requireSame(volume, volset);
  const path = pathOf(conflict);
  if (conflict.target === null) {
    await remove(engine, volume, path);
    return [];
  }
  const { result } = await restore(engine, { ref: conflict.target, paths: [path], overwrite: true, preserve: [] });
  return result.problems;
}

const pathOf = ({ field, pathBase64 }: Conflict): PathKey =>
  pathBase64 === undefined ? keyOfText(field) : keyOfBytes(Buffer.from(pathBase64, 'base64'));

function requireSame(volume: Volume, volset: VolsetId): void {
  if (volume.state.volset === volset) return;
  throw new PlaitError('usage', 'the conflict is in another volume set than this working directory', {
    hint: 'run it in a working directory of that volume set',
  });
}

async function remove(engine: Engine, volume: Volume, path: PathKey): Promise<void> {
  using _held = await holdVolume(engine, volume);
  const removed = removePath(volume.state.dir, path, await savedInPlace(engine, [path]));
  if (removed === 'removed' || removed === 'absent') return;
  const why = removed === 'unsaved' ? 'it has unsaved changes' : 'it is a directory with files in it';
  throw new PlaitError('unsaved-changes', `${showPath(path)} was not deleted: ${why}`, {
    hint: 'save it with `plait snapshot`, or delete it yourself; then run the same command again',
  });
}
