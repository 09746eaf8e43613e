/** What a retention lets go, and how that reads: names, dates and paths rather than hashes. */
import type { Entry } from '../core/entry.ts';
import { PlaitError } from '../core/errors.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import { branchSnapshots } from '../core/iterators.ts';
import { jsonPath } from '../core/paths.ts';
import { type Aged, keptBy, type Retention } from '../core/retention.ts';
import type { SnapshotView } from '../meta/contract.ts';
import type { Engine } from './engine.ts';
import type { JsonPath } from './results.ts';

export interface DroppedRow {
  snapshot: SnapshotId;
  name: string | null;
  description: string | null;
  /** ISO 8601, UTC; null where the record is not known. */
  created: string | null;
  /** Names of branches in whose history it is. */
  branches: string[];
  /** Of files whose version in this snapshot cannot be read here any more; 20 at most, since more only bury the news. */
  paths: JsonPath[];
}

const PAGE = 1000;
const MAX_PATHS = 20;
/** Snapshots whose paths are looked for; each costs a comparison of two trees. */
const MAX_LOOKED_AT = 1000;

export function* completeBlobs({ meta }: Pick<Engine, 'meta'>, volset: VolsetId, after = 0) {
  for (let next = after + 1; ; ) {
    const page = meta.numberedBlobs(volset, next, Number.MAX_SAFE_INTEGER, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    next = page[page.length - 1].number + 1;
  }
}

/** Oldest first. Blobs whose record has yet to come are not judged. */
export function unkept(engine: Engine, volset: VolsetId, rules: Retention): SnapshotId[] {
  const { meta, world } = engine;
  const views = new Map<SnapshotId, Aged>();
  for (const { snapshot } of completeBlobs(engine, volset)) {
    const view = meta.findSnapshot(volset, snapshot);
    // One that cannot be read whole takes nobody's place; while it may be healed it stays.
    if (view && !view.damaged) views.set(snapshot, agedOf(view));
  }
  const onLines = new Set<SnapshotId>();
  const lines = meta.listBranches(volset).map(({ tip }) => {
    const line = tip === null ? [] : lineFrom(engine, volset, tip, views);
    for (const { id } of line) onLines.add(id);
    return line;
  });
  const loose = [...views.values()].filter(({ id }) => !onLines.has(id));
  const kept = keptBy({ lines, loose }, rules, world.now());
  const gone = [...views.values()].filter(({ id }) => !kept.has(id));
  return gone.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
}

const agedOf = ({ id, body, attrs }: SnapshotView): Aged => ({ id, created: body.created, tag: attrs.tag ?? null });

/** What is not here counts no more: rules are about what can be read. */
function lineFrom({ meta }: Engine, volset: VolsetId, tip: SnapshotId, views: ReadonlyMap<SnapshotId, Aged>): Aged[] {
  const line: Aged[] = [];
  for (const id of branchSnapshots((ids) => meta.lineage(volset, ids), tip)) {
    const view = views.get(id);
    if (view) line.push(view);
  }
  return line;
}

/** Before they go: trees are compared. `gone`: in any order. */
export function droppedRows(engine: Engine, volset: VolsetId, gone: SnapshotId[]): DroppedRow[] {
  const { meta } = engine;
  const going = new Set(gone);
  const rows = new Map<SnapshotId, DroppedRow>();
  const row = (id: SnapshotId, view: SnapshotView | undefined): DroppedRow => {
    const { name = null, description = null, body } = view ?? {};
    const created = body ? new Date(body.created).toISOString() : null;
    return { snapshot: id, name, description, created, branches: [], paths: [] };
  };
  for (const id of gone) rows.set(id, row(id, meta.findSnapshot(volset, id)));
  const successors = new Map<SnapshotId, NodeId>();
  const predecessors = new Map<SnapshotId, NodeId>();
  for (const { tip, name } of meta.findVolset(volset) ? meta.listBranches(volset) : []) {
    if (tip === null) continue;
    let stays: NodeId | undefined;
    let newer: SnapshotId[] = [];
    for (const id of branchSnapshots((ids) => meta.lineage(volset, ids), tip)) {
      const gone = rows.get(id);
      if (gone) {
        gone.branches.push(name);
        if (stays !== undefined && !successors.has(id)) successors.set(id, stays);
        newer.push(id);
        continue;
      }
      const view = meta.findSnapshot(volset, id);
      if (!view?.hasBlob || going.has(id)) continue;
      stays = view.body.root;
      for (const each of newer) if (!predecessors.has(each)) predecessors.set(each, stays);
      newer = [];
    }
  }
  let looks = MAX_LOOKED_AT;
  for (const [id, found] of rows) {
    const beside = [successors.get(id), predecessors.get(id)].filter((root) => root !== undefined);
    if (looks-- > 0) found.paths = pathsOf(engine, volset, id, beside);
  }
  return [...rows.values()];
}

/** Files that neither the next nor the last snapshot that stays has as they are here; all of them where none does. */
function pathsOf(engine: Engine, volset: VolsetId, id: SnapshotId, beside: NodeId[]): JsonPath[] {
  const view = engine.meta.findSnapshot(volset, id);
  if (!view?.hasBlob) return [];
  const reader = engine.blob.reader(volset);
  const paths: JsonPath[] = [];
  try {
    for (const path of versions(engine, reader, view.body.root, beside)) {
      paths.push(jsonPath(path));
      if (paths.length >= MAX_PATHS) break;
    }
  } catch (error) {
    // Of a tree that cannot be read nothing is lost by dropping it.
    if (!(error instanceof PlaitError)) throw error;
  }
  return paths;
}

function* versions(
  { manifest }: Engine,
  reader: Parameters<Engine['manifest']['diff']>[0],
  root: NodeId,
  [one, other]: NodeId[],
) {
  if (one === undefined) {
    for (const { path, kind } of manifest.entries(reader, root)) if (kind !== 'dir') yield path;
    return;
  }
  for (const { path, before, after } of manifest.diff(reader, root, one)) {
    if (!before || before.kind === 'dir' || isSame(before, after)) continue;
    if (other === undefined || !isSame(before, manifest.find(reader, other, path))) yield path;
  }
}

const isSame = (before: Entry, after: Entry | undefined): boolean =>
  before.kind === after?.kind && bytesOf(before) === bytesOf(after);

/** Content or target, for comparing. */
const bytesOf = ({ content, target }: Entry): string => JSON.stringify([content, target && [...target]]);
