/**
 * `--all-volsets`: one session for each volset of two stores, over one connection. One that fails stops no other,
 * unless the remote cannot be reached any more.
 */
import { PlaitError } from '../core/errors.ts';
import { type InstallId, installOf, type VolsetId } from '../core/ids.ts';
import type { RemoteConfig } from '../meta/contract.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { enqueueKnown, type Foreseen, withQueue } from './enqueue.ts';
import { hintWithRecorded } from './recorded.ts';
import { peerOf, replicateVolset, requireEnabled } from './replicate.ts';
import { checkOptions, pushes, type ReplicateOptions, type Verb } from './replicate-options.ts';
import type { AllVolsetsResult, FailedVolset } from './results.ts';
import { identityOf } from './stage.ts';

export async function replicateAll(
  engine: Engine,
  verb: Verb,
  remote: RemoteConfig,
  options: ReplicateOptions,
): Promise<Outcome<AllVolsetsResult>> {
  checkOptions(verb, options);
  refuseSingles(engine, options);
  requireEnabled(remote);
  const foreseen = foreseeAll(engine, verb, remote, options);
  try {
    return await replicateEach(engine, verb, { remote, foreseen }, options);
  } catch (error) {
    throw pushes(verb, options) ? withQueue(engine, remote, error) : error;
  }
}

/** Of each volset, what is queued before the contact. */
function foreseeAll(engine: Engine, verb: Verb, remote: RemoteConfig, options: ReplicateOptions): Foreseen[] {
  if (!pushes(verb, options) || options.dryRun) return [];
  const known = remoteWith(engine, remote);
  return engine.meta.listVolsets().map(({ id }) => enqueueKnown(engine, known(id), id, options.selection));
}

async function replicateEach(
  engine: Engine,
  verb: Verb,
  { remote, foreseen }: { remote: RemoteConfig; foreseen: Foreseen[] },
  options: ReplicateOptions,
): Promise<Outcome<AllVolsetsResult>> {
  await using peer = await peerOf(engine, remote, options);
  const theirs = new Map((await peer.listVolsets()).map(({ id, name }) => [id, name]));
  const known = remoteWith(engine, remote);
  const result: AllVolsetsResult = { remote: remote.name, volsets: [] };
  const exits: number[] = [];
  let outage: PlaitError | undefined;
  for (const volset of meant(engine, verb, theirs, installOf(identityOf(peer)))) {
    // Every session may learn who the remote is; what it is about stays as it was.
    const queued = foreseen.find((one) => one.volset === volset);
    const session = { peer, remote: known(volset), volset, follow: false, foreseen: queued };
    try {
      if (outage) throw outage;
      const done = await replicateVolset(engine, verb, session, options);
      result.volsets.push(done.result);
      exits.push(...done.exits);
    } catch (error) {
      engine.signal.throwIfAborted();
      // Every other would wait for it just as long.
      if (error instanceof PlaitError && error.code === 'network') outage ??= withoutCount(error);
      const told = pushes(verb, options) ? withQueue(engine, remote, error) : error;
      const failed = failure(engine, volset, theirs.get(volset), told);
      result.volsets.push(failed);
      exits.push(failed.error.exit);
    }
  }
  return outcome(result, ...exits);
}

function refuseSingles({ volsetName }: Engine, { selection, as }: ReplicateOptions): void {
  const single =
    (volsetName !== undefined && '--volset') ||
    (selection.branches?.length && '--branch') ||
    (selection.snapshots?.length && '--snapshot') ||
    (as !== undefined && '--as');
  if (!single) return;
  throw new PlaitError('usage', `--all-volsets means all of them, ${single} means one`, {
    hint: 'give one of the two',
  });
}

/** Theirs, in a push as far as we know them; ours that they were told of before, else all of ours. By id. */
function meant({ meta }: Engine, verb: Verb, theirs: ReadonlyMap<VolsetId, string>, peer: InstallId): VolsetId[] {
  const [offers, takes] = [verb === 'push' || verb === 'sync', verb !== 'push'];
  const there = [...theirs.keys()].filter((id) => takes || meta.knowsVolset(id));
  const here = meta.listVolsets().map(({ id }) => id);
  return [...new Set([...there, ...here.filter((id) => offers || meta.peer(peer, id) !== undefined)])].sort();
}

/** A selection kept for the remote is about the volset that it follows; later sessions see who answered first. */
export function remoteWith({ meta }: Engine, remote: RemoteConfig): (volset: VolsetId) => RemoteConfig {
  return (volset) => {
    const now = meta.listRemotes().find(({ name }) => name === remote.name) ?? remote;
    const { selection, ...rest } = now;
    return now.volset === volset ? now : rest;
  };
}

/** Conflicts are of the one volset that had recorded them. */
const withoutCount = ({ code, message, hint }: PlaitError): PlaitError => new PlaitError(code, message, { hint });

function failure({ meta }: Engine, volset: VolsetId, name: string | undefined, error: unknown): FailedVolset {
  const known = error instanceof PlaitError ? error : new PlaitError('unexpected', String(error), { cause: error });
  const { code, message, exit } = known;
  const hint = hintWithRecorded(known.hint, known.data);
  return {
    volset: meta.findVolset(volset)?.name ?? name ?? null,
    volsetId: volset,
    error: { code, message, ...(hint !== undefined && { hint }), exit },
  };
}
