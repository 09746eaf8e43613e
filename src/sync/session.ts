/**
 * One contact with a remote, shared by fetch, push, pull, sync and clone: deltas in and looked at, applied in one
 * transaction, branch tips planned by ancestry. What moves blobs and tips afterwards builds on this.
 */
import { type AncestryLookup, compareTips } from '../core/ancestry.ts';
import { anotherStore } from '../core/another-store.ts';
import { PlaitError } from '../core/errors.ts';
import { type BranchId, epochOf, type InstallId, installOf, type SnapshotId, type VolsetId } from '../core/ids.ts';
import type { Peer } from '../core/peer.ts';
import type { Policy } from '../core/reconcile.ts';
import type { Generation, SnapshotBody } from '../core/records.ts';
import { planRefs, type RefStep, type Related, type Tips } from '../core/ref-plan.ts';
import { idOfBody } from '../core/snapshot-body.ts';
import type { Applied, BranchView, RemoteConfig } from '../meta/contract.ts';
import type { Engine } from './engine.ts';
import { guardWithName, wholeOrBehind } from './guards.ts';
import { lastBlobs, lastSealed } from './sealed.ts';
import { type Asking, type Looked, type Memory, memoryOf, type Staged, stage } from './stage.ts';

/** What can be told of a session without asking anybody: that of the last contact, as it is remembered. */
export interface Known {
  engine: Engine;
  remote: RemoteConfig;
  volset: VolsetId;
  memory: Memory;
  /** The last answer. */
  staged: Staged;
  /** Of whom nothing that was told before counts: forgotten when the session begins to write. */
  forget: InstallId[];
  /** Shown name before the session: a deletion takes it away. */
  name: string | null;
}

export interface Session extends Known {
  peer: Peer;
}

export interface Acceptance {
  /** Another store may answer than the one that this remote was. */
  newIdentity: boolean;
  /** The remote may lack what it once had. */
  rollback: boolean;
}

/** Cuts our open generation, asks the peer for what we lack and looks at its answer. Writes nothing of the peer's. */
export async function openSession(
  engine: Engine,
  remote: RemoteConfig,
  peer: Peer,
  volset: VolsetId,
  accept: Acceptance,
): Promise<Session> {
  const { meta } = engine;
  const name = meta.findVolset(volset)?.name ?? null;
  const vector = meta.knowsVolset(volset) ? meta.cut(volset) : {};
  const memory = memoryOf(engine, volset);
  const known = remote.identity && memory(installOf(remote.identity));
  const knownRevision = remote.identity && known?.epoch === epochOf(remote.identity) ? known.revision : 0;
  const asking = { engine, peer, volset, remote, memory };
  let looked = await stage(asking, { vector, knownRevision });
  const forget = whomToForget(engine, asking, looked, accept);
  const { identity } = looked.staged;
  // The answer told refs changed since a revision of another store, or of one whose refs are to be forgotten.
  if (knownRevision > 0 && (identity !== remote.identity || forget.includes(installOf(identity)))) {
    looked = await stage(asking, { vector, knownRevision: 0 });
  }
  return { ...asking, engine, staged: looked.staged, forget, name };
}

/**
 * What a feed brought, as the session that would have brought it. Undefined where histories fork, or something is lost
 * there, or the peer was not met before: an ordinary session finds out.
 */
export function sessionOfFeed(
  engine: Engine,
  remote: RemoteConfig,
  peer: Peer,
  volset: VolsetId,
  staged: Staged,
): Session | undefined {
  const { meta } = engine;
  const { identity, generations, vector } = staged;
  if (!meta.knowsVolset(volset) || remote.identity !== identity) return undefined;
  const memory = memoryOf(engine, volset);
  const told = memory(installOf(identity));
  if (told === undefined || told.epoch !== epochOf(identity)) return undefined;
  const { forked, lost } = meta.inspect(volset, { generations, vector }, told.vector);
  if (forked.length > 0 || lost > 0) return undefined;
  meta.cut(volset);
  // Another process of this store may have met it meanwhile.
  const behind = told.revision > staged.revision && { revision: told.revision, vector: told.vector };
  const name = meta.findVolset(volset)?.name ?? null;
  return { engine, peer, remote, volset, memory, staged: { ...staged, ...behind }, forget: [], name };
}

