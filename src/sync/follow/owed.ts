/**
 * What a remote still lacks of ours, or we of its, as far as that is known without asking. It decides whether a session
 * is worth while: what our own rounds write, or those of others that brought it there already, is no reason for one.
 */
import { PlaitError } from '../../core/errors.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { RefStep } from '../../core/ref-plan.ts';
import { effectiveSelection, isEmpty, type Selection, selectSteps } from '../../core/selection.ts';
import type { MetaStore, RemoteConfig } from '../../meta/contract.ts';
import { isMetadataOnly } from '../blobs-down.ts';
import type { Engine } from '../engine.ts';
import { gapsOf } from '../gaps.ts';
import { lackedHere } from '../left-out.ts';
import { hasRecordsFor } from '../send-records.ts';
import { type Known, planSession, rememberedSession } from '../session.ts';
import { leavesOut } from '../want-up.ts';

export interface Owed {
  /** The remote lacks something that would be sent. */
  owes: boolean;
  /** A branch there is ahead, or data of it is not here: an earlier run was cut off. */
  lacks: boolean;
  diverged: boolean;
}

const UNKNOWN: Owed = { owes: true, lacks: true, diverged: false };
const PAGE = 1000;

export function owedNow(engine: Engine, remote: RemoteConfig, volset: VolsetId, given: Selection): Owed {
  const known = rememberedSession(engine, remote, volset);
  if (!known) return UNKNOWN;
  const selection = effectiveSelection(remote.selection, given);
  try {
    const steps = selectSteps(planSession(known, engine.meta.listBranches(volset)), selection);
    return {
      owes: hasRecordsFor(known) || owesData(known, steps, selection),
      lacks: lacksData(known, steps, selection),
      diverged: steps.some(({ step }) => step === 'diverged'),
    };
  } catch (error) {
    // A fork of histories, or a branch that only the remote knows: the session itself will tell.
    if (error instanceof PlaitError) return UNKNOWN;
    throw error;
  }
}

function owesData(known: Known, steps: RefStep[], selection: Selection): boolean {
  const { waiting, due } = queued(known);
  if (due) return true;
  const isOwed = (id: SnapshotId | null) => id !== null && !waiting.has(id);
  if (steps.some(({ step, current }) => step === 'send' && isOwed(current))) return true;
  if (selection.metadataOnly || leavesOut(selection)) return false;
  const { wanted, lost } = gapsOf(known, steps);
  return wanted.some(isOwed) || (isEmpty(selection) && lost.length > 0);
}

/** Those that are to be tried again later or not at all; `due`: some are to be tried now. */
function queued({ engine: { meta, world }, remote, volset }: Known): { waiting: Set<SnapshotId>; due: boolean } {
  const waiting = new Set<SnapshotId>();
  const filter = { remote: remote.name, volset };
  const now = world.now();
  for (const dead of [false, true]) {
    let page = meta.queue({ ...filter, dead }, { limit: PAGE });
    while (page.length > 0) {
      if (!dead && page.some(({ notBefore }) => notBefore <= now)) return { waiting, due: true };
      for (const { snapshot } of page) waiting.add(snapshot);
      page = page.length < PAGE ? [] : meta.queue({ ...filter, dead }, { limit: PAGE, after: page.at(-1) });
    }
  }
  return { waiting, due: false };
}

function lacksData(known: Known, steps: RefStep[], selection: Selection): boolean {
  if (selection.metadataOnly || isMetadataOnly(known)) return false;
  if (steps.some(({ step }) => step === 'take')) return true;
  return isEmpty(selection) && lackedHere(known, steps).length > 0;
}

/**
 * A command that was killed leaves a generation open, which nobody is told of; a session closes it. Those that run close
 * theirs within moments: `before` is what the look before this one found.
 */
export function closeLeftOpen(
  { meta }: Engine,
  volset: VolsetId,
  before: boolean,
  row: HeadRow | undefined = headRow(meta, volset),
): boolean {
  const isOpen = row?.open ?? false;
  if (!isOpen || !before) return isOpen;
  meta.cut(volset);
  return false;
}

/** Changes whenever something here does that may be owed. */
export function fingerprint(
  { meta }: Engine,
  remote: string,
  volset: VolsetId,
  row: HeadRow | undefined = headRow(meta, volset),
): string {
  const counts = meta.queueCounts({ remote, volset }).map(({ waiting, dead }) => [waiting, dead]);
  return JSON.stringify([row?.head.revision, row?.head.blobs, counts]);
}

export type HeadRow = ReturnType<MetaStore['heads']>[number];

/** Who looks at many reads them once: it is a list of all. */
const headRow = (meta: MetaStore, volset: VolsetId): HeadRow | undefined =>
  meta.heads().find((row) => row.volset === volset);

/** When the first of those that wait in the queue is to be tried again, in milliseconds since the epoch. */
export function nextInQueue({ meta }: Engine, remote: string, volset: VolsetId): number | undefined {
  const page = meta.queue({ remote, volset, dead: false }, { limit: PAGE });
  return page.length === 0 ? undefined : Math.min(...page.map(({ notBefore }) => notBefore));
}
