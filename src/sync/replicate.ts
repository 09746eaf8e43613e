/**
 * fetch, push, pull and sync: one session, of which each verb does its share.
 *   fetch  records in                       push  records in, blobs and records out, tips there
 *   pull   records and blobs in, tips here  sync  all of it
 * Order: records in -> blobs -> records out -> tips -> `initial`. Killed anywhere, the next run does the rest.
 */
import { PlaitError } from '../core/errors.ts';
import { epochOf, installOf, type VolsetId } from '../core/ids.ts';
import type { Peer } from '../core/peer.ts';
import { agreedTip, type RefStep } from '../core/ref-plan.ts';
import { effectiveSelection, type Selection, selectSteps } from '../core/selection.ts';
import type { Applied, PeerState, RemoteConfig } from '../meta/contract.ts';
import { blobsDown, type Received } from './blobs-down.ts';
import { blobsUp, type Sent } from './blobs-up.ts';
import { currentVolset, type Engine, type Outcome, outcome } from './engine.ts';
import { forwardVolume } from './forward-volume.ts';
import { guardRemoteDeletions } from './guards.ts';
import { exitOfProblems } from './problems.ts';
import { branchOutcomes, NOTHING, type Progress, resultOf } from './replicate-result.ts';
import type { SyncResult } from './results.ts';
import { applySession, openSession, planSession, type Session, sendRecords } from './session.ts';
import { packGenerations } from './settle.ts';
import { moveTheirTips, takeTips } from './tips.ts';

export type Verb = 'fetch' | 'push' | 'pull' | 'sync';

export interface ReplicateOptions {
  selection: Selection;
  dryRun: boolean;
  /** Share of branches or snapshots that a round may delete here, 0..1. */
  maxDelete: number;
  failIfUnchanged: boolean;
}

const pushes = (verb: Verb): boolean => verb === 'push' || verb === 'sync';
const pulls = (verb: Verb): boolean => verb === 'pull' || verb === 'sync';

export async function replicate(
  engine: Engine,
  verb: Verb,
  remote: RemoteConfig,
  options: ReplicateOptions,
): Promise<Outcome<SyncResult>> {
  const started = engine.world.now();
  if (!remote.enabled) {
    throw new PlaitError('usage', `remote ${remote.name} is switched off`, {
      hint: `switch it on with \`plait config set remote.${remote.name}.enabled true\``,
    });
  }
  await using peer = await engine.openPeer(remote);
  const volset = await volsetOf(engine, remote, peer);
  if (pushes(verb)) requireOwn(engine, remote, volset);
  const session = await openSession(engine, remote, peer, volset);
  requireKnown(session, verb);
  const selection = effectiveSelection(remote.selection, options.selection);
  const steps = selectSteps(planSession(session), selection);
  guardRemoteDeletions(session, options.maxDelete);
  const progress = options.dryRun ? { ...NOTHING, steps } : await carryOut(session, verb, steps, selection);
  const result = resultOf(session, verb, progress, options.dryRun);
  result.branches = branchOutcomes(verb, progress, options.dryRun);
  result.durationMs = engine.world.now() - started;
  return outcome(result, ...exitsOf(result, progress, options));
}

/** The volset meant there: what the remote is known to follow, else the one that this store is about. */
async function volsetOf(engine: Engine, remote: RemoteConfig, peer: Peer): Promise<VolsetId> {
  if (engine.volsetName === undefined && remote.volset) return remote.volset;
  if (engine.volsetName === undefined && remote.volsetName !== undefined) {
    const named = (await peer.listVolsets()).find((v) => v.name === remote.volsetName);
    if (named) return named.id;
  }
  return currentVolset(engine).id;
}

/** A push that carries another volset than the one the user stands in would look like a backup and be none. */
function requireOwn(engine: Engine, remote: RemoteConfig, volset: VolsetId): void {
  const own = engine.volume?.state.volset;
  if (engine.volsetName !== undefined || own === undefined || own === volset) return;
  const name = engine.meta.findVolset(own)?.name ?? own;
  throw new PlaitError('usage', `${remote.name} follows another volset than ${name}, to which this directory belongs`, {
    hint: 'name the volset with --volset, or add a remote for this one with `plait remote add NAME URL/VOLSET`',
    data: { remote: remote.name, volset: own, follows: volset },
  });
}

function requireKnown({ engine, remote, volset, staged }: Session, verb: Verb): void {
  if (!staged.absent || pushes(verb)) return;
  const name = engine.meta.findVolset(volset)?.name ?? volset;
  throw new PlaitError('not-found', `${remote.name} has no volset ${name}`, {
    hint: `push it there with \`plait push ${remote.name}\``,
  });
}

async function carryOut(session: Session, verb: Verb, planned: RefStep[], selection: Selection): Promise<Progress> {
  const { engine, volset, staged } = session;
  if (staged.absent) await createThere(session);
  const applied: Applied = applySession(session);
  // What was learned just now counts: a branch that was deleted there has no tip to move any more.
  const chosen = new Set(planned.map((step) => step.branch));
  const steps = planSession(session).filter((step) => chosen.has(step.branch));
  await packGenerations(engine);
  const sent: Sent = pushes(verb) ? await blobsUp(session, steps, selection) : NOTHING.sent;
  const received: Received = pulls(verb) ? await blobsDown(session, steps, selection) : NOTHING.received;
  const records = pushes(verb) ? await sendRecords(session, staged.vector) : { vector: staged.vector, sent: false };
  const theirs = pushes(verb) ? await moveTheirTips(session, steps, sent) : NOTHING.theirs;
  const ours = pulls(verb) ? takeTips(session, steps, received) : NOTHING.ours;
  const volume = pulls(verb) ? await forwardVolume(engine, volset) : NOTHING.volume;
  const initial: PeerState['initial'] = {};
  for (const step of steps) {
    const tip = agreedTip(step, { sent: theirs.moved.has(step.branch), taken: ours.moved.has(step.branch) });
    if (tip !== null) initial[step.branch] = tip;
  }
  const revision = theirs.revision ?? staged.revision;
  rememberPeer(session, { vector: records.vector, revision, initial });
  return { steps, applied, sent, received, recordsSent: records.sent, theirs, ours, volume };
}

async function createThere({ engine, peer, volset }: Session): Promise<void> {
  const name = engine.meta.findVolset(volset)?.name;
  if (!name) throw new PlaitError('not-found', `volset ${volset} is not known here`);
  await peer.createVolset({ id: volset, name });
}

/** Only what changed is written: a session with nothing to do leaves the database alone but for its time stamp. */
function rememberPeer(
  { engine, volset, staged }: Session,
  {
    vector,
    revision,
    initial,
  }: { vector: Session['staged']['vector']; revision: number; initial: PeerState['initial'] },
): void {
  const [install, epoch] = [installOf(staged.identity), epochOf(staged.identity)];
  engine.meta.updatePeer(install, volset, { epoch, vector, revision, initial, lastSync: engine.world.now() });
}

function exitsOf(result: SyncResult, progress: Progress, options: ReplicateOptions): number[] {
  const exits: number[] = [];
  if (result.diverged.length > 0 || progress.theirs.rejected.size > 0) exits.push(6);
  if (progress.volume.unsaved) exits.push(8);
  if (progress.sent.quota) exits.push(15);
  exits.push(exitOfProblems(result.problems));
  if (options.failIfUnchanged && result.upToDate) exits.push(4);
  return exits;
}
