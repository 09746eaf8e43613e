/** `plait log`: history from a reference back, as far as it is read. */

import { isOnlyDirTime } from '../core/directory-time.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { branchSnapshots } from '../core/iterators.ts';
import type { PathKey } from '../core/paths.ts';
import { isWithin } from '../core/paths.ts';
import type { SnapshotView } from '../meta/contract.ts';
import { warnOfDeletedBranch } from './branches.ts';
import { currentVolset, type Engine, type Outcome, outcome } from './engine.ts';
import { remoteTips, resolveReference } from './references.ts';

export interface LogRow {
  snapshot: SnapshotId;
  parents: SnapshotId[];
  /** ISO 8601, UTC. */
  created: string;
  creator: string;
  description: string | null;
  name: string | null;
  attrs: Record<string, string>;
  bytes: number;
  files: number;
  /** Branches, and REMOTE/BRANCH, whose tip this is. */
  branches: string[];
  hasBlob: boolean;
}

export interface LogOptions {
  ref?: string;
  limit?: number;
  /** Only snapshots that changed something at or below one of these. */
  paths: PathKey[];
}

export function log(engine: Engine, options: LogOptions): Outcome<{ snapshots: LogRow[] }> {
  const volset = currentVolset(engine).id;
  const start =
    options.ref === undefined ? startOf(engine, volset) : resolveReference(engine, volset, options.ref).snapshot;
  if (options.ref === undefined) warnOfDeletedBranch(engine, volset);
  const snapshots: LogRow[] = [];
  if (start === null) return outcome({ snapshots });
  const labels = tipLabels(engine, volset);
  for (const id of branchSnapshots((ids) => engine.meta.lineage(volset, ids), start)) {
    if (snapshots.length >= (options.limit ?? Number.POSITIVE_INFINITY)) break;
    const view = engine.meta.findSnapshot(volset, id);
    // It was forgotten: what came before it is there.
    if (view === undefined) continue;
    if (options.paths.length > 0 && !touches(engine, volset, view, options.paths)) continue;
    snapshots.push(rowOf(view, labels.get(id) ?? []));
  }
  return outcome({ snapshots });
}

/**
 * Where the working directory stands; where nothing was checked out its branch, else the branch `main`, else the only
 * one. Null in an empty volset.
 */
function startOf(engine: Engine, volset: VolsetId): SnapshotId | null {
  const { base = null, branch } = engine.volume?.state ?? {};
  if (base !== null) return base;
  const branches = engine.meta.listBranches(volset);
  const start = branches.find((b) => b.id === branch) ?? branches.find((b) => b.name === 'main') ?? branches[0];
  return start?.tip ?? null;
}

export function tipLabels(engine: Engine, volset: VolsetId): Map<SnapshotId, string[]> {
  const labels = new Map<SnapshotId, string[]>();
  const add = (id: SnapshotId | null, name: string) => {
    if (id !== null) labels.set(id, [...(labels.get(id) ?? []), name]);
  };
  for (const branch of engine.meta.listBranches(volset)) add(branch.tip, branch.name);
  for (const remote of engine.meta.listRemotes()) {
    for (const { name, tip } of remoteTips(engine, volset, remote.name) ?? []) add(tip, `${remote.name}/${name}`);
  }
  return labels;
}

function rowOf(view: SnapshotView, branches: string[]): LogRow {
  const { id, body, description, name, attrs, hasBlob } = view;
  return {
    snapshot: id,
    parents: body.parents,
    created: new Date(body.created).toISOString(),
    creator: view.creator ?? body.creator,
    description,
    name,
    attrs,
    bytes: body.bytes,
    files: body.files,
    branches,
    hasBlob,
  };
}

/** Compared with its first parent; a snapshot whose data is not here cannot be judged and is shown. */
function touches(engine: Engine, volset: VolsetId, view: SnapshotView, paths: PathKey[]): boolean {
  const [first] = view.body.parents;
  const parent = first && engine.meta.findSnapshot(volset, first);
  if (!view.hasBlob || (first && !parent?.hasBlob)) return true;
  const reader = engine.blob.reader(volset);
  if (!parent) return paths.some((path) => !isEmptyIterable(engine.manifest.entries(reader, view.body.root, path)));
  for (const change of engine.manifest.diff(reader, parent.body.root, view.body.root)) {
    if (!isOnlyDirTime(change) && paths.some((path) => isWithin(change.path, path))) return true;
  }
  return false;
}

function isEmptyIterable(items: Iterable<unknown>): boolean {
  for (const _ of items) return false;
  return true;
}
