/** `plait snapshot`: the working directory becomes a point in time. */
import type { BlobWriter, NodeSource } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { PlaitError } from '../core/errors.ts';
import { nodeId } from '../core/hash.ts';
import type { BranchId, NodeId, SnapshotId } from '../core/ids.ts';
import type { TopDirectory } from '../core/records.ts';
import type { BranchView, VolsetView } from '../meta/contract.ts';
import type { Changes, ScanObserver, Volume } from '../volume/contract.ts';
import { readTop } from '../volume/index.ts';
import { bodyOf, commitSnapshot, type Labels } from './commit-snapshot.ts';
import { currentVolset, type Engine, type Outcome, outcome, requireVolume, rootHere } from './engine.ts';
import { newBranchId } from './fresh-ids.ts';
import { type Bracket, findBracket, ReadGuard, untilFree } from './hold-brackets.ts';
import { holdVolume } from './hold-volume.ts';
import { requirePlace } from './place.ts';
import { problemRow } from './problems.ts';
import type { SnapshotResult } from './results.ts';
import { settle } from './settle.ts';
import { stampSnapshot } from './stamps.ts';
import { unlessCollected } from './unless-collected.ts';
import { compareWithBase, guardDeletions } from './working-tree.ts';

export interface SnapshotOptions extends Labels {
  skipUnchanged: boolean;
  /** -b: the snapshot starts this new branch. */
  newBranch?: string;
  /** Share of the base's files that may be gone, 0..1. */
  maxDelete: number;
  /** Is told of each directory that is read. */
  observer?: ScanObserver;
}

/** Where the snapshot goes: the branch, its tip as we saw it, and its name if it is made now. */
interface Line {
  branch: BranchId;
  from: SnapshotId | null;
  name: string;
  create: boolean;
  /** The branch whose tip is not the volume's base, so that a line of its own is started. */
  forkedFrom: string | null;
}

/** Waits while an application holds the directory, up to the longest wait for locks; then `busy`. */
export async function snapshot(engine: Engine, options: SnapshotOptions): Promise<Outcome<SnapshotResult>> {
  const volume = requireVolume(engine);
  const end = performance.now() + engine.lockWaitMs;
  for (;;) {
    const made = await snapshotUnlessHeld(engine, options);
    if (!('held' in made)) return made;
    await untilFree(engine, volume, { bracket: made.held, end });
  }
}

/** `held`: an application is writing, or was while files were read; what was read is dropped then. */
export const snapshotUnlessHeld = (
  engine: Engine,
  options: SnapshotOptions,
): Promise<Outcome<SnapshotResult> | { held: Bracket }> => unlessCollected(engine, () => snapshotOnce(engine, options));

async function snapshotOnce(
  engine: Engine,
  options: SnapshotOptions,
): Promise<Outcome<SnapshotResult> | { held: Bracket }> {
  const started = engine.world.now();
  const volume = requireVolume(engine);
  using _held = await holdVolume(engine, volume);
  using guard = new ReadGuard(engine, volume);
  const bracket = findBracket(engine, volume);
  if (bracket) return { held: bracket };
  const volset = currentVolset(engine);
  const line = chooseLine(engine, volset, volume, options.newBranch);
  await using writer = engine.blob.writer(volset.id, { signal: engine.signal });
  const dir = readTop(volume.state.dir);
  const { observer } = options;
  const { changes, reader, baseRoot } = compareWithBase(engine, volume, writer, { dirTimes: true, observer });
  const start = baseRoot === null ? emptyTree(engine.manifest) : { source: reader, root: baseRoot };
  const root = await engine.manifest.patchAsync(start.source, writer, start.root, changes);
  // Nothing was patched, so nothing was written: the empty tree, which lay nowhere until now, has to come along.
  if (baseRoot === null && root === start.root) engine.manifest.build(writer, []);
  const broken = await guard.broken();
  if (broken) return { held: broken };
  // Unmounted or moved while it was read: what could not be found then was not deleted.
  requirePlace(volume);
  const { outcome: found } = changes;
  guardDeletions(found, options.maxDelete);

  const parents = volume.state.base === null ? [] : [volume.state.base];
  // Its data went while the directory was read, or before.
  for (const id of engine.meta.missingBlobs(volset.id, parents)) rootHere(engine, volset.id, id);
  const facts = { parents, root, found, started };
  if (options.skipUnchanged && found.changes === 0 && baseRoot !== null && !options.newBranch) {
    // Where times of directories moved, the cache describes a tree that is not made.
    if (root === baseRoot) changes.keepCache(root);
    stampSnapshot(engine, volset.id, volume.state.base);
    const standing = { ...facts, root: baseRoot, id: volume.state.base, created: false };
    return outcome(document(engine, volset, line.forkedFrom ?? line.name, standing), exitOf(found));
  }
  // Awaited: the writer closes when this function has ended.
  return await commit({ engine, volume, volset, writer, changes, dir, facts, options });
}

/** What was read, on its way to becoming a snapshot. */
interface ReadTree {
  engine: Engine;
  volume: Volume;
  volset: VolsetView;
  writer: BlobWriter;
  changes: Changes;
  dir: TopDirectory;
  facts: Pick<Facts, 'parents' | 'root' | 'found' | 'started'>;
  options: SnapshotOptions;
}

