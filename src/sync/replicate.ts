/**
 * fetch, push, pull and sync: one session, of which each verb does its share.
 *   fetch  records in                       push  records in, blobs and records out, tips there
 *   pull   records and blobs in, tips here  sync  all of it
 * Order: records in -> blobs -> records out -> tips -> `initial`. Killed anywhere, the next run does the rest.
 */
import { PlaitError } from '../core/errors.ts';
import { epochOf, installOf, type SnapshotId, type VolsetId } from '../core/ids.ts';
import type { Peer, Traffic } from '../core/peer.ts';
import { agreedTip, type RefStep } from '../core/ref-plan.ts';
import { effectiveSelection, type Selection } from '../core/selection.ts';
import type { PeerChange, RemoteConfig } from '../meta/contract.ts';
import { blobsDown, isMetadataOnly } from './blobs-down.ts';
import { blobsUp } from './blobs-up.ts';
import { warnOfDeletedBranch } from './branches.ts';
import { type Engine, type Outcome, outcome } from './engine.ts';
import { type Foreseen, foresee as foreseePush, withQueue } from './enqueue.ts';
import { foreseeVolume, forwardVolume } from './forward-volume.ts';
import { owesNothing } from './gaps.ts';
import { exitOfProblems } from './problems.ts';
import { addReceived, addSent, begin, noteRound, type Progress } from './progress.ts';
import { takeTheirs } from './pull-theirs.ts';
import { renameLine } from './push-as.ts';
import { queueCount } from './queue.ts';
import { foundNothing, isMarked, markOf, mayBeQuiet, stepsOfEqual } from './quiet.ts';
import { withRecorded } from './recorded.ts';
import { checkOptions, pulls, pushes, type ReplicateOptions, type Verb } from './replicate-options.ts';
import { resultOf } from './replicate-result.ts';
import type { SyncResult } from './results.ts';
import { noteSealed } from './sealed.ts';
import { hasRecordsFor, sendRecords } from './send-records.ts';
import { applyRound, openSession, parentLookup, type Session } from './session.ts';
import { packGenerations } from './settle.ts';
import { goesBeyond, stage } from './stage.ts';
import { stampSession } from './stamps.ts';
import { moveTheirTips, takeTips } from './tips.ts';
import { requireKnown, requireOwn, volsetOf } from './which-volset.ts';

export type { ReplicateOptions, Verb };

/** Times that news which came up while we were sending are fetched in the same session. */
const MAX_ECHOES = 3;

export async function replicate(
  engine: Engine,
  verb: Verb,
  remote: RemoteConfig,
  options: ReplicateOptions,
): Promise<Outcome<SyncResult>> {
  checkOptions(verb, options);
  requireEnabled(remote);
  const foreseen = foreseePush(engine, verb, remote, options);
  try {
    await using peer = await peerOf(engine, remote, options);
    const volset = await volsetOf(engine, remote, peer);
    if (pushes(verb, options)) requireOwn(engine, remote, volset);
    const { result, exits } = await replicateVolset(
      engine,
      verb,
      { peer, remote, volset, follow: true, foreseen },
      options,
    );
    return { result, exits };
  } catch (error) {
    throw pushes(verb, options) ? withQueue(engine, remote, error) : error;
  }
}

export function requireEnabled({ enabled, name }: RemoteConfig): void {
  if (enabled) return;
  throw new PlaitError('usage', `remote ${name} is switched off`, {
    hint: `switch it on with \`plait config set remote.${name}.enabled true\``,
  });
}

export function peerOf(engine: Engine, remote: RemoteConfig, options: ReplicateOptions): Promise<Peer> {
  const { identity: _, ...stranger } = remote;
  return engine.openPeer(options.acceptNewIdentity ? stranger : remote, options);
}

export interface Meeting {
  peer: Peer;
  remote: RemoteConfig;
  volset: VolsetId;
  /** The remote is remembered to be about this volset. */
  follow: boolean;
  /** Queued before the contact. */
  foreseen?: Foreseen;
}

/** One session about one volset, over a connection that may serve others. */
export async function replicateVolset(
  engine: Engine,
  verb: Verb,
  { peer, remote, volset, follow, foreseen }: Meeting,
  options: ReplicateOptions,
): Promise<Conclusion> {
  const since = { at: engine.world.now(), traffic: { ...peer.traffic } };
  const accept = { newIdentity: options.acceptNewIdentity ?? false, rollback: options.acceptRollback ?? false };
  const session = await openSession(engine, remote, peer, volset, accept);
  requireKnown(session, pushes(verb, options));
  if (verb !== 'push') requireReading(session);
  return conclude(session, verb, { follow, foreseen: freshOf(session, foreseen), since }, options);
}

/** An answer that keeps to what is ours is none to who asked what is there. */
function requireReading({ remote, staged }: Session): void {
  if (!staged.partial) return;
  throw new PlaitError('forbidden', `the token for ${remote.name} does not allow to read`, {
    hint: 'make one at the hub with `plait token create --can read,write`',
  });
}