/** The peer as it was when it was last met; undefined before that. Reads only. */
export function rememberedSession(engine: Engine, remote: RemoteConfig, volset: VolsetId): Known | undefined {
  const { meta } = engine;
  const { identity } = remote;
  const told = identity && meta.peer(installOf(identity), volset);
  if (!told || told.epoch !== epochOf(identity) || !meta.knowsVolset(volset)) return undefined;
  const { vector, revision } = told;
  const sealed = lastSealed(meta, told.install, volset);
  const blobs = lastBlobs(meta, identity, volset);
  const staged: Staged = { identity, generations: [], refs: [], vector, revision, sealed, blobs, absent: false };
  const name = meta.findVolset(volset)?.name ?? null;
  return { engine, remote, volset, memory: memoryOf(engine, volset), staged, forget: [], name };
}

/** Throws `identity` or `rollback`. Refs are kept by store id: those of another epoch say nothing about this one. */
function whomToForget(
  engine: Engine,
  { remote, volset, memory }: Asking,
  looked: Looked,
  accept: Acceptance,
): InstallId[] {
  const { identity } = looked.staged;
  const before = remote.identity;
  if (before !== undefined && installOf(before) !== installOf(identity)) {
    if (!accept.newIdentity)
      throw anotherStore(remote.name, { remote: remote.name, expected: before, found: identity });
    return isSharedPeer(engine, remote, volset) ? [] : [installOf(before)];
  }
  const rollback = rollbackOf(remote, looked);
  if (rollback && !accept.rollback) throw rollback;
  const moved = before !== undefined && before !== identity;
  if (moved && !rollback) {
    engine.reporter.warn(
      `${remote.name} goes on as a new store: it was moved, copied or restored, and has lost nothing`,
    );
  }
  // Data alone, without a record or a tip: what it once gave us is not taken to be there any more.
  const shrunk = !looked.staged.partial && looked.staged.blobs < lastBlobs(engine.meta, identity, volset);
  if (shrunk && !rollback)
    engine.reporter.warn(`${remote.name} holds less data than it once did: a push sends it again`);
  const remembered = memory(installOf(identity));
  const stale = remembered !== undefined && remembered.epoch !== epochOf(identity);
  return rollback || moved || stale || shrunk ? [installOf(identity)] : [];
}

const isSharedPeer = ({ meta }: Engine, { name, identity }: RemoteConfig, volset: VolsetId): boolean =>
  meta.listRemotes().some((other) => other.name !== name && other.identity === identity && other.volset === volset);

/**
 * A peer that lacks what it once showed or acknowledged was restored from a backup, or lost data. Going on would take
 * its old tips for what people want now, and ours that it lost for what it has.
 */
function rollbackOf(remote: RemoteConfig, { staged, told, lost }: Looked): PlaitError | undefined {
  const { identity, revision, absent } = staged;
  // Counted on from epoch to epoch, with the refs themselves.
  const tips = told !== undefined && !staged.partial && revision < told.revision;
  if (lost === 0 && !tips) return undefined;
  const what = absent
    ? 'has lost this volume set'
    : lost > 0
      ? `lacks ${lost} generation${lost === 1 ? '' : 's'}`
      : 'moved branches back';
  return new PlaitError('rollback', `${remote.name} ${what} since the last contact; nothing was changed`, {
    hint:
      'find out whether it lost data; if it was restored from a backup on purpose, say so with --accept-rollback: ' +
      'a push then brings back what it lost',
    data: { remote: remote.name, identity, generations: lost, revision, knownRevision: told?.revision },
  });
}

