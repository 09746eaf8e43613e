/** What we remember of peers, per volset, and the tips agreed with them. Losing these rows changes no result. */

import { canonicalText } from '../../core/canonical.ts';
import { type BranchId, type InstallId, isInstallId, type SnapshotId, type VolsetId } from '../../core/ids.ts';
import { malformed } from '../../core/malformed.ts';
import type { Vector } from '../../core/records.ts';
import type { PeerState } from '../contract.ts';
import { checkRow, rowSum } from './checksum.ts';
import { type Engine, ensureVolset, findVolsetNumber } from './engine.ts';

interface PeerRow {
  epoch: number;
  revision: number;
  vector: string;
  last_sync: number | null;
  sum: string;
}

export function peer(engine: Engine, install: InstallId, volset: VolsetId): PeerState | undefined {
  return engine.db.read(() => {
    const n = findVolsetNumber(engine, volset);
    const row = n !== undefined && peerRow(engine, n, install);
    if (!row) return undefined;
    const { epoch, revision, vector, last_sync: lastSync } = row;
    return {
      install,
      epoch,
      revision,
      vector: JSON.parse(vector) as Vector,
      initial: initialOf(engine, n, install),
      lastSync,
    };
  });
}

function peerRow({ db }: Engine, n: number, install: InstallId): PeerRow | undefined {
  const row = db.get<PeerRow>(
    'SELECT epoch, revision, vector, last_sync, sum FROM peers WHERE volset = ? AND install = ?',
    n,
    install,
  );
  if (row) checkRow(row.sum, 'peers', install, row.epoch, row.revision, row.vector, row.last_sync);
  return row;
}

function initialOf({ db }: Engine, n: number, install: InstallId): Record<BranchId, SnapshotId> {
  const initial: Record<BranchId, SnapshotId> = {};
  const rows = db.all<{ branch: BranchId; snapshot: SnapshotId; sum: string }>(
    'SELECT branch, snapshot, sum FROM initial WHERE volset = ? AND install = ?',
    n,
    install,
  );
  for (const { branch, snapshot, sum } of rows) {
    checkRow(sum, 'initial', install, branch, snapshot);
    initial[branch] = snapshot;
  }
  return initial;
}

/** A time stamp alone is written once a minute: a sync with nothing to do, each few seconds, leaves the disk alone. */
const STAMP_MS = 60_000;

function isNoNews(old: PeerState | undefined, change: Partial<Omit<PeerState, 'install'>>): boolean {
  if (!old) return false;
  const { epoch = old.epoch, revision = old.revision, vector = old.vector, lastSync = old.lastSync } = change;
  const initial = Object.entries(change.initial ?? {}) as [BranchId, SnapshotId][];
  return (
    epoch === old.epoch &&
    revision === old.revision &&
    canonicalText(vector) === canonicalText(old.vector) &&
    initial.every(([branch, snapshot]) => old.initial[branch] === snapshot) &&
    (lastSync === old.lastSync || isSoonAfter(old.lastSync, lastSync))
  );
}

const isSoonAfter = (old: number | null, now: number | null): boolean =>
  old !== null && now !== null && now >= old && now < old + STAMP_MS;

export function updatePeer(
  engine: Engine,
  install: InstallId,
  volset: VolsetId,
  change: Partial<Omit<PeerState, 'install'>>,
): void {
  if (!isInstallId(install)) malformed('a peer has no install id');
  if (isNoNews(peer(engine, install, volset), change)) return;
  engine.db.write(() => {
    const n = ensureVolset(engine, volset);
    const old = peerRow(engine, n, install);
    const epoch = change.epoch ?? old?.epoch ?? 1;
    const revision = change.revision ?? old?.revision ?? 0;
    const vector = change.vector ? canonicalText(change.vector) : (old?.vector ?? '{}');
    const lastSync = change.lastSync === undefined ? (old?.last_sync ?? null) : change.lastSync;
    engine.db.run(
      'INSERT OR REPLACE INTO peers(volset, install, epoch, revision, vector, last_sync, sum) VALUES (?, ?, ?, ?, ?, ?, ?)',
      n,
      install,
      epoch,
      revision,
      vector,
      lastSync,
      rowSum('peers', install, epoch, revision, vector, lastSync),
    );
    for (const [branch, snapshot] of Object.entries(change.initial ?? {})) {
      engine.db.run(
        'INSERT OR REPLACE INTO initial(volset, install, branch, snapshot, sum) VALUES (?, ?, ?, ?, ?)',
        n,
        install,
        branch,
        snapshot,
        rowSum('initial', install, branch, snapshot),
      );
    }
  });
}