export interface Conclusion extends Outcome<SyncResult> {
  progress: Progress;
  /** The peer's, as it last told it itself: nothing up to there is missing here. */
  revision: number;
}

interface Circumstances {
  follow: boolean;
  foreseen?: SnapshotId[];
  /** When it began, and what the peer's line had carried by then. */
  since: { at: number; traffic: Traffic };
}

/** Of a session whose answer, or whose part of a feed, is staged: takes it in and does what else the verb does. */
export async function conclude(
  session: Session,
  verb: Verb,
  { follow, foreseen = [], since }: Circumstances,
  options: ReplicateOptions,
): Promise<Conclusion> {
  const { engine, remote, peer } = session;
  const selection = effectiveSelection(remote.selection, options.selection);
  const progress = begin(session);
  try {
    await carryOut(session, { verb, follow, selection, progress, foreseen }, options);
  } catch (error) {
    throw withRecorded(error, options.dryRun ? 0 : progress.applied.conflicts.length, engine.reporter);
  }
  const result = resultOf(session, verb, progress, options);
  const { requests, sent, received } = peer.traffic;
  result.requests = requests - since.traffic.requests;
  result.traffic = { sent: sent - since.traffic.sent, received: received - since.traffic.received };
  result.durationMs = engine.world.now() - since.at;
  const done = outcome(result, ...exitsOf(result, progress, options));
  stampSession(engine, verb, done, options);
  return { ...done, progress, revision: session.staged.revision };
}

/** Where the remote turns out to be about another volset than thought, nothing of it is to wait there. */
function freshOf({ engine, remote, volset }: Session, foreseen: Foreseen | undefined): SnapshotId[] {
  if (!foreseen || foreseen.volset === volset) return foreseen?.fresh ?? [];
  if (foreseen.fresh.length > 0) {
    engine.meta.unqueue({ remote: remote.name, volset: foreseen.volset, snapshots: foreseen.fresh });
  }
  return [];
}

interface Run {
  verb: Verb;
  follow: boolean;
  selection: Selection;
  progress: Progress;
  foreseen: SnapshotId[];
}

async function carryOut(session: Session, run: Run, options: ReplicateOptions): Promise<void> {
  const { engine, volset } = session;
  const { verb, progress } = run;
  const sends = pushes(verb, options);
  const mark = mayBeQuiet(session, run.selection, options) ? markOf(session) : undefined;
  let quiet = mark !== undefined && isMarked(session, mark);
  let reached = session.staged.revision;
  for (let echo = 0; ; echo++) {
    quiet &&= echo === 0;
    if (quiet) await takeQuietRound(session, run, options);
    else await takeRound(session, run, options, echo === 0);
    if (options.dryRun) {
      progress.recordsSent = sends && hasRecordsFor(session);
      if (pulls(verb)) await foresee(session, run);
      return;
    }
    const { steps } = progress;
    if (sends) await sendBlobs(session, run, options, echo === 0);
    if (pulls(verb)) addReceived(progress, await blobsDown(session, steps, run.selection, options.parallel));
    if (options.theirs) await takeTheirs(session, progress, options);
    progress.acknowledged = session.staged.vector;
    if (!sends) break;
    const records = await sendRecords(session);
    progress.recordsSent ||= records.sent;
    progress.acknowledged = records.vector;
    reached = records.revision;
    const ours = engine.meta.vector(volset);
    if (echo === MAX_ECHOES || !goesBeyond(records.vector, ours)) break;
    const ask = { vector: ours, knownRevision: session.staged.revision };
    session.staged = (await stage(session, ask)).staged;
  }
  if (sends && mayMoveTips(session))
    progress.theirs = await moveTheirTips(session, progress.steps, progress.sent, reached);
  if (pulls(verb)) {
    const { moved: taken, steps } = takeTips(session, progress.steps);
    progress.ours = { moved: taken };
    progress.steps = steps;
    const { moved, unsaved, problems } = await forwardVolume(engine, volset);
    const { volume } = progress;
    progress.volume = {
      moved: moved || volume.moved,
      unsaved: unsaved || volume.unsaved,
      problems: [...volume.problems, ...problems],
    };
  }
  if (sends) warnOfRefused(session, progress);
  if (progress.changed.length > 0 && engine.meta.findVolset(volset)) warnOfDeletedBranch(engine, volset);
  // The state must have stood from before the look to its end.
  const found = mark !== undefined && !quiet && foundNothing(progress) && owesNothing(session, progress.steps);
  const settled = found && markOf(session) === mark;
  noteSealed(session, progress.sent.snapshots > 0 ? progress.sent.held : new Set());
  rememberPeer(session, progress, quiet ? [] : progress.steps, settled ? mark : undefined);
}

function mayMoveTips({ engine, remote, staged }: Session): boolean {
  if (staged.partial !== 'append') return true;
  engine.reporter.warn(
    `the token for ${remote.name} adds snapshots and moves no branch: they stay where they are there`,
  );
  return false;
}

