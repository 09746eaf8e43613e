/** What we remember of peers, per volset, and the tips agreed with them. Losing these rows changes no result. */

import { canonicalText } from '../../core/canonical.ts';
import { type BranchId, type InstallId, isInstallId, type SnapshotId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { Vector } from '../../core/records.ts';
import type { PeerChange, PeerState } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, ensureVolset, findVolsetNumber } from './engine.ts';

interface PeerRow {
  epoch: number;
  revision: number;
  vector: string;
  settled: string | null;
  last_sync: number | null;
}

const NONE: PeerRow = { epoch: 1, revision: 0, vector: '{}', settled: null, last_sync: null };

const cells = (install: InstallId, { epoch, revision, vector, settled, last_sync }: PeerRow) =>
  [install, epoch, revision, vector, settled, last_sync] as const;

export function peer(engine: Engine, install: InstallId, volset: VolsetId): PeerState | undefined {
  const n = findVolsetNumber(engine, volset);
  const row = n === undefined ? undefined : peerRow(engine, n, install);
  if (row === undefined) return undefined;
  const { epoch, revision, vector, settled, last_sync: lastSync } = row;
  return { install, epoch, revision, vector: JSON.parse(vector) as Vector, settled, lastSync };
}

function peerRow({ db }: Engine, n: number, install: InstallId): PeerRow | undefined {
  const row = db.get<PeerRow & { sum: string }>(
    'SELECT epoch, revision, vector, settled, last_sync, sum FROM peers WHERE volset = ? AND install = ?',
    n,
    install,
  );
  if (row) checkRow(row.sum, 'peers', ...cells(install, row));
  return row;
}

interface InitialRow {
  branch: BranchId;
  snapshot: SnapshotId;
  sum: string;
}

export function agreedTips(engine: Engine, install: InstallId, volset: VolsetId): Record<BranchId, SnapshotId> {
  const n = findVolsetNumber(engine, volset);
  return n === undefined ? {} : initialOf(engine, n, install);
}

function initialOf({ db }: Engine, n: number, install: InstallId): Record<BranchId, SnapshotId> {
  const initial: Record<BranchId, SnapshotId> = {};
  const sql = 'SELECT branch, snapshot, sum FROM initial WHERE volset = ? AND install = ?';
  for (const { branch, snapshot, sum } of db.all<InitialRow>(sql, n, install)) {
    checkRow(sum, 'initial', install, branch, snapshot);
    initial[branch] = snapshot;
  }
  return initial;
}

/** A time stamp alone is written once a minute: a sync with nothing to do, each few seconds, leaves the disk alone. */
const STAMP_MS = 60_000;

const isSoonAfter = (old: number | null, now: number | null): boolean =>
  old !== null && now !== null && now >= old && now < old + STAMP_MS;

function isNews(old: PeerRow, row: PeerRow): boolean {
  return (
    row.epoch !== old.epoch ||
    row.revision !== old.revision ||
    row.vector !== old.vector ||
    row.settled !== old.settled ||
    (row.last_sync !== old.last_sync && !isSoonAfter(old.last_sync, row.last_sync))
  );
}

export function updatePeer(engine: Engine, install: InstallId, volset: VolsetId, change: PeerChange): void {
  if (!isInstallId(install)) malformed('a peer has no install id');
  if (!engine.db.read(() => bringsNews(engine, install, volset, change))) return;
  engine.db.write(() => {
    const n = ensureVolset(engine, volset);
    putPeer(engine, n, install, changedRow(peerRow(engine, n, install) ?? NONE, change));
    for (const [branch, snapshot] of newTips(engine, n, install, change))
      putInitial(engine, n, install, branch, snapshot);
  });
}

function bringsNews(engine: Engine, install: InstallId, volset: VolsetId, change: PeerChange): boolean {
  const n = findVolsetNumber(engine, volset);
  const old = n === undefined ? undefined : peerRow(engine, n, install);
  if (n === undefined || old === undefined) return true;
  return isNews(old, changedRow(old, change)) || newTips(engine, n, install, change).length > 0;
}

type Tip = [BranchId, SnapshotId];

const changedRow = ({ epoch, revision, vector, settled, last_sync }: PeerRow, change: PeerChange): PeerRow => ({
  epoch: change.epoch ?? epoch,
  revision: change.revision ?? revision,
  vector: change.vector ? canonicalText(change.vector) : vector,
  settled: change.settled === undefined ? settled : change.settled,
  last_sync: change.lastSync === undefined ? last_sync : change.lastSync,
});

function newTips(engine: Engine, n: number, install: InstallId, { initial = {} }: PeerChange): Tip[] {
  const told = Object.entries(initial) as Tip[];
  const known = told.length > 0 ? initialOf(engine, n, install) : {};
  return told.filter(([branch, snapshot]) => known[branch] !== snapshot);
}

function putPeer({ db }: Engine, n: number, install: InstallId, row: PeerRow): void {
  const values = cells(install, row);
  db.run(
    `INSERT OR REPLACE INTO peers(volset, install, epoch, revision, vector, settled, last_sync, sum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    n,
    ...values,
    rowSum('peers', ...values),
  );
}

function putInitial({ db }: Engine, n: number, install: InstallId, branch: BranchId, snapshot: SnapshotId): void {
  db.run(
    'INSERT OR REPLACE INTO initial(volset, install, branch, snapshot, sum) VALUES (?, ?, ?, ?, ?)',
    n,
    install,
    branch,
    snapshot,
    rowSum('initial', install, branch, snapshot),
  );
}
