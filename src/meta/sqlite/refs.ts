/** Branch tips: our own, moved by compare-and-swap, and what peers last told us of theirs. */
import { isAncestor } from '../../core/ancestry.ts';
import { PlaitError } from '../../core/errors.ts';
import {
  type BranchId,
  isBranchId,
  isSnapshotId,
  type SnapshotId,
  type StoreId,
  type VolsetId,
} from '../../core/ids.ts';
import { isCount, malformed } from '../../core/malformed.ts';
import type { RefMove, Stretch } from '../../core/peer.ts';
import type { Ref } from '../../core/records.ts';
import { branchKey } from '../../core/register.ts';
import { type Engine, ensureStore, findStoreNumber, volsetNumber } from './engine.ts';
import { isDead, knowsObject } from './heads.ts';
import { closeOpen } from './log.ts';
import { findRef, OWN_REFS, ownTip, putRef, refsOf } from './ref-rows.ts';
import { headRevision, setOwnRef } from './revisions.ts';
import { hasBlob, isForgotten, knowsSnapshot, lineage } from './snapshots.ts';

export function refs(engine: Engine, volset: VolsetId, store: StoreId | 'self'): Ref[] {
  const n = volsetNumber(engine, volset);
  const isOwn = store === 'self' || store === engine.self.store;
  const number = isOwn ? OWN_REFS : findStoreNumber(engine, store);
  if (number === undefined) return [];
  return isOwn ? refsOf(engine, n, number).map(shownIn(engine, n)) : refsOf(engine, n, number);
}

/** A number under which a ref waits is nobody else's business. */
function shownIn(engine: Engine, n: number): (ref: Ref) => Ref {
  const head = headRevision(engine, n);
  return (ref) => (ref.revision > head ? { ...ref, revision: head } : ref);
}

/** What every move of our own refs must meet: a live branch, and a snapshot whose data is here. */
function checkMove(engine: Engine, n: number, volset: VolsetId, branch: BranchId, to: SnapshotId): void {
  const object = branchKey(branch);
  if (!knowsObject(engine, n, object) || isDead(engine, n, object)) {
    throw new PlaitError('not-found', `Branch ${branch} does not exist here.`, { hint: 'See `plait branch list`.' });
  }
  if (hasBlob(engine, n, to)) return;
  const known = knowsSnapshot(engine, n, to);
  if (!known || isForgotten(engine, n, to)) {
    throw new PlaitError('not-found', `Snapshot ${to.slice(0, 12)} ${known ? 'was forgotten' : 'is not known here'}.`, {
      hint: known
        ? 'Pull first; to keep it after all, give it a name or make the snapshot again.'
        : 'Send its record first.',
    });
  }
  const key = `volset.${volset}.metadata-only`;
  if (engine.db.get<{ value: string }>('SELECT value FROM settings WHERE key = ?', key)?.value === 'true') return;
  throw new PlaitError('blob-absent', `The data of snapshot ${to.slice(0, 12)} is not in this store.`, {
    hint: 'A branch moves only to a snapshot whose data is complete: transfer it first.',
    data: { snapshot: to },
  });
}

/** Compare-and-swap of one own ref. Inside a write transaction. */
export function moveOwnRef(engine: Engine, n: number, volset: VolsetId, { branch, from, to }: RefMove): void {
  checkMove(engine, n, volset, branch, to);
  const tip = ownTip(engine, n, branch);
  if (tip !== from) {
    throw new PlaitError('not-fast-forward', `Branch ${branch} has moved meanwhile.`, {
      hint: 'Run the command again.',
      data: { branch, expected: from, tip },
    });
  }
  if (tip !== to) setOwnRef(engine, n, branch, to);
}

export function moveRefs(
  engine: Engine,
  volset: VolsetId,
  moves: RefMove[],
): { moved: boolean; refs: Ref[]; revision: number; revisions: Stretch } {
  return engine.db.write(() => {
    const n = volsetNumber(engine, volset);
    // Else the moves would wait for the next cut before anybody is told of them.
    closeOpen(engine, volset, n);
    const before = headRevision(engine, n);
    for (const { branch, to } of moves) checkMove(engine, n, volset, branch, to);
    const moved = moves.every(({ branch, from }) => ownTip(engine, n, branch) === from);
    if (moved) for (const move of moves) fastForward(engine, n, volset, move);
    const present = moves
      .map(({ branch }): Ref => findRef(engine, n, OWN_REFS, branch) ?? { branch, snapshot: null, revision: 0 })
      .map(shownIn(engine, n));
    const after = headRevision(engine, n);
    return { moved, refs: present, revision: after, revisions: [before, after] };
  });
}

function fastForward(engine: Engine, n: number, volset: VolsetId, move: RefMove): void {
  if (move.from !== null && !isAncestor((ids) => lineage(engine, volset, ids), move.from, move.to)) {
    throw new PlaitError(
      'not-fast-forward',
      `Branch ${move.branch} cannot move to a snapshot that does not follow its tip.`,
      {
        hint: 'Pull and merge first.',
        data: { branch: move.branch, tip: move.from },
      },
    );
  }
  moveOwnRef(engine, n, volset, move);
}

/**
 * Takes what a peer says of its refs; an older answer that arrives late changes nothing. A ref of a branch that is dead
 * here is kept as well: it may say that the branch lives on there. Inside a write transaction.
 */
export function receiveRefs(engine: Engine, n: number, peer: StoreId, refs: readonly Ref[], upTo: number): void {
  if (!isCount(upTo)) malformed('a revision is not a count');
  const store = ensureStore(engine, peer);
  for (const ref of refs) {
    const { branch, snapshot, revision } = ref;
    if (!isBranchId(branch) || (snapshot !== null && !isSnapshotId(snapshot))) malformed('a ref is malformed');
    if (!isCount(revision) || revision === 0 || revision > upTo) malformed('a ref has a revision out of range');
    if (!knowsObject(engine, n, branchKey(branch))) malformed('a ref names an unknown branch', { branch });
    if (snapshot !== null && !knowsSnapshot(engine, n, snapshot))
      malformed('a ref names an unknown snapshot', { snapshot });
    const held = findRef(engine, n, store, branch);
    if (held === undefined || held.revision < revision) putRef(engine, n, store, { branch, snapshot, revision });
  }
}
