/** The trees of two snapshots made into one, with the facts that a new body needs. */
import { setImmediate } from 'node:timers/promises';
import type { BlobReader, BlobWriter } from '../blob/contract.ts';
import { type Conflict, conflictId } from '../core/conflict.ts';
import { isOnlyDirTime } from '../core/directory-time.ts';
import type { Change } from '../core/entry.ts';
import type { NodeId, SnapshotId } from '../core/ids.ts';
import { type MergeRow, mergedTime, type Side, sideOf } from '../core/merge-entry.ts';
import { jsonPath } from '../core/paths.ts';
import type { Policy } from '../core/reconcile.ts';
import type { TopDirectory } from '../core/records.ts';
import { type Divergence, mergeTrees, type PathConflict, type TreeMerge } from '../core/tree-merge.ts';
import type { SnapshotView } from '../meta/contract.ts';
import type { Engine } from './engine.ts';

/** Merged paths between two chances for a signal to be heard. */
const BREATH = 1024;

/** What is merged: two tips and their common ancestors, all of them complete here. */
export interface Lines {
  ours: SnapshotView;
  theirs: SnapshotView;
  bases: SnapshotView[];
}

/** Paths that the merge changes in ours; those that are directories before and after only by more than their time. */
export interface Counts {
  added: number;
  modified: number;
  deleted: number;
}

export interface MergedTree extends Counts {
  root: NodeId;
  files: number;
  bytes: number;
  dir: TopDirectory | undefined;
  conflicts: PathConflict[];
}

export async function mergeLines(
  engine: Engine,
  writer: BlobWriter,
  lines: Lines,
  prefer: Policy,
): Promise<MergedTree> {
  const { ours, theirs, bases } = lines;
  const reader = engine.blob.reader(ours.body.volset);
  const { files, bytes } = engine.manifest.totals(reader, ours.body.root);
  const dir = mergeTops(bases, ours.body.dir, theirs.body.dir);
  const merged = { root: ours.body.root, files, bytes, dir, conflicts: [], added: 0, modified: 0, deleted: 0 };
  const changes = collect(engine, merged, treesOf(engine, reader, lines, prefer));
  merged.root = await engine.manifest.patchAsync(reader, writer, ours.body.root, changes);
  return merged;
}

async function* collect(engine: Engine, into: MergedTree, trees: TreeMerge): AsyncGenerator<Change> {
  const phase = engine.reporter.phase('merging');
  let seen = 0;
  try {
    for (const { path, change, conflict } of mergeTrees(trees)) {
      if (++seen % BREATH === 0) {
        phase.advance({ items: seen, path });
        await setImmediate();
        engine.signal.throwIfAborted();
      }
      if (conflict) into.conflicts.push(conflict);
      if (!change) continue;
      countChange(into, change);
      into.files += fileCount(change.after) - fileCount(change.before);
      into.bytes += (change.after?.size ?? 0) - (change.before?.size ?? 0);
      yield change;
    }
  } finally {
    phase.end();
  }
}

const fileCount = (entry: Change['after']): number => (entry?.kind === 'file' ? 1 : 0);

export function countChange(counts: Counts, change: Change): void {
  if (!change.before) counts.added++;
  else if (!change.after) counts.deleted++;
  else if (!isOnlyDirTime(change)) counts.modified++;
}

/** Without a common ancestor the base is the empty tree: everything counts as added. */
function treesOf({ manifest }: Engine, reader: BlobReader, { ours, theirs, bases }: Lines, prefer: Policy): TreeMerge {
  const [o, t] = [ours.body.root, theirs.body.root];
  const all = (root: NodeId) => () => manifest.entries(reader, root);
  function* added(root: NodeId): Generator<Change> {
    for (const after of manifest.entries(reader, root)) yield { path: after.path, after };
  }
  const since = (base: NodeId): Divergence => ({
    ours: () => manifest.diff(reader, base, o),
    theirs: () => manifest.diff(reader, base, t),
  });
  const roots = bases.map(({ body }) => body.root);
  const hasLinks = [o, t].some((root) => manifest.totals(reader, root).links > 0);
  return {
    bases: roots.length > 0 ? roots.map(since) : [{ ours: () => added(o), theirs: () => added(t) }],
    choose: chooser(ours, theirs, prefer),
    ...(hasLinks && { links: { bases: roots.map(all), ours: all(o), theirs: all(t) } }),
  };
}

/** `newest`: the later time of last modification; where one side has none, or both are equal, the later snapshot. */
function chooser(ours: SnapshotView, theirs: SnapshotView, prefer: Policy): (row: MergeRow) => Side {
  if (prefer !== 'newest') return () => (prefer === 'target' ? 'theirs' : 'ours');
  const later: Side = laterOf(ours, theirs) === ours ? 'ours' : 'theirs';
  return ({ ours: a, theirs: b }) => {
    if (a === undefined || b === undefined || a.mtime === b.mtime) return later;
    return a.mtime > b.mtime ? 'ours' : 'theirs';
  };
}

export function laterOf(a: SnapshotView, b: SnapshotView): SnapshotView {
  if (a.body.created !== b.body.created) return a.body.created > b.body.created ? a : b;
  return a.id > b.id ? a : b;
}

/** Never a conflict, as there is no path to restore: of two new modes the rights remain that both give. */
function mergeTops(
  bases: SnapshotView[],
  ours: TopDirectory | undefined,
  theirs: TopDirectory | undefined,
): TopDirectory | undefined {
  if (!ours || !theirs) return ours ?? theirs;
  const tops = bases.length > 0 ? bases.map(({ body }) => body.dir) : [undefined];
  const side = sideOf(
    tops.map((top) => top?.mode),
    ours.mode,
    theirs.mode,
  );
  const mode = side === undefined ? ours.mode & theirs.mode : side === 'ours' ? ours.mode : theirs.mode;
  const timed = (top: TopDirectory) => ({ mtime: BigInt(top.mtime) });
  const time = mergedTime(
    tops.map((top) => top && timed(top)),
    timed(ours),
    timed(theirs),
  );
  return { mode, mtime: time.toString() };
}

/** The same record on every store that merges the same two tips, but for which side is called current. */
export function conflictOf({ ours, theirs, bases }: Lines, met: PathConflict, merge: SnapshotId): Conflict {
  const { path: field, pathBase64 } = jsonPath(met.path);
  return {
    // Exact bytes, one character each: two names that are not UTF-8 may show alike.
    id: conflictId('path', met.path.replaceAll('\0', '/'), [ours.id, theirs.id]),
    kind: 'path',
    object: `snapshot:${merge}`,
    field,
    initial: bases.find((_, i) => met.inBases[i])?.id ?? null,
    current: met.inOurs ? ours.id : null,
    target: met.inTheirs ? theirs.id : null,
    resolution: met.chosen === 'ours' ? 'current' : 'target',
    resolved: false,
    writes: [ours.id, theirs.id],
    ...(pathBase64 !== undefined && { pathBase64 }),
  };
}