export interface Taking {
  policy: Policy;
  /** Share of our branches that the round may delete, 0..1. */
  maxDelete: number;
  dryRun: boolean;
  /** The remote goes on following the volset that it followed before. */
  follow: boolean;
  /** There is nothing to decide: see quiet.ts. */
  quiet?: boolean;
}

/** Takes the staged round into the store: records, decisions, vector, the peer's refs; one transaction, idempotent. */
export function applyRound(session: Session, { policy, maxDelete, dryRun, follow, quiet = false }: Taking): Applied {
  const { engine, remote, volset, staged } = session;
  const { identity: peer, generations, refs, revision, vector } = staged;
  const partial = staged.partial !== undefined;
  const told = { peer, generations, refs, revision, vector, partial };
  const round = { ...told, policy, maxDelete, dryRun, quiet, withBranches: !quiet };
  const applied = guardWithName(session, maxDelete, () =>
    wholeOrBehind(session, () => {
      // Decided on a dry run first, so that a guard leaves even our memory of the peer as it was.
      if (!dryRun && session.forget.length > 0) {
        engine.meta.apply(volset, { ...round, dryRun: true });
        for (const install of session.forget) engine.meta.forgetPeer(install, volset);
      }
      return engine.meta.apply(volset, round);
    }),
  );
  if (dryRun) return applied;
  session.forget = [];
  if (remote.identity !== peer || (follow && remote.volset !== volset)) {
    engine.meta.putRemote({ ...remote, identity: peer, ...(follow && { volset }) });
  }
  return applied;
}

/** The peer's refs after this session: those that we knew, overlaid with those that changed. */
export function targetRefs(session: Known): Map<BranchId, SnapshotId | null> {
  const { engine, volset, staged, forget } = session;
  const refs = new Map<BranchId, SnapshotId | null>();
  const counts = !staged.absent && !forget.includes(installOf(staged.identity)) && engine.meta.knowsVolset(volset);
  for (const ref of counts ? engine.meta.refs(volset, staged.identity) : []) refs.set(ref.branch, ref.snapshot);
  for (const ref of staged.refs) refs.set(ref.branch, ref.snapshot);
  return refs;
}

/**
 * Tips on both sides and what is to be done about each. `views`: the branches as `apply` left them, or would leave
 * them; one that is not among them was deleted, which the peer learns from records.
 */
export function planSession(session: Known, views: readonly BranchView[]): RefStep[] {
  const target = targetRefs(session);
  const tips: Tips[] = views
    .map(({ id, name, tip }) => ({ branch: id, name, current: tip, target: target.get(id) ?? null }))
    .filter(({ current, target }) => current !== null || target !== null);
  tips.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const parents = parentLookup(session);
  return planRefs(tips, (ours, theirs): Related => compareTips(parents, ours, theirs));
}

/** Lineage from the store, or bare parents from what the peer has just told and a dry run did not keep. */
export function parentLookup({ engine, volset, staged }: Known): AncestryLookup {
  const fresh = new Map<SnapshotId, SnapshotId[]>();
  for (const [id, body] of stagedBodies(staged.generations)) fresh.set(id, body.parents);
  const known = engine.meta.knowsVolset(volset);
  return (ids) => {
    const found: ReturnType<AncestryLookup> = known ? engine.meta.lineage(volset, ids) : {};
    if (fresh.size === 0) return found;
    for (const id of ids) {
      const parents = fresh.get(id);
      if (parents && !found[id]) found[id] = parents;
    }
    return found;
  };
}

/** Bodies of snapshots among staged records, by id. */
function* stagedBodies(generations: Generation[]): Generator<[SnapshotId, SnapshotBody]> {
  for (const { records } of generations) {
    for (const record of records) if (record.type === 'snapshot') yield [idOfBody(record), record];
  }
}
