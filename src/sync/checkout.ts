/** Moves a working directory to a snapshot, and finishes what an earlier command was not allowed to finish. */
import { type ErrorCode, PlaitError } from '../core/errors.ts';
import type { BranchId, NodeId, SnapshotId } from '../core/ids.ts';
import type { CheckoutResult, Volume } from '../volume/contract.ts';
import { checkout as checkoutVolume, setTop } from '../volume/index.ts';
import { type Engine, type Outcome, outcome, requireVolume, rootHere } from './engine.ts';
import { holdToWrite } from './hold-volume.ts';
import { exitOfProblems, problemRow } from './problems.ts';
import { resolveReference } from './references.ts';
import type { ProblemRow } from './results.ts';

export interface Place {
  snapshot: SnapshotId;
  root: NodeId;
  branch: BranchId | null;
}

interface MoveOptions {
  force?: boolean;
  /** Everything in the target is looked at, not only what differs from the base: nobody knows what is on disk. */
  whole?: boolean;
}

/** Writes what differs between the volume's base and the target. Refuses (exit 8) before writing if edits are in the way. */
export async function moveVolume(
  engine: Engine,
  volume: Volume,
  target: Place,
  { force = false, whole = false }: MoveOptions = {},
): Promise<CheckoutResult> {
  const { volset, base, baseRoot } = volume.state;
  const reader = engine.blob.reader(volset);
  const { manifest } = engine;
  const from = whole ? undefined : (baseRoot ?? undefined);
  const topOf = (id: SnapshotId) => engine.meta.findSnapshot(volset, id)?.body.dir;
  const [before, top] = [base === null ? undefined : topOf(base), topOf(target.snapshot)];
  const phase = engine.reporter.phase('checking out');
  await using hasher = engine.blob.writer(volset, { signal: engine.signal, dryRun: true });
  try {
    const done = await checkoutVolume({
      volume,
      target,
      force,
      signal: engine.signal,
      changes: () =>
        from === undefined ? additions(engine, reader, target.root) : manifest.diff(reader, from, target.root),
      targetEntries: () => manifest.encodedEntries(reader, target.root),
      ingest: (root, files) => hasher.ingest(root, files),
      extract: (root, tempDir, files) => reader.extract(root, tempDir, files, { signal: engine.signal }),
      onProgress: ({ done, total, path }) => {
        phase.total({ items: total });
        phase.advance({ items: done, path });
      },
    });
    if (top) setTop(volume.state.dir, top, before, from === undefined);
    // Wherever a merge wanted it to go, it is here now.
    if (volume.state.moving) volume.update({ moving: null });
    return done;
  } finally {
    phase.end();
  }
}

function* additions(engine: Engine, reader: ReturnType<Engine['blob']['reader']>, root: NodeId) {
  for (const after of engine.manifest.entries(reader, root)) yield { path: after.path, after };
}

/** With the volume held, before a command looks at the working directory: a checkout that was cut off is completed. */
export async function finishCheckout(engine: Engine, volume: Volume): Promise<void> {
  const pending = volume.pendingCheckout();
  if (!pending) return;
  engine.reporter.note('finishing a checkout that was interrupted');
  await moveVolume(engine, volume, pending);
}

/** With the volume held: where a merge has moved the branch and was cut off then, the directory follows now. */
export async function finishMerge(engine: Engine, volume: Volume): Promise<void> {
  const { moving, volset, base, branch } = volume.state;
  if (!moving) return;
  const view = engine.meta.findSnapshot(volset, moving);
  const tip = branch === null ? undefined : engine.meta.findBranch(volset, branch)?.tip;
  if (!view?.hasBlob || tip !== moving || base === moving) {
    volume.update({ moving: null });
    return;
  }
  engine.reporter.note('finishing a merge that was interrupted');
  try {
    await moveVolume(engine, volume, { snapshot: moving, root: view.body.root, branch });
  } catch (error) {
    // Edited meanwhile: the directory stays where it is, as after a pull.
    if (!(error instanceof PlaitError) || error.code !== 'unsaved-changes') throw error;
    engine.reporter.warn(error.message);
    volume.update({ moving: null });
  }
}

/**
 * With --force: what was half done is done first, for only its own target tells what it has added and removed. Answers
 * false where that is not possible any more.
 */
async function finishByForce(engine: Engine, volume: Volume): Promise<boolean> {
  try {
    const pending = volume.pendingCheckout();
    if (pending) await moveVolume(engine, volume, pending, { force: true });
    return true;
  } catch (error) {
    engine.signal.throwIfAborted();
    if (!(error instanceof PlaitError) || !UNFINISHABLE.includes(error.code)) throw error;
    return false;
  }
}

/** Its data is damaged or not here; anything else (a full disk) stops the next checkout just as well. */
const UNFINISHABLE: ErrorCode[] = ['integrity', 'blob-absent', 'not-found', 'exists'];

/** A snapshot that was committed just before a crash becomes the base that it was meant to be. */
export function adoptExpected(engine: Engine, volume: Volume): void {
  const { expected, volset, base, branch } = volume.state;
  if (!expected || expected === base) return;
  const view = engine.meta.findSnapshot(volset, expected);
  if (!view) {
    volume.update({ expected: null });
    return;
  }
  // Where no branch ends there now, a pull or a push has moved on from it.
  const line = engine.meta.listBranches(volset).find((b) => b.tip === expected)?.id ?? branch;
  volume.update({ base: expected, baseRoot: view.body.root, branch: line, expected: null });
}

export interface CheckoutDocument {
  volset: string | null;
  branch: string | null;
  snapshot: SnapshotId;
  written: number;
  deleted: number;
  bytes: number;
  problems: ProblemRow[];
}

/** `plait checkout REF`: a branch by its name, anything else detached. */
export async function checkout(engine: Engine, ref: string, force: boolean): Promise<Outcome<CheckoutDocument>> {
  const volume = requireVolume(engine);
  using _held = await holdToWrite(engine, volume, { finish: !force });
  const { volset } = volume.state;
  const found = resolveReference(engine, volset, ref);
  const root = rootHere(engine, volset, found.snapshot);
  const branch = found.branch ?? null;
  const whole = force && !(await finishByForce(engine, volume));
  const place = { snapshot: found.snapshot, root, branch: branch?.id ?? null };
  const done = await moveVolume(engine, volume, place, { force, whole });
  const name = engine.meta.findVolset(volset)?.name ?? null;
  const result = { volset: name, branch: branch?.name ?? null, snapshot: found.snapshot, ...done };
  return outcome({ ...result, problems: done.problems.map(problemRow) }, exitOfProblems(done.problems));
}