/** What this session was told is in its problems; of earlier refusals the result would not say a word. */
function warnOfRefused({ engine, remote, volset }: Session, { sent }: Progress): void {
  const earlier = queueCount(engine.meta, { remote: remote.name, volset }).dead - sent.problems.length;
  if (earlier <= 0) return;
  const were = earlier === 1 ? 'snapshot was' : 'snapshots were';
  engine.reporter.warn(`${earlier} ${were} refused before and not sent again: see \`plait queue list ${remote.name}\``);
}

/** Nothing has changed since everything was found in order. */
async function takeQuietRound(session: Session, { progress, follow }: Run, options: ReplicateOptions): Promise<void> {
  const { engine, volset } = session;
  const { dryRun, maxDelete, policy = 'target' } = options;
  applyRound(session, { policy, maxDelete, dryRun, follow, quiet: true });
  progress.views = engine.meta.listBranches(volset);
  progress.steps = stepsOfEqual(progress.views);
  await packGenerations(engine);
}

/** Records in and decided, tips planned; then what was asked about diverged branches. */
async function takeRound(session: Session, run: Run, options: ReplicateOptions, isFirst: boolean): Promise<void> {
  const { progress, follow } = run;
  const { dryRun, maxDelete, policy = 'target' } = options;
  if (session.staged.absent && !dryRun) await createThere(session);
  const applied = applyRound(session, { policy, maxDelete, dryRun, follow });
  noteRound(session, progress, applied, run.selection);
  if (!dryRun) await packGenerations(session.engine);
  if (options.as !== undefined && isFirst) await renameLine(session, progress, options.as, options);
  if (options.theirs && dryRun) await takeTheirs(session, progress, options);
}

/** The working directory after a dry run: its branch as the plan leaves it, if its data would come with it. */
async function foresee(session: Session, { progress, selection }: Run): Promise<void> {
  const { engine, volset } = session;
  const { volume } = engine;
  const view = progress.views.find(({ id }) => id === volume?.state.branch);
  if (!volume || volume.state.volset !== volset || !view) return;
  const step = progress.steps.find(({ branch }) => branch === view.id);
  const tip = step ? (step.step === 'take' ? step.target : step.current) : view.tip;
  if (tip === null) return;
  const isHere = engine.meta.findSnapshot(volset, tip)?.hasBlob;
  if (!isHere && (selection.metadataOnly || isMetadataOnly(session))) return;
  const planned = { tip, replaces: progress.aside.has(view.id), parents: parentLookup(session) };
  progress.volume = await foreseeVolume(engine, volume, planned);
}

async function sendBlobs(session: Session, run: Run, { parallel }: ReplicateOptions, isFirst: boolean): Promise<void> {
  const { progress, selection } = run;
  const { steps, sent } = progress;
  const foreseen = isFirst ? run.foreseen : [];
  addSent(progress, await blobsUp(session, { steps, selection, held: sent.held, foreseen, parallel }));
}

async function createThere({ peer, volset, name }: Session): Promise<void> {
  if (name === null) throw new PlaitError('not-found', `volset ${volset} is not known here`);
  await peer.createVolset({ id: volset, name });
}

/** Only what changed is written: a session with nothing to do leaves the database alone but for its time stamp. */
function rememberPeer(
  { engine, volset, staged, memory }: Session,
  { theirs, ours, acknowledged }: Progress,
  steps: RefStep[],
  settled: string | undefined,
): void {
  const initial: PeerChange['initial'] = {};
  for (const step of steps) {
    const tip = agreedTip(step, { sent: theirs.moved.has(step.branch), taken: ours.moved.has(step.branch) });
    if (tip !== null) initial[step.branch] = tip;
  }
  // What both hold: where it acknowledged more than we have (others wrote meanwhile), what it showed before.
  const shown = goesBeyond(acknowledged, engine.meta.vector(volset)) ? staged.vector : acknowledged;
  // What it does not show it may hold all the same.
  const before = staged.partial && memory(installOf(staged.identity));
  const vector = before ? { ...before.vector, ...shown } : shown;
  const revision = staged.partial ? undefined : Math.max(theirs.revision, staged.revision);
  const epoch = epochOf(staged.identity);
  const lastSync = engine.world.now();
  engine.meta.updatePeer(installOf(staged.identity), volset, { epoch, vector, revision, initial, settled, lastSync });
}

function exitsOf(result: SyncResult, progress: Progress, options: ReplicateOptions): number[] {
  const exits: number[] = [];
  if (result.conflicts.length > 0) exits.push(5);
  if (result.diverged.length > 0 || progress.theirs.rejected.size > 0) exits.push(6);
  if (progress.volume.unsaved) exits.push(8);
  if (progress.sent.quota) exits.push(15);
  exits.push(exitOfProblems(result.problems));
  if (options.failIfUnchanged && result.upToDate) exits.push(4);
  return exits;
}
