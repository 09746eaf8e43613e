/** Which snapshots' data the other side is to get, and how soon. */
import { type AncestryLookup, newSince } from '../core/ancestry.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { RefStep } from '../core/ref-plan.ts';
import type { Selection } from '../core/selection.ts';
import type { Priority } from '../meta/contract.ts';
import { oldestFirst } from '../transfer/negotiation.ts';
import type { Engine } from './engine.ts';
import { deadOf } from './queue.ts';
import { resolveReference } from './references.ts';
import { sinceReference, sinceStop } from './since.ts';

export const HISTORY: Priority = 0;
const TIP: Priority = 1;
const NAMED: Priority = 2;

export interface Planning {
  engine: Engine;
  volset: VolsetId;
  /** Name of the remote. */
  remote: string;
  parents: AncestryLookup;
}

export interface WantedUp {
  /** Oldest first. */
  items: { snapshot: SnapshotId; priority: Priority }[];
  /** Wanted, but their data is not in this store. */
  absent: SnapshotId[];
}

/** A selection that names branches alone carries all of their history. */
export const leavesOut = ({ tips, since, metadataOnly }: Selection): boolean =>
  tips === true || metadataOnly === true || since !== undefined;

/**
 * By steps and selection, then `gaps`. Tips are always among them: one that lies in the history of another tip there is
 * not new, yet it may be that the peer never got its data. What was refused for good is tried again as a tip or by
 * name, not as history.
 */
export function wantedUp(planning: Planning, steps: RefStep[], selection: Selection, gaps: SnapshotId[]): WantedUp {
  const { engine, volset, remote } = planning;
  const { meta } = engine;
  if (selection.metadataOnly) return { items: [], absent: [] };
  const named = (selection.snapshots ?? []).map((ref) => resolveReference(engine, volset, ref).snapshot);
  const sending = steps.filter(({ step }) => step === 'send');
  const tips = sending.map(({ current }) => current).filter((id) => id !== null);
  const history = selection.tips ? [] : historyOf(planning, steps, tips, selection);
  const gone = new Set(meta.forgotten(volset, [...named, ...tips, ...history]));
  const soon = new Set(
    oldestFirst(
      meta,
      volset,
      [...named, ...tips].filter((id) => !gone.has(id)),
    ),
  );
  const later = [...new Set([...history, ...gaps])].filter((id) => !soon.has(id) && !gone.has(id));
  const dead = deadOf(meta, { remote, volset }, later);
  const line = [...later.filter((id) => !dead.has(id)), ...soon];
  const absent = new Set(meta.missingBlobs(volset, line));
  const high = new Set(selection.branches?.length ? soon : named);
  const priorityOf = (id: SnapshotId): Priority => (high.has(id) ? NAMED : soon.has(id) ? TIP : HISTORY);
  const items = line.filter((id) => !absent.has(id)).map((snapshot) => ({ snapshot, priority: priorityOf(snapshot) }));
  return { items, absent: [...absent] };
}

function historyOf({ engine, volset, parents }: Planning, steps: RefStep[], tips: SnapshotId[], { since }: Selection) {
  const held = steps.map((step) => step.target).filter((id) => id !== null);
  const stop = sinceStop(engine, volset, since);
  const end = sinceReference(engine, volset, since);
  return newSince(parents, tips, end === undefined ? held : [...held, end])
    .filter((id) => !stop(id))
    .reverse();
}
