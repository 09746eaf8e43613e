/** `plait restore`: files of a snapshot, in place or into another directory. The volume's base stays where it is. */
import { existsSync } from 'node:fs';
import type { BlobReader } from '../blob/contract.ts';
import type { Entry } from '../core/entry.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import { isWithin, type PathKey, ROOT, showPath } from '../core/paths.ts';
import { type CompareOptions, compareRestored, type Difference } from '../volume/compare-restored.ts';
import type { Preserve, Problem } from '../volume/contract.ts';
import { setTop } from '../volume/index.ts';
import { restoreEntries } from '../volume/restore.ts';
import { currentVolset, type Engine, type Outcome, outcome, readSnapshot, requireVolume, rootHere } from './engine.ts';
import { holdToWrite } from './hold-volume.ts';
import { exitOfProblems, problemRow } from './problems.ts';
import { resolveReference } from './references.ts';
import type { ProblemRow } from './results.ts';
import { noSuchPath } from './tree.ts';
import { compareWithBase } from './working-tree.ts';

export interface RestoreInput {
  ref: string;
  /** All, if there are none. */
  paths: PathKey[];
  /** The named paths alone, nothing below them. */
  alone?: boolean;
  /** Absolute; in place, unless given. */
  to?: string;
  overwrite: boolean;
  preserve: Preserve[];
  /** Read back what was written, and compare it with the snapshot. */
  verify?: boolean;
}

export interface RestoreResult {
  snapshot: SnapshotId;
  dir: string;
  written: number;
  bytes: number;
  problems: ProblemRow[];
  /** With `verify`: what was read back; `problems` names what differs (`differs`) or cannot be read back (`unreadable`). */
  verified?: { entries: number; bytes: number };
}

export async function restore(engine: Engine, input: RestoreInput): Promise<Outcome<RestoreResult>> {
  const volset = currentVolset(engine).id;
  const { snapshot } = resolveReference(engine, volset, input.ref);
  const root = rootHere(engine, volset, snapshot);
  const reader = engine.blob.reader(volset);
  checkPaths(engine, volset, root, input);
  const dir = input.to ?? requireVolume(engine).state.dir;
  using _held = input.to === undefined ? await holdToWrite(engine, requireVolume(engine)) : undefined;
  const isNew = !existsSync(dir);
  const isSaved = input.to === undefined && !input.overwrite ? await savedInPlace(engine, input.paths) : () => false;
  const entries = () => selectedEntries(engine, volset, root, input);
  const preserve = [...input.preserve, ...(input.to === undefined ? requireVolume(engine).state.preserve : [])];
  const done = await restoreEntries({
    dir,
    unique: engine.world.random(8).toString('hex'),
    entries,
    preserve,
    isSaved,
    overwrite: input.overwrite,
    extract: (into, tempDir, files) => reader.extract(into, tempDir, files, { signal: engine.signal }),
    signal: engine.signal,
  });
  const top = readSnapshot(engine, volset, snapshot).body.dir;
  if (top && input.to !== undefined && input.paths.length === 0) setTop(dir, top, undefined, isNew);
  const back = input.verify ? await readBack(engine, reader, { dir, entries, preserve }, done.problems) : undefined;
  const problems = [...done.problems, ...(back?.problems ?? [])];
  const result = {
    snapshot,
    dir,
    ...done,
    problems: problems.map(problemRow),
    ...(back && { verified: back.verified }),
  };
  return outcome(result, exitOfProblems(problems));
}

/** What could not be written is told already. */
async function readBack(
  engine: Engine,
  reader: BlobReader,
  what: Pick<CompareOptions, 'dir' | 'entries' | 'preserve'>,
  problems: readonly Problem[],
): Promise<{ problems: Problem[]; verified: { entries: number; bytes: number } }> {
  const phase = engine.reporter.phase('reading back');
  const { entries, bytes, differences } = await compareRestored({
    ...what,
    extents: (content) => reader.extents(content),
    except: new Set(problems.map(({ path }) => path)),
    signal: engine.signal,
    onProgress: (step) => phase.advance(step),
  });
  phase.end();
  return { problems: differences.map(differs), verified: { entries, bytes } };
}

const differs = ({ path, what, unseen }: Difference): Problem => ({
  path,
  what: unseen ? 'unreadable' : 'differs',
  message: `${showPath(path)} was restored, but ${what}`,
});

function checkPaths(engine: Engine, volset: VolsetId, root: NodeId, { paths, ref }: RestoreInput): void {
  const reader = engine.blob.reader(volset);
  for (const path of paths) if (path !== ROOT && !engine.manifest.find(reader, root, path)) throw noSuchPath(path, ref);
}

/** The named paths with all below them (unless `alone`), and the directories above, in path order. */
export function* selectedEntries(
  engine: Pick<Engine, 'blob' | 'manifest'>,
  volset: VolsetId,
  root: NodeId,
  { paths, alone }: Pick<RestoreInput, 'paths' | 'alone'>,
): Generator<Entry> {
  const reader = engine.blob.reader(volset);
  const wanted = [...new Set(paths)].sort();
  if (wanted.length === 0 || wanted.includes(ROOT)) {
    yield* engine.manifest.entries(reader, root);
    return;
  }
  const above = new Set<PathKey>();
  let last: PathKey | undefined;
  for (const path of wanted) {
    if (last !== undefined && isWithin(path, last)) continue;
    last = path;
    for (const parent of parentsOf(path)) {
      const entry = above.has(parent) ? undefined : engine.manifest.find(reader, root, parent);
      above.add(parent);
      if (entry) yield entry;
    }
    if (alone) yield engine.manifest.find(reader, root, path) as Entry;
    else yield* engine.manifest.entries(reader, root, path);
  }
}

function* parentsOf(path: PathKey): Generator<PathKey> {
  for (let at = path.indexOf('\0'); at >= 0; at = path.indexOf('\0', at + 1)) yield path.slice(0, at) as PathKey;
}

/**
 * Tells whether what lies at a path is held by the base: it must be there, have been looked at, and be unchanged. What
 * the base does not track may be ignored and is nowhere else. To be asked in path order.
 */
export async function savedInPlace(engine: Engine, paths: PathKey[]): Promise<(path: PathKey) => boolean> {
  const volume = requireVolume(engine);
  await using writer = engine.blob.writer(volume.state.volset, { signal: engine.signal, dryRun: true });
  const { changes, reader, baseRoot } = compareWithBase(engine, volume, writer);
  const unsaved = new Set<PathKey>();
  // A file in the way of a directory above what is asked for counts as well.
  const touches = (path: PathKey) => paths.some((root) => isWithin(path, root) || isWithin(root, path));
  for await (const { path } of changes) if (paths.length === 0 || touches(path)) unsaved.add(path);
  if (baseRoot === null) return () => false;
  const unseen = changes.outcome.problems.map((problem) => problem.path);
  const isTracked = inPathOrder(engine.manifest.encodedEntries(reader, baseRoot));
  return (path) => isTracked(path) && !unsaved.has(path) && !unseen.some((above) => isWithin(path, above));
}

/** Membership by one pass over sorted entries; the paths asked for must not go back. */
function inPathOrder(entries: Iterable<{ path: PathKey }>): (path: PathKey) => boolean {
  const all = entries[Symbol.iterator]();
  let at = all.next();
  return (path) => {
    while (!at.done && at.value.path < path) at = all.next();
    return !at.done && at.value.path === path;
  };
}
