/** What a list of volsets says of each, and what the page of one begins with. */
import type { BranchId, SnapshotId, VolsetId } from '../../core/ids.ts';
import { snapshotKey } from '../../core/register.ts';
import type { BranchView, Member, VolsetState, VolsetSummary, VolsetView } from '../contract.ts';
import { listConflicts } from './conflicts.ts';
import { type Engine, findStoreNumber } from './engine.ts';
import { headAt } from './heads.ts';
import { bodyOf } from './history-rows.ts';
import { damagedBlobs } from './keeping.ts';
import { liveVolset } from './live-volset.ts';
import { listMembers } from './members.ts';
import { OWN_REFS, refsOf } from './ref-rows.ts';
import { headRevision } from './revisions.ts';
import { isForgotten } from './snapshots.ts';
import { findVolset, listBranches } from './views.ts';

export const volsetSummary = (engine: Engine, volset: VolsetId): VolsetSummary =>
  engine.db.read(() => summaryOf(engine, volset, listMembers(engine, volset)));

export function volsetState(engine: Engine, volset: VolsetId, tips: number): VolsetState {
  return engine.db.read(() => {
    const members = listMembers(engine, volset);
    const summary = summaryOf(engine, volset, members);
    const branchList = listBranches(engine, volset);
    const memberList = members.map((member) => ({ ...member, tips: tipsOf(engine, volset, member, branchList, tips) }));
    return { ...summary, branchList, memberList };
  });
}

function summaryOf(engine: Engine, volset: VolsetId, members: Member[]): VolsetSummary {
  const n = liveVolset(engine, volset);
  return {
    revision: headRevision(engine, n),
    view: findVolset(engine, volset) as VolsetView,
    newest: newestTip(engine, n),
    members: members.filter(({ state }) => state === 'active').length,
    conflicts: listConflicts(engine, volset).length,
    damaged: damagedBlobs(engine, volset).length,
  };
}

/** A branch may still stand at one that was forgotten elsewhere. */
function newestTip(engine: Engine, n: number): VolsetSummary['newest'] {
  const tips = engine.db.all<{ id: SnapshotId }>(
    `SELECT DISTINCT s.id AS id, s.created FROM refs r CROSS JOIN snapshots s ON s.volset = r.volset AND s.id = r.snapshot
     WHERE r.volset = ? AND r.store = ${OWN_REFS} ORDER BY s.created DESC, s.id`,
    n,
  );
  const id = tips.find((tip) => !isForgotten(engine, n, tip.id))?.id;
  if (id === undefined) return null;
  const { created, creator, bytes, files } = bodyOf(engine, n, id);
  const description = headAt(engine, n, { object: snapshotKey(id), field: 'description' })?.value ?? null;
  return { id, created, creator, description, bytes, files };
}

/** By name of the branch. */
function tipsOf(
  engine: Engine,
  volset: VolsetId,
  { store }: Member,
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
