/**
 * What a push queues before it has spoken to the remote, from what it told last: where the remote cannot be reached
 * the queue keeps it, and the next push or sync goes on. `push --enqueue` does no more than this.
 */
import { compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import { type BranchId, installOf, type SnapshotId, storeId, type VolsetId } from '../core/ids.ts';
import { planRefs, type RefStep } from '../core/ref-plan.ts';
import { effectiveSelection, isEmpty, type Selection } from '../core/selection.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { queueCount } from './queue.ts';
import { isSettledAt } from './quiet.ts';
import { pushes, type ReplicateOptions, type Verb } from './replicate-options.ts';
import type { EnqueuedResult } from './results.ts';
import { lastSealed } from './sealed.ts';
import { type WantedUp, wantedUp } from './want-up.ts';
import { requireOwn, volsetForeseen } from './which-volset.ts';

export interface Foreseen {
  volset: VolsetId;
  /** Those that were not in the queue before. */
  fresh: SnapshotId[];
}

/** Nothing for a verb that sends nothing, nor for a dry run. */
export function foresee(
  engine: Engine,
  verb: Verb,
  remote: RemoteConfig,
  options: ReplicateOptions,
): Foreseen | undefined {
  if (!pushes(verb, options) || options.dryRun) return undefined;
  try {
    const volset = volsetForeseen(engine, remote);
    if (volset === undefined) return undefined;
    requireOwn(engine, remote, volset);
    return enqueueKnown(engine, remote, volset, options.selection);
  } catch (error) {
    // A reference or a branch that only the remote knows: the session itself will tell.
    if (error instanceof PlaitError) return undefined;
    throw error;
  }
}

export function enqueueKnown(engine: Engine, remote: RemoteConfig, volset: VolsetId, given: Selection): Foreseen {
  const { items } = wantedNow(engine, remote, volset, given);
  const fresh = notQueued(engine, remote, volset, items);
  if (items.length > 0) engine.meta.enqueue(volset, remote.name, items, engine.world.now());
  return { volset, fresh };
}

function notQueued({ meta }: Engine, { name }: RemoteConfig, volset: VolsetId, items: WantedUp['items']): SnapshotId[] {
  if (items.length === 0) return [];
  const ids = items.map(({ snapshot }) => snapshot);
  const known = new Set(meta.queue({ remote: name, volset, snapshots: ids }).map(({ snapshot }) => snapshot));
  return ids.filter((id) => !known.has(id));
}

function wantedNow(engine: Engine, remote: RemoteConfig, volset: VolsetId, given: Selection): WantedUp {
  const selection = effectiveSelection(remote.selection, given);
  if (isEmpty(selection) && wasSettled(engine, remote, volset)) return { items: [], absent: [] };
  const parents = (ids: SnapshotId[]) => engine.meta.lineage(volset, ids);
  return wantedUp(
    { engine, volset, remote: remote.name, parents },
    knownSteps(engine, remote, volset, selection),
    selection,
    [],
  );
}

/** Where the last session found all in order and nothing has changed here, no branch need be looked at. */
function wasSettled({ meta }: Engine, { identity }: RemoteConfig, volset: VolsetId): boolean {
  const install = identity && installOf(identity);
  const told = install && meta.peer(install, volset);
  if (!told?.settled) return false;
  const { epoch, vector, revision } = told;
  const there = {
    identity: storeId(told.install, epoch),
    vector,
    revision,
    sealed: lastSealed(meta, told.install, volset),
  };
  return isSettledAt(meta, volset, there, told.settled);
}

/** The plan as it would be if the remote stood where it last was. */
function knownSteps({ meta }: Engine, { identity }: RemoteConfig, volset: VolsetId, selection: Selection): RefStep[] {
  const { branches } = selection;
  if (!branches?.length && selection.snapshots?.length) return [];
  const targets = new Map<BranchId, SnapshotId | null>();
  for (const ref of identity ? meta.refs(volset, identity) : []) targets.set(ref.branch, ref.snapshot);
  const tips = meta
    .listBranches(volset)
    .filter(({ name, tip }) => tip !== null && (!branches?.length || branches.includes(name)))
    .map(({ id, name, tip }) => ({ branch: id, name, current: tip, target: targets.get(id) ?? null }));
  return planRefs(tips, (ours, theirs) => compareTips((ids) => meta.lineage(volset, ids), ours, theirs));
}

/** `push --enqueue`: also for a remote that was never reached. */
export function enqueueOnly(engine: Engine, remote: RemoteConfig, options: ReplicateOptions): Outcome<EnqueuedResult> {
  const volset = volsetForeseen(engine, remote);
  if (volset !== undefined) {
    requireOwn(engine, remote, volset);
    return outcome(enqueued(engine, remote, volset, options));
  }
  throw new PlaitError('not-found', `the volset that ${remote.name} follows is not in this store`, {
    hint: 'name another with --volset',
  });
}

export const enqueueAll = (engine: Engine, remote: RemoteConfig, options: ReplicateOptions) =>
  outcome({
    remote: remote.name,
    volsets: engine.meta.listVolsets().map(({ id }) => {
      // A selection kept for the remote is about the volset that it follows.
      const { selection, ...rest } = remote;
      return enqueued(engine, remote.volset === id ? remote : rest, id, options);
    }),
  });

function enqueued(engine: Engine, remote: RemoteConfig, volset: VolsetId, options: ReplicateOptions): EnqueuedResult {
  const { dryRun, selection } = options;
  const { name } = remote;
  const queued = dryRun
    ? notQueued(engine, remote, volset, wantedNow(engine, remote, volset, selection).items)
    : enqueueKnown(engine, remote, volset, selection).fresh;
  const { waiting, dead } = queueCount(engine.meta, { remote: name, volset });
  const view = engine.meta.findVolset(volset);
  return { volset: view?.name ?? null, volsetId: volset, remote: name, dryRun, queued: queued.length, waiting, dead };
}

/** A failure that is worth another try leaves the queue as it is, which the user should know. */
export function withQueue(engine: Engine, remote: RemoteConfig, error: unknown): unknown {
  if (!(error instanceof PlaitError) || !error.retryable) return error;
  const { waiting } = queueCount(engine.meta, { remote: remote.name });
  if (waiting === 0) return error;
  const queued = `${waiting} snapshot${waiting === 1 ? ' is' : 's are'} queued: the next push or sync goes on (see \`plait queue list\`)`;
  return new PlaitError(error.code, error.message, {
    hint: error.hint === undefined ? queued : `${error.hint}; ${queued}`,
    data: { ...error.data, queued: waiting },
    cause: error,
  });
}
