/**
 * `plait merge REF`: joins another line to the branch of the working directory. A clean merge is a function of its two
 * tips, so that stores which merge the same tips make the same snapshot. Order: nodes and body, then conflicts, records
 * and ref, then the working directory; the volume notes beforehand where the directory is to go, so that the next
 * command finishes a merge that was cut off.
 */
import { compareTips, mergeBases } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import { showText } from '../core/paths.ts';
import type { Policy } from '../core/reconcile.ts';
import type { BranchView, MetaStore, SnapshotView } from '../meta/contract.ts';
import type { Volume } from '../volume/contract.ts';
import { moveVolume } from './checkout.ts';
import { bodyOf, commitSnapshot } from './commit-snapshot.ts';
import { type ConflictRow, conflictRow } from './conflict-rows.ts';
import { currentVolset, type Engine, type Outcome, outcome, readSnapshot, requireVolume, rootHere } from './engine.ts';
import { isDirty } from './forward-volume.ts';
import { holdToWrite, holdVolume } from './hold-volume.ts';
import {
  type Counts,
  conflictOf,
  countChange,
  type Lines,
  laterOf,
  type MergedTree,
  mergeLines,
} from './merge-trees.ts';
import { exitOfProblems, problemRow } from './problems.ts';
import { resolveReference } from './references.ts';
import type { ProblemRow } from './results.ts';
import { settle } from './settle.ts';
import { unlessCollected } from './unless-collected.ts';

export interface MergeOptions {
  ref: string;
  /** Who stands at a path that both sides changed. */
  prefer: Policy;
  dryRun: boolean;
}

export interface MergeResult extends Counts {
  /** The branch moved, by a new snapshot or forward to theirs. */
  merged: boolean;
  fastForward: boolean;
  dryRun: boolean;
  /** Name of the volset; `volsetId` is its id. */
  volset: string | null;
  volsetId: VolsetId;
  branch: string;
  /** The branch's tip afterwards; null where a dry run would make a new one. */
  snapshot: SnapshotId | null;
  /** Of a new snapshot: the two tips, sorted. */
  parents: SnapshotId[];
  /** Newest common ancestors. */
  bases: SnapshotId[];
  conflicts: ConflictRow[];
  /** Paths written in the working directory. */
  written: number;
  problems: ProblemRow[];
  durationMs: number;
}

/** Who is to be merged into what. */
interface Task extends MergeOptions {
  engine: Engine;
  volume: Volume;
  volset: VolsetId;
  branch: BranchView;
  ours: SnapshotView | null;
  theirs: SnapshotView;
}

export async function merge(engine: Engine, options: MergeOptions): Promise<Outcome<MergeResult>> {
  const started = engine.world.now();
  const volume = requireVolume(engine);
  using _held = await (options.dryRun ? holdVolume : holdToWrite)(engine, volume);
  const task = await prepare(engine, volume, options);
  const { result, exits } = await run(task);
  return { result: { ...result, durationMs: engine.world.now() - started }, exits };
}

async function prepare(engine: Engine, volume: Volume, options: MergeOptions): Promise<Task> {
  const { id: volset } = currentVolset(engine);
  if (volset !== volume.state.volset) {
    throw new PlaitError('usage', 'the working directory belongs to another volume set', {
      hint: 'leave out --volset, or name the directory with -C DIR',
    });
  }
  const branch = standingAt(engine, volume);
  const { snapshot } = resolveReference(engine, volset, options.ref);
  rootHere(engine, volset, snapshot);
  if (branch.tip !== null) rootHere(engine, volset, branch.tip);
  if (await isDirty(engine, volume)) {
    throw new PlaitError('unsaved-changes', 'the working directory has unsaved changes; nothing was merged', {
      hint: 'save them with `plait snapshot`, or see them with `plait status`; then merge again',
    });
  }
  const ours = branch.tip === null ? null : readSnapshot(engine, volset, branch.tip);
  return { ...options, engine, volume, volset, branch, ours, theirs: readSnapshot(engine, volset, snapshot) };
}

/** The branch that the merge moves: the directory's, and the directory must be at its tip. */
function standingAt({ meta }: Engine, { state }: Volume): BranchView {
  const branch = state.branch === null ? undefined : meta.findBranch(state.volset, state.branch);
  if (!branch) {
    throw new PlaitError('usage', 'this working directory is on no branch (detached)', {
      hint: 'go to one with `plait checkout BRANCH`, or start one with `plait snapshot -b NAME`',
    });
  }
  if (branch.tip !== state.base) {
    const name = showText(branch.name);
    throw new PlaitError('guard', `the working directory is not at the tip of ${name}`, {
      hint: `go there with \`plait checkout ${name}\`; edits that it lacks are saved first with \`plait snapshot -b NAME\``,
      data: { branch: branch.name, tip: branch.tip, base: state.base },
    });
  }
  return branch;
}

function run(task: Task): Promise<Outcome<MergeResult>> | Outcome<MergeResult> {
  const { engine, volset, ours, theirs } = task;
  if (ours === null) return fastForward(task, []);
  const lookup = (ids: SnapshotId[]) => engine.meta.lineage(volset, ids);
  const { relation } = compareTips(lookup, ours.id, theirs.id);
  if (relation === 'equal' || relation === 'ahead') return outcome(document(task, { bases: [theirs.id] }));
  if (relation === 'behind') return fastForward(task, [ours.id]);
  return mergeApart(task, ours, standingBases(engine.meta, volset, mergeBases(lookup, ours.id, theirs.id)));
}

