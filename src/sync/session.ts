/**
 * One contact with a remote, shared by fetch, push, pull, sync and clone: deltas in, verified and staged; branch tips
 * planned by ancestry; applied in one transaction. What moves blobs and tips afterwards builds on this.
 */
import { type AncestryLookup, compareTips } from '../core/ancestry.ts';
import { PlaitError } from '../core/errors.ts';
import { verifyGenerations } from '../core/generation.ts';
import { type BranchId, epochOf, installOf, type SnapshotId, type StoreId, type VolsetId } from '../core/ids.ts';
import type { Peer } from '../core/peer.ts';
import type { Generation, Ref, SnapshotBody, Vector } from '../core/records.ts';
import { planRefs, type RefStep, type Related, type Tips } from '../core/ref-plan.ts';
import { idOfBody } from '../core/snapshot-body.ts';
import { missingRanges } from '../core/vector.ts';
import type { Applied, PeerState, RemoteConfig } from '../meta/contract.ts';
import type { Engine } from './engine.ts';
import { settle } from './settle.ts';

/** What a remote answered, verified but not applied. */
export interface Staged {
  identity: StoreId;
  generations: Generation[];
  refs: Ref[];
  /** The peer's vector and ref revision when it answered; empty when it does not know the volset. */
  vector: Vector;
  revision: number;
  /** The volset does not exist there. */
  absent: boolean;
}

export interface Session {
  engine: Engine;
  peer: Peer;
  remote: RemoteConfig;
  volset: VolsetId;
  staged: Staged;
}

/** Cuts our open generation, asks the peer for what we lack and verifies its answer. Writes nothing of the peer's. */
export async function openSession(
  engine: Engine,
  remote: RemoteConfig,
  peer: Peer,
  volset: VolsetId,
): Promise<Session> {
  const vector = engine.meta.findVolset(volset) ? engine.meta.cut(volset) : {};
  const known = remote.identity && engine.meta.peer(installOf(remote.identity), volset);
  const ask = { self: engine.meta.self.store, vector, knownRevision: known ? known.revision : 0 };
  let staged = await stage(peer, volset, ask);
  const told = engine.meta.peer(installOf(staged.identity), volset);
  if (told) refuseRollback(remote, told, staged);
  // Refs are kept by store id: what was known of an earlier epoch says nothing about this one.
  if (ask.knownRevision > 0 && told?.epoch !== epochOf(staged.identity)) {
    staged = await stage(peer, volset, { ...ask, knownRevision: 0 });
  }
  return { engine, peer, remote, volset, staged };
}

/**
 * A peer that lacks what it once showed or acknowledged was restored from a backup, or lost data. Going on would take
 * its old tips for what people want now, and ours that it lost for what it has.
 */
function refuseRollback(remote: RemoteConfig, told: PeerState, { identity, vector, revision, absent }: Staged): void {
  const lost = missingRanges(told.vector, vector).reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const tips = told.epoch === epochOf(identity) && revision < told.revision;
  if (lost === 0 && !tips) return;
  const what = absent ? 'has lost this volume set' : lost > 0 ? `lacks ${lost} generations` : 'moved branches back';
  throw new PlaitError('rollback', `${remote.name} ${what} since the last contact; nothing was changed`, {
    hint:
      `find out whether it lost data; if it was restored from a backup on purpose, say so with ` +
      `\`plait remote remove ${remote.name}\` and add it again: a push then brings back what it lost`,
    data: { remote: remote.name, identity, generations: lost, revision, knownRevision: told.revision },
  });
}

async function stage(
  peer: Peer,
  volset: VolsetId,
  ask: { self: StoreId; vector: Vector; knownRevision: number },
): Promise<Staged> {
  try {
    const answer = await peer.deltas(volset, ask);
    const generations = await Array.fromAsync(answer.generations);
    const { vector, revision } = await answer.trailer();
    verifyGenerations(volset, ask.vector, generations, vector);
    return { identity: identityOf(peer), generations, refs: answer.refs, vector, revision, absent: false };
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code !== 'not-found') throw error;
    return { identity: identityOf(peer), generations: [], refs: [], vector: {}, revision: 0, absent: true };
  }
}

export function identityOf(peer: Peer): StoreId {
  if (peer.identity) return peer.identity;
  throw new PlaitError('protocol', `${peer.url} did not say which store it is`);
}

