/** References of the command line, looked up in an opened store. */
import type { BranchId, SnapshotId, VolsetId } from '../core/ids.ts';
import { type RefLookup, type ResolvedRef, resolveRef } from '../core/references.ts';
import type { Engine } from './engine.ts';

export function refLookup({ meta }: Pick<Engine, 'meta'>, volset: VolsetId): RefLookup {
  return {
    branches: () => meta.listBranches(volset),
    remoteBranch: (remote, branch) => {
      const tips = remoteTips({ meta }, volset, remote);
      return tips?.find((tip) => tip.name === branch);
    },
    snapshotsByName: (name) => meta.snapshotsByName(volset, name),
    snapshotsByPrefix: (prefix, limit) => meta.snapshotsByPrefix(volset, prefix, limit),
    parentsOf: (ids) => meta.parentsOf(volset, ids),
  };
}

/** REMOTE/BRANCH as that remote last told it; undefined when there is no such remote or it never answered. */
export function remoteTips(
  { meta }: Pick<Engine, 'meta'>,
  volset: VolsetId,
  remote: string,
): { branch: BranchId; name: string; tip: SnapshotId | null }[] | undefined {
  const identity = meta.listRemotes().find((r) => r.name === remote)?.identity;
  if (!identity) return undefined;
  const names = new Map(meta.listBranches(volset).map((b) => [b.id, b.name]));
  return meta
    .refs(volset, identity)
    .map((ref) => ({ branch: ref.branch, name: names.get(ref.branch) ?? ref.branch.slice(0, 12), tip: ref.snapshot }));
}

export const resolveReference = (engine: Pick<Engine, 'meta'>, volset: VolsetId, ref: string): ResolvedRef =>
  resolveRef(ref, refLookup(engine, volset));
