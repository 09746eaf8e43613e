/** Takes a round from a peer, in one transaction: all of it or, when anything is wrong with it, nothing. */
import { canonicalText } from '../../core/canonical.ts';
import type { Chains, Cover } from '../../core/chain.ts';
import { PlaitError } from '../../core/errors.ts';
import { verifyGenerations } from '../../core/generation.ts';
import { tooManyDeleted } from '../../core/guards.ts';
import { type BranchId, installOf, isStoreId, type SnapshotId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { Generation, Stamp } from '../../core/records.ts';
import { recordId } from '../../core/records.ts';
import { checkVector } from '../../core/vector.ts';
import type { Applied, Round } from '../contract.ts';
import { attach, heldWrites, readChains } from './chains.ts';
import type { Shown } from './deletions.ts';
import { type Engine, ensureVolset, findStoreNumber } from './engine.ts';
import { dropLogged } from './hand-over.ts';
import { ensureIdentity, nextEpoch } from './identity.ts';
import { Intake } from './intake.ts';
import { closeOpen, insertRecord, readVector } from './log.ts';
import { noteMembers } from './members.ts';
import { refsOfDeleted } from './ref-rows.ts';
import { receiveRefs } from './refs.ts';
import { headRevision, takeRevisions } from './revisions.ts';
import { readClock, writeClock } from './self.ts';
import { findVolset, listBranches } from './views.ts';

export function apply(engine: Engine, volset: VolsetId, round: Round): Applied {
  try {
    return engine.db.write(() => {
      const applied = applyRound(engine, volset, round);
      if (round.dryRun) throw new RolledBack(applied);
      return applied;
    });
  } catch (error) {
    if (error instanceof RolledBack) return error.applied;
    throw error;
  }
}

/** Undoes a dry run by the way that a failure takes. */
class RolledBack extends Error {
  readonly applied: Applied;

  constructor(applied: Applied) {
    super('a dry run was rolled back');
    this.applied = applied;
  }
}

interface Taken {
  fresh: Generation[];
  replayed: Generation[];
  chains: Chains;
}

function applyRound(engine: Engine, volset: VolsetId, round: Round): Applied {
  if (!isStoreId(round.peer)) malformed('a round names no store');
  // Asked before the round gives us another epoch.
  if (round.refs !== undefined && round.peer === engine.self.store) malformed('a peer answers under our own id');
  const n = ensureVolset(engine, volset);
  if (round.quiet) return noteQuiet(engine, n, round);
  const before = countAlive(engine, volset, round);
  const revision = headRevision(engine, n);
  const intake = new Intake(engine, volset, n);
  const taken = takeGenerations(engine, volset, n, round, intake);
  goOnAsOurselves(engine, taken.fresh);
  dropLogged(engine, n);
  if (round.refs !== undefined) receiveRefs(engine, n, round.peer, round.refs, round.revision ?? 0);
  const outcome = intake.finish({
    policy: round.policy,
    peerHolds: heldWrites(engine, n, shownBy(round, taken)),
    ...shownOf(engine, n, round),
    author: engine.self.store,
  });
  refuseMassDeletion(round, outcome.deleted, before);
  if (outcome.written > 0) closeOpen(engine, volset, n);
  const { peer, label, vector } = round;
  const held = round.held ?? vector;
  const stores = new Set(taken.fresh.map(({ store }) => store));
  noteMembers(engine, n, { peer, stores, ...(label !== undefined && { label }), ...(held && { held }) });
  return {
    ...outcome,
    generations: taken.fresh.length,
    vector: readVector(engine, n),
    ...revisionsOf(engine, n, revision, taken.fresh.length),
    ...(round.withBranches && { branches: listBranches(engine, volset) }),
  };
}

function revisionsOf(engine: Engine, n: number, before: number, taken: number): Pick<Applied, 'revisions'> {
  const after = headRevision(engine, n);
  return after === before + taken ? { revisions: [before, after] } : {};
}

/** O(stores): no branch is looked at. */
function noteQuiet(engine: Engine, n: number, { peer, generations, refs = [], label, held, vector }: Round): Applied {
  if (generations.length > 0 || refs.length > 0) malformed('a quiet round brings something');
  const shown = held ?? vector;
  noteMembers(engine, n, { peer, stores: [], ...(label !== undefined && { label }), ...(shown && { held: shown }) });
  const nothing = { conflicts: [], deleted: [], revived: [], changed: [], snapshots: [] };
  return { ...nothing, generations: 0, written: 0, vector: readVector(engine, n) };
}

function takeGenerations(engine: Engine, volset: VolsetId, n: number, round: Round, intake: Intake): Taken {
  const chains = readChains(engine, n);
  const claimed = round.vector && checkVector(round.vector);
  const { fresh, replayed } = verifyGenerations(volset, chains, round.generations, claimed);
  // They get revisions, which we tell others.
  if (fresh.length > 0) ensureIdentity(engine);
  const first = fresh.length > 0 ? takeRevisions(engine, n, fresh.length) : 0;
  for (const [i, generation] of fresh.entries()) {
    const position = attach(engine, n, chains, generation, first + i);
    const mayHide = round.partial === true && installOf(generation.store) === engine.self.install;
    generation.records.forEach((record, idx) => {
      const id = recordId(record);
      // A record that comes back in another generation (a merge that two stores made) is logged again, taken once.
      const isNew = !isLogged(engine, n, id);
      insertRecord(engine, n, position, idx, id, canonicalText(record));
      if (isNew) intake.take(id, record, mayHide);
    });
  }
  return { fresh, replayed, chains };
}

const isLogged = ({ db }: Engine, n: number, id: string): boolean =>
  db.get('SELECT 1 FROM records WHERE volset = ? AND id = ? LIMIT 1', n, id) !== undefined;

/**
 * Generations of ours that we did not have: this store was restored from a backup, or a copy of it writes elsewhere.
 * They are kept; what we make from now on must not be taken for theirs, nor bear their stamps.
 */
function goOnAsOurselves(engine: Engine, fresh: readonly Generation[]): void {
  if (fresh.some(({ store }) => store === engine.self.store)) nextEpoch(engine);
  const { install } = engine.self;
  let last: Stamp = '';
  for (const { records } of fresh) {
    for (const record of records) {
      if ('author' in record && installOf(record.author) === install && record.stamp > last) last = record.stamp;
    }
  }
  if (last > readClock(engine.db)) writeClock(engine.db, last);
}

/** What the peer holds, in terms of our chains as they are now. */
function shownBy({ vector = {} }: Round, { chains, fresh, replayed }: Taken): Cover {
  const cover = chains.cover(vector);
  for (const { store, generation, hash } of [...replayed, ...fresh]) {
    const chain = chains.find(store, generation, hash);
    if (chain !== undefined) chains.addTo(cover, chain, generation);
  }
  return cover;
}

/**
 * The peer's tips of branches that somebody deleted: of no other is it asked whether a tip keeps it. A hub that is pushed
 * to was shown no refs: whether one of its own keeps a snapshot that was forgotten is said by who pulls from it next.
 */
function shownOf(engine: Engine, n: number, { peer, refs, policy }: Round): Shown {
  const store = findStoreNumber(engine, peer);
  const tips = new Map<BranchId, SnapshotId>();
  if (store === undefined) return { tips };
  for (const { branch, snapshot } of refsOfDeleted(engine, n, store)) if (snapshot !== null) tips.set(branch, snapshot);
  return { tips, ...(refs !== undefined && policy !== undefined && { peer: store }) };
}

/** What is alive here before the round. */
interface Alive {
  branches: number;
  snapshots: number;
}

const countAlive = (engine: Engine, volset: VolsetId, { maxDelete = 1 }: Round): Alive =>
  (maxDelete < 1 && findVolset(engine, volset)) || { branches: 0, snapshots: 0 };

function refuseMassDeletion(round: Round, objects: readonly string[], alive: Alive): void {
  const gone = (kind: string): number => objects.filter((object) => object.startsWith(kind)).length;
  const volset = objects.includes('volset');
  refuseTooMany(round, { deleted: gone('branch:'), total: alive.branches, what: 'branches', volset });
  refuseTooMany(round, { deleted: gone('snapshot:'), total: alive.snapshots, what: 'snapshots', volset });
}

function refuseTooMany(
  { maxDelete = 1 }: Round,
  { deleted, total, what, volset }: { deleted: number; total: number; what: string; volset: boolean },
): void {
  if (!tooManyDeleted({ deleted, total, max: maxDelete })) return;
  throw new PlaitError('guard', `This would delete ${deleted} of ${total} ${what} here; nothing was changed.`, {
    hint: 'If that is meant, allow it with --max-delete=100%.',
    data: { deleted, total, maxDelete, what, volset },
  });
}
