/** What a list of volsets says of each, and what the page of one begins with. */
import type { BranchId, SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import type { BranchView, VolsetState, VolsetSummary, VolsetView } from '../contract.ts';
import { listConflicts } from './conflicts.ts';
import { type Engine, findStoreNumber } from './engine.ts';
import { damagedBlobs } from './keeping.ts';
import { liveVolset } from './live-volset.ts';
import { countMembers, listMembers } from './members.ts';
import { OWN_REFS, refsOf } from './ref-rows.ts';
import { remoteNames } from './remote-names.ts';
import { headRevision } from './revisions.ts';
import { findSnapshot, findVolset, listBranches } from './views.ts';

export const volsetSummary = (engine: Engine, volset: VolsetId): VolsetSummary =>
  engine.db.read(() => summaryOf(engine, volset));

export function volsetState(engine: Engine, volset: VolsetId, tips: number): VolsetState {
  return engine.db.read(() => {
    const members = listMembers(engine, volset);
    const summary = summaryOf(engine, volset);
    const branchList = listBranches(engine, volset);
    const tipsAt = (store: StoreId) => tipsOf(engine, volset, store, branchList, tips);
    const memberList = members.map((member) => ({ ...member, tips: tipsAt(member.store) }));
    const remoteList = [...remoteNames(engine)]
      .map(([store, name]) => ({ name, store, tips: tipsAt(store) }))
      .filter((remote) => remote.tips.length > 0);
    return { ...summary, branchList, memberList, remoteList };
  });
}

function summaryOf(engine: Engine, volset: VolsetId): VolsetSummary {
  const n = liveVolset(engine, volset);
  return {
    revision: headRevision(engine, n),
    view: findVolset(engine, volset) as VolsetView,
    newest: newestTip(engine, volset, n),
    members: countMembers(engine, n),
    conflicts: listConflicts(engine, volset).length,
    damaged: damagedBlobs(engine, volset).length,
  };
}

/** A branch may still stand at one that was forgotten elsewhere. */
function newestTip(engine: Engine, volset: VolsetId, n: number): VolsetSummary['newest'] {
  const row = engine.db.get<{ id: SnapshotId }>(NEWEST, n);
  const view = row && findSnapshot(engine, volset, row.id);
  if (view === undefined) return null;
  const { created, creator, bytes, files } = view.body;
  return { id: view.id, created, creator, description: view.description, bytes, files };
}

const NEWEST = `SELECT s.id AS id FROM refs r CROSS JOIN snapshots s ON s.volset = r.volset AND s.id = r.snapshot
  WHERE r.volset = ? AND r.store = ${OWN_REFS}
  AND NOT EXISTS (SELECT 1 FROM dead d WHERE d.volset = s.volset AND d.object = 'snapshot:' || s.id)
  ORDER BY s.created DESC, s.id LIMIT 1`;

/** By name of the branch. */
function tipsOf(
  engine: Engine,
  volset: VolsetId,
  store: StoreId,
  branches: BranchView[],
  limit: number,
): VolsetState['memberList'][number]['tips'] {
  const n = liveVolset(engine, volset);
  const number = findStoreNumber(engine, store);
  if (number === undefined) return [];
  const tips = new Map<BranchId, SnapshotId>();
  for (const { branch, snapshot } of refsOf(engine, n, number)) if (snapshot !== null) tips.set(branch, snapshot);
  const found: { branch: string; tip: SnapshotId }[] = [];
  for (const { id, name } of branches) {
    const tip = tips.get(id);
    if (tip !== undefined && found.push({ branch: name, tip }) === limit) break;
  }
  return found;
}
