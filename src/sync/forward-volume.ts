/** After a pull: the working directory follows its branch, if it has no unsaved change. */

import { type AncestryLookup, compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import type { BranchId, SnapshotId, VolsetId } from '../core/ids.ts';
import { ROOT } from '../core/paths.ts';
import type { Problem, Volume } from '../volume/contract.ts';
import { findDoubt, isInDoubt } from '../volume/index.ts';
import { moveVolume } from './checkout.ts';
import { type Engine, rootHere } from './engine.ts';
import { type Bracket, findBracket, showBracket } from './hold-brackets.ts';
import { holdVolume } from './hold-volume.ts';
import { compareWithBase } from './working-tree.ts';

export interface Forwarded {
  moved: boolean;
  /** Its edits kept it where it is (exit 8). */
  unsaved: boolean;
  /** An application is in the middle of writing: it stays where it is until that has ended. */
  held?: true;
  problems: Problem[];
}

const STAYS: Forwarded = { moved: false, unsaved: false, problems: [] };

export async function forwardVolume(engine: Engine, volset: VolsetId): Promise<Forwarded> {
  const { volume } = engine;
  // A volset that was deleted takes no directory along: its files stay what they are.
  if (!volume || volume.state.volset !== volset || !engine.meta.findVolset(volset)) return STAYS;
  if (!wantsForward(engine, volume)) return STAYS;
  using _held = await holdVolume(engine, volume);
  const target = wantsForward(engine, volume);
  if (!target) return STAYS;
  const bracket = findBracket(engine, volume);
  if (bracket) return { ...STAYS, held: true, problems: [heldProblem(bracket)] };
  if (await isDirty(engine, volume)) return { moved: false, unsaved: true, problems: [] };
  const root = rootHere(engine, volset, target.tip);
  try {
    const { problems } = await moveVolume(engine, volume, { snapshot: target.tip, root, branch: target.branch });
    return { moved: true, unsaved: false, problems };
  } catch (error) {
    // An ignored file is no change of the tree and can be in the way all the same: the rest of the pull goes on.
    if (!(error instanceof PlaitError) || error.code !== 'unsaved-changes') throw error;
    engine.reporter.warn(error.message);
    return { moved: false, unsaved: true, problems: [] };
  }
}

export const heldProblem = (bracket: Bracket): Problem => ({
  path: ROOT,
  what: 'held',
  message: `${showBracket(bracket)}: it stays behind its branch until the application has written all, and follows with the next pull`,
});

/** A tip that a pull would give the branch. */
export interface Planned {
  tip: SnapshotId;
  /** It replaces a line of ours (--theirs) instead of following it. */
  replaces: boolean;
  parents: AncestryLookup;
}

/** Of a dry run: would unsaved changes keep the directory where it is? Reads only, also where another command is at work. */
export async function foreseeVolume(engine: Engine, volume: Volume, planned: Planned): Promise<Forwarded> {
  const { base, expected, moving } = volume.state;
  // What an earlier command left half done is finished first: what is unsaved can be told only then.
  if (volume.pendingCheckout() || isInDoubt(findDoubt(volume.stateDir)) || moving || (expected && expected !== base))
    return STAYS;
  if (base === null || base === planned.tip) return STAYS;
  const follows = planned.replaces || compareTips(planned.parents, base, planned.tip).relation === 'behind';
  return follows && (await isDirty(engine, volume, { looksOnly: true })) ? { ...STAYS, unsaved: true } : STAYS;
}

/** The tip that the directory should go to: its branch's, if that follows from its base and its data is here. */
function wantsForward({ meta }: Engine, volume: Volume): { tip: SnapshotId; branch: BranchId } | undefined {
  const { base, branch, volset } = volume.state;
  const tip = branch === null ? null : (meta.findBranch(volset, branch)?.tip ?? null);
  if (branch === null || tip === null || tip === base || !meta.findSnapshot(volset, tip)?.hasBlob) return undefined;
  if (base === null) return { tip, branch };
  const { relation } = compareTips((ids) => meta.lineage(volset, ids), base, tip);
  return relation === 'behind' ? { tip, branch } : undefined;
}

/** Has it unsaved changes? Needs the volume held, unless it only looks. */
export async function isDirty(engine: Engine, volume: Volume, { looksOnly = false } = {}): Promise<boolean> {
  await using writer = engine.blob.writer(volume.state.volset, { signal: engine.signal, dryRun: true });
  const { changes, baseRoot } = compareWithBase(engine, volume, writer, { looksOnly });
  for await (const _ of changes) return true;
  if (!looksOnly && baseRoot !== null) changes.keepCache(baseRoot);
  return false;
}