async function commit(read: ReadTree): Promise<Outcome<SnapshotResult>> {
  const { engine, volume, volset, writer, changes, dir, facts, options } = read;
  const { parents, root, found, started } = facts;
  const totals = { files: found.files, bytes: found.bytes, dir };
  const made = bodyOf({ volset: volset.id, parents, root, created: started, creator: engine.world.creator, ...totals });
  volume.update({ expected: made.id });
  let line: Line | undefined;
  // The tip may have moved while the directory was read: what was read goes to a line of its own then.
  const lineNow = () => {
    line = chooseLine(engine, volset, volume, options.newBranch);
    return lineRef(line);
  };
  const stats = await commitSnapshot(engine, writer, made, lineNow, { ...options, takenFrom: parents });
  const { branch, name, forkedFrom } = line as unknown as Line;
  volume.update({ base: made.id, baseRoot: root, branch, expected: null });
  keepCache(engine, changes, root);
  stampSnapshot(engine, volset.id, made.id);
  await settle(engine, volset.id);
  const result = document(engine, volset, name, { ...facts, id: made.id, created: true });
  result.addedBytes = stats.addedBytes;
  result.storedBytes = stats.storedBytes;
  if (forkedFrom !== null) result.forkedFrom = forkedFrom;
  return outcome(result, exitOf(found), forkedFrom !== null && 6);
}

/** The snapshot is committed by now: a cache that cannot be written only makes the next comparison read more. */
function keepCache(engine: Engine, changes: Changes, root: NodeId): void {
  try {
    changes.keepCache(root);
  } catch (error) {
    engine.reporter.warn(`the stat cache could not be written (${error instanceof Error ? error.message : error})`);
  }
}

/** The tree of a first snapshot's base, which is nowhere stored. */
function emptyTree(manifest: Manifest): { source: NodeSource; root: NodeId } {
  const nodes = new Map<NodeId, Uint8Array>();
  const putNode = (bytes: Uint8Array): NodeId => {
    const id = nodeId(bytes);
    nodes.set(id, Uint8Array.from(bytes));
    return id;
  };
  const root = manifest.build({ putNode }, []);
  return { root, source: { readNode: (id) => nodes.get(id) as Uint8Array } };
}

const exitOf = (found: Changes['outcome']): number => (found.problems.length > 0 ? 3 : 0);
const lineRef = (line: Line) => ({ branch: line.branch, from: line.from, ...(line.create && { create: line.name }) });

function chooseLine(engine: Engine, volset: VolsetView, volume: Volume, newBranch: string | undefined): Line {
  const branches = engine.meta.listBranches(volset.id);
  if (newBranch !== undefined) {
    if (branches.some((b) => b.name === newBranch)) {
      throw new PlaitError('exists', `a branch named ${newBranch} exists already`, {
        hint: 'choose another name for -b',
      });
    }
    return { branch: newBranchId(engine.world), from: null, name: newBranch, create: true, forkedFrom: null };
  }
  const own = branches.find((b) => b.id === volume.state.branch);
  if (!own) {
    const why = volume.state.branch === null ? 'is on no branch (detached)' : 'is on a branch that was deleted';
    throw new PlaitError('usage', `this working directory ${why}`, {
      hint: 'start one with `plait snapshot -b NAME`, or go to one with `plait checkout BRANCH`',
    });
  }
  if (own.tip === volume.state.base)
    return { branch: own.id, from: own.tip, name: own.name, create: false, forkedFrom: null };
  if (volume.state.base === null) {
    throw new PlaitError('guard', `nothing of ${own.name} is checked out here; a snapshot would hold none of it`, {
      hint: `check it out with \`plait checkout ${own.name}\`, or start another branch with -b NAME`,
    });
  }
  const branch = newBranchId(engine.world);
  return { branch, from: null, name: forkName(own, branch, branches), create: true, forkedFrom: own.name };
}

/** NAME.xxxx, with more digits in the unlikely case that four are taken. */
function forkName(own: BranchView, id: BranchId, branches: BranchView[]): string {
  for (let digits = 4; ; digits++) {
    const name = `${own.name}.${id.slice(0, digits)}`;
    if (!branches.some((b) => b.name === name)) return name;
  }
}

interface Facts {
  id: SnapshotId | null;
  created: boolean;
  parents: SnapshotId[];
  root: NodeId;
  found: Changes['outcome'];
  started: number;
}

function document(engine: Engine, volset: VolsetView, branch: string, facts: Facts): SnapshotResult {
  const { found } = facts;
  return {
    snapshot: facts.id,
    created: facts.created,
    parents: facts.parents,
    root: facts.root,
    volset: volset.name,
    volsetId: volset.id,
    branch,
    files: found.files,
    bytes: found.bytes,
    new: found.added,
    changed: found.modified + found.typeChanged,
    deleted: found.deleted,
    unchanged: found.unchanged,
    addedBytes: 0,
    storedBytes: 0,
    problems: found.problems.map(problemRow),
    durationMs: engine.world.now() - facts.started,
  };
}