/** For one that was forgotten stand those before it: what both sides have changed alike since is no conflict. */
function standingBases(meta: MetaStore, volset: VolsetId, bases: SnapshotId[]): SnapshotId[] {
  const standing = new Set<SnapshotId>();
  const queue = [...bases];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (meta.forgotten(volset, [id]).length === 0) standing.add(id);
    else queue.push(...(meta.parentsOf(volset, [id])[id] ?? []));
  }
  return [...standing].sort();
}

async function fastForward(task: Task, bases: SnapshotId[]): Promise<Outcome<MergeResult>> {
  const { engine, volume, volset, branch, theirs, dryRun } = task;
  const counts: Counts = { added: 0, modified: 0, deleted: 0 };
  for (const change of changesTo(task)) countChange(counts, change);
  if (dryRun) return outcome(document(task, { ...counts, bases, fastForward: true, snapshot: theirs.id }));
  volume.update({ moving: theirs.id });
  engine.meta.commit(volset, [{ edit: 'move-ref', branch: branch.id, from: branch.tip, to: theirs.id }]);
  return follow(task, theirs, { ...counts, bases, merged: true, fastForward: true });
}

function* changesTo({ engine, volset, ours, theirs }: Task) {
  const reader = engine.blob.reader(volset);
  if (ours) yield* engine.manifest.diff(reader, ours.body.root, theirs.body.root);
  else for (const after of engine.manifest.entries(reader, theirs.body.root)) yield { path: after.path, after };
}

const mergeApart = (task: Task, ours: SnapshotView, baseIds: SnapshotId[]): Promise<Outcome<MergeResult>> =>
  unlessCollected(task.engine, () => mergeOnce(task, ours, baseIds));

async function mergeOnce(task: Task, ours: SnapshotView, baseIds: SnapshotId[]): Promise<Outcome<MergeResult>> {
  const { engine, volume, volset, branch, theirs, dryRun } = task;
  const takenFrom = [ours.id, theirs.id];
  for (const id of [...takenFrom, ...baseIds]) rootHere(engine, volset, id);
  const lines: Lines = { ours, theirs, bases: baseIds.map((id) => readSnapshot(engine, volset, id)) };
  await using writer = engine.blob.writer(volset, { signal: engine.signal, dryRun });
  const merged = await mergeLines(engine, writer, lines, task.prefer);
  const made = snapshotOf(task, lines, merged);
  const conflicts = merged.conflicts.map((met) => conflictOf(lines, met, made.id));
  const { added, modified, deleted } = merged;
  const rows = conflicts.map((conflict) => conflictRow(engine.meta, volset, conflict));
  const facts = { added, modified, deleted, bases: baseIds, parents: made.body.parents, conflicts: rows };
  if (dryRun) return outcome(document(task, { ...facts, snapshot: null }), rows.length > 0 && 5);
  volume.update({ moving: made.id });
  await commitSnapshot(engine, writer, made, { branch: branch.id, from: ours.id }, { conflicts, takenFrom });
  return follow(task, readSnapshot(engine, volset, made.id), { ...facts, merged: true });
}

/** Nothing of who merges or when, unless somebody had to decide. */
function snapshotOf({ engine, volset }: Task, { ours, theirs }: Lines, merged: MergedTree) {
  const { root, files, bytes, dir, conflicts } = merged;
  const isClean = conflicts.length === 0;
  const creator = isClean ? 'merge' : engine.world.creator;
  const created = isClean ? laterOf(ours, theirs).body.created : engine.world.now();
  const parents = [ours.id, theirs.id].sort();
  return bodyOf({ volset, parents, root, created, creator, files, bytes, ...(dir && { dir }) });
}

/** The branch has moved: the directory goes after it. */
async function follow(
  task: Task,
  { id, body }: SnapshotView,
  facts: Partial<MergeResult>,
): Promise<Outcome<MergeResult>> {
  const { engine, volume, volset, branch } = task;
  let unsaved = false;
  const moved = await moveVolume(engine, volume, { snapshot: id, root: body.root, branch: branch.id }).catch(
    (error) => {
      // An ignored file is no change of the tree and can be in the way all the same.
      if (!(error instanceof PlaitError) || error.code !== 'unsaved-changes') throw error;
      engine.reporter.warn(`${error.message}; the branch has moved, the working directory has not`);
      volume.update({ moving: null });
      unsaved = true;
      return { written: 0, problems: [] };
    },
  );
  await settle(engine, volset);
  const { written, problems } = moved;
  const result = document(task, { ...facts, snapshot: id, written, problems: problems.map(problemRow) });
  return outcome(result, result.conflicts.length > 0 && 5, exitOfProblems(problems), unsaved && 8);
}

function document({ engine, volset, branch, dryRun, ours }: Task, facts: Partial<MergeResult>): MergeResult {
  return {
    merged: false,
    fastForward: false,
    dryRun,
    volset: engine.meta.findVolset(volset)?.name ?? null,
    volsetId: volset,
    branch: branch.name,
    snapshot: ours?.id ?? null,
    parents: [],
    bases: [],
    added: 0,
    modified: 0,
    deleted: 0,
    conflicts: [],
    written: 0,
    problems: [],
    durationMs: 0,
    ...facts,
  };
}
