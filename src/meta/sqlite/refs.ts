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
import type { RefMove } from '../../core/peer.ts';
import type { Ref } from '../../core/records.ts';
import { branchKey } from '../../core/register.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, ensureStore, findStoreNumber, findVolsetNumber, volsetNumber } from './engine.ts';
import { isDead, knowsObject } from './heads.ts';
import { ensureIdentity } from './identity.ts';
import { closeOpen } from './log.ts';
import { hasBlob, knowsSnapshot, lineage } from './snapshots.ts';

/** Stands for this store in `refs.store`, whatever its epoch. */
export const OWN_REFS = 0;

interface RefRow {
  branch: BranchId;
  snapshot: SnapshotId | null;
  revision: number;
  sum: string;
}

const COLUMNS = 'SELECT branch, snapshot, revision, sum FROM refs WHERE volset = ? AND store = ?';

function checked({ sum, ...ref }: RefRow): Ref {
  checkRow(sum, 'refs', ref.branch, ref.snapshot, ref.revision);
  return ref;
}

function putRef({ db }: Engine, n: number, store: number, { branch, snapshot, revision }: Ref): void {
  db.run(
    'INSERT OR REPLACE INTO refs(volset, store, branch, snapshot, revision, sum) VALUES (?, ?, ?, ?, ?, ?)',
    n,
    store,
    branch,
    snapshot,
    revision,
    rowSum('refs', branch, snapshot, revision),
  );
}

export function findRef({ db }: Engine, n: number, store: number, branch: BranchId): Ref | undefined {
  const row = db.get<RefRow>(`${COLUMNS} AND branch = ?`, n, store, branch);
  return row && checked(row);
}

export const refsOf = ({ db }: Engine, n: number, store: number): Ref[] =>
  db.all<RefRow>(`${COLUMNS} ORDER BY branch`, n, store).map(checked);

/** Of branches that have a tombstone, be they alive again. */
export const refsOfDeleted = ({ db }: Engine, n: number, store: number): Ref[] =>
  db
    .all<RefRow>(
      `${COLUMNS} AND EXISTS (SELECT 1 FROM tombstones t WHERE t.volset = refs.volset AND t.object = 'branch:' || branch)
       ORDER BY branch`,
      n,
      store,
    )
    .map(checked);

/** Changed after revision `after` and not after `upTo`, oldest change first. */
export const refsBetween = ({ db }: Engine, n: number, store: number, after: number, upTo: number): Ref[] =>
  db.all<RefRow>(`${COLUMNS} AND revision > ? AND revision <= ? ORDER BY revision`, n, store, after, upTo).map(checked);

export function refs(engine: Engine, volset: VolsetId, store: StoreId | 'self'): Ref[] {
  const n = volsetNumber(engine, volset);
  const isOwn = store === 'self' || store === engine.self.store;
  const number = isOwn ? OWN_REFS : findStoreNumber(engine, store);
  return number === undefined ? [] : refsOf(engine, n, number);
}

export const revision = ({ db }: Engine, n: number): number =>
  (db.get<{ revision: number }>('SELECT revision FROM volsets WHERE n = ?', n) as { revision: number }).revision;

export const ownTip = (engine: Engine, n: number, branch: BranchId): SnapshotId | null =>
  findRef(engine, n, OWN_REFS, branch)?.snapshot ?? null;

/** Sets our own ref under the next revision. Inside a write transaction. */
export function setOwnRef(engine: Engine, n: number, branch: BranchId, snapshot: SnapshotId | null): void {
  ensureIdentity(engine);
  const next = revision(engine, n) + 1;
  engine.db.run('UPDATE volsets SET revision = ? WHERE n = ?', next, n);
  putRef(engine, n, OWN_REFS, { branch, snapshot, revision: next });
}

/** What every move of our own refs must meet: a live branch, and a snapshot whose data is here. */
function checkMove(engine: Engine, n: number, volset: VolsetId, branch: BranchId, to: SnapshotId): void {
  const object = branchKey(branch);
  if (!knowsObject(engine, n, object) || isDead(engine, n, object)) {
    throw new PlaitError('not-found', `Branch ${branch} does not exist here.`, { hint: 'See `plait branch list`.' });
  }
  if (hasBlob(engine, n, to)) return;
  if (!knowsSnapshot(engine, n, to)) {
    throw new PlaitError('not-found', `Snapshot ${to.slice(0, 12)} is not known here.`, {
      hint: 'Send its record first.',
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
): { moved: boolean; refs: Ref[]; revision: number } {
  return engine.db.write(() => {
    const n = volsetNumber(engine, volset);
    // The revision that we answer must be one that deltas may tell from now on: see sendableRevision.
    closeOpen(engine, volset, n);
    for (const { branch, to } of moves) checkMove(engine, n, volset, branch, to);
    const moved = moves.every(({ branch, from }) => ownTip(engine, n, branch) === from);
    if (moved) for (const move of moves) fastForward(engine, n, volset, move);
    const present = moves.map(
      ({ branch }): Ref => findRef(engine, n, OWN_REFS, branch) ?? { branch, snapshot: null, revision: 0 },
    );
    return { moved, refs: present, revision: revision(engine, n) };
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
  if (!isCount(upTo)) malformed('a ref revision is not a count');
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

export const currentRevision = (engine: Engine, volset: VolsetId): number => {
  const n = findVolsetNumber(engine, volset);
  return n === undefined ? 0 : revision(engine, n);
};
