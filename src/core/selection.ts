/** Which branches and snapshots a push, pull or clone is about. Selections pick blobs and tips, never records. */
import { PlaitError } from './errors.ts';
import type { SnapshotId } from './ids.ts';
import type { RefStep } from './ref-plan.ts';

export interface Selection {
  branches?: string[];
  /** References, resolved by the caller. */
  snapshots?: string[];
  /** A date (ISO 8601) or a reference. */
  since?: string;
  /** Only the tips' blobs, no history. */
  tips?: boolean;
  metadataOnly?: boolean;
}

export const isEmpty = (selection: Selection): boolean =>
  !selection.branches?.length &&
  !selection.snapshots?.length &&
  selection.since === undefined &&
  !selection.tips &&
  !selection.metadataOnly;

/** Later wins as a whole: flags given now replace the selection kept for the remote. */
export const effectiveSelection = (kept: Selection | undefined, given: Selection): Selection =>
  isEmpty(given) ? (kept ?? {}) : given;

/** Steps of the named branches; with snapshots named alone no tip moves. Unknown names are an error. */
export function selectSteps(steps: RefStep[], selection: Selection): RefStep[] {
  const names = selection.branches;
  if (names?.length) {
    const unknown = names.filter((name) => !steps.some((step) => step.name === name));
    if (unknown.length > 0) {
      throw new PlaitError('not-found', `no branch named ${unknown.join(', ')} here or there`, {
        hint: 'see `plait branch list` and `plait remote show NAME|URL`',
      });
    }
    return steps.filter((step) => names.includes(step.name));
  }
  return selection.snapshots?.length ? [] : steps;
}

/**
 * Snapshots to be moved for one tip: itself and its ancestors until `stop` says that the other side has one (its
 * ancestors are then taken as held, too). Tips only: no ancestors. Lazy and oldest last; each id once across calls
 * that share `seen`.
 */
export function* lineOf(
  tip: SnapshotId,
  parentsOf: (id: SnapshotId) => readonly SnapshotId[] | undefined,
  options: { stop: (id: SnapshotId) => boolean; tips?: boolean; seen?: Set<SnapshotId> },
): Generator<SnapshotId> {
  const seen = options.seen ?? new Set<SnapshotId>();
  const todo = [tip];
  for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (options.stop(id)) continue;
    yield id;
    if (!options.tips) todo.push(...(parentsOf(id) ?? []));
  }
}