/** The peer's refs after this session: those that we knew, overlaid with those that changed. */
export function targetRefs(session: Session): Map<BranchId, SnapshotId | null> {
  const { engine, volset, staged } = session;
  const refs = new Map<BranchId, SnapshotId | null>();
  const known = engine.meta.findVolset(volset) ? engine.meta.refs(volset, staged.identity) : [];
  if (!staged.absent) for (const ref of known) refs.set(ref.branch, ref.snapshot);
  for (const ref of staged.refs) refs.set(ref.branch, ref.snapshot);
  return refs;
}

/** Tips on both sides and what is to be done about each; staged snapshots count, so that a dry run plans alike. */
export function planSession(session: Session): RefStep[] {
  const { engine, volset, staged } = session;
  const target = targetRefs(session);
  const views = engine.meta.findVolset(volset) ? engine.meta.listBranches(volset) : [];
  const names = new Map(views.map((b) => [b.id, b.name]));
  const current = new Map(views.map((b) => [b.id, b.tip]));
  for (const [branch, name] of stagedBranchNames(staged.generations)) if (!names.has(branch)) names.set(branch, name);
  const tips: Tips[] = [];
  for (const branch of new Set([...current.keys(), ...target.keys()])) {
    const [ours, theirs] = [current.get(branch) ?? null, target.get(branch) ?? null];
    const name = names.get(branch);
    // Without a name it was deleted here: the peer learns that from our records, its tip does not bring it back.
    if (name === undefined || (ours === null && theirs === null)) continue;
    tips.push({ branch, name, current: ours, target: theirs });
  }
  tips.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const parents = parentLookup(session);
  return planRefs(tips, (ours, theirs): Related => compareTips(parents, ours, theirs));
}

/** Lineage from the store, or bare parents from what the peer has just told. */
export function parentLookup({ engine, volset, staged }: Session): AncestryLookup {
  const fresh = new Map<SnapshotId, SnapshotId[]>();
  for (const [id, body] of stagedBodies(staged.generations)) fresh.set(id, body.parents);
  const known = engine.meta.findVolset(volset) !== undefined;
  return (ids) => {
    const found: ReturnType<AncestryLookup> = known ? { ...engine.meta.lineage(volset, ids) } : {};
    for (const id of ids) {
      const parents = fresh.get(id);
      if (parents && !found[id]) found[id] = parents;
    }
    return found;
  };
}

/** Bodies of snapshots among staged records, by id. */
export function* stagedBodies(generations: Generation[]): Generator<[SnapshotId, SnapshotBody]> {
  for (const { records } of generations) {
    for (const record of records) if (record.type === 'snapshot') yield [idOfBody(record), record];
  }
}

function* stagedBranchNames(generations: Generation[]): Generator<[BranchId, string]> {
  for (const { records } of generations) {
    for (const record of records) {
      if (record.type !== 'write' || record.value === null) continue;
      const match = /^branch:([0-9a-f]{32}):name$/.exec(record.register);
      if (match) yield [match[1] as BranchId, record.value];
    }
  }
}

/** Takes the staged round into the store: records, vector, the peer's refs; one transaction, idempotent. */
export function applySession({ engine, remote, volset, staged }: Session): Applied {
  const applied = engine.meta.apply(volset, {
    peer: staged.identity,
    generations: staged.generations,
    refs: staged.refs,
    revision: staged.revision,
    vector: staged.vector,
  });
  if (remote.identity !== staged.identity || remote.volset !== volset) {
    engine.meta.putRemote({ ...remote, identity: staged.identity, volset });
  }
  return applied;
}

/** Sends what the peer lacks of our records, if anything. Answers with its vector afterwards. */
export async function sendRecords(
  { engine, peer, volset }: Session,
  theirs: Vector,
): Promise<{ vector: Vector; sent: boolean }> {
  const ours = await settle(engine, volset);
  if (!lacks(theirs, ours)) return { vector: theirs, sent: false };
  const plan = engine.meta.planDeltas(volset, theirs, 0);
  const pages = function* (): Generator<Generation> {
    for (let cursor: string | undefined = plan.cursor; cursor !== undefined; ) {
      const page = engine.meta.readDeltas(volset, cursor);
      yield* page.generations;
      cursor = page.cursor;
    }
  };
  const { vector } = await peer.sendGenerations(volset, pages());
  return { vector, sent: true };
}

/** True when `theirs` misses a generation that `ours` has. */
export const lacks = (theirs: Vector, ours: Vector): boolean =>
  (Object.keys(ours) as StoreId[]).some((store) => (theirs[store]?.generation ?? 0) < ours[store].generation);
