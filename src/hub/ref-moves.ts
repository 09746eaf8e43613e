/** When a hub moves its own refs for a client: only forward, and only to data that is here. */
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { RefMove } from '../core/peer.ts';
import type { HubMeta } from './contract.ts';

/** Ids asked for in one read of the ancestry walk. */
const PAGE = 1000;

/** Why these moves must not happen, for people; undefined when they may. Compare-and-swap itself is the store's. */
export async function refusal(meta: HubMeta, volset: VolsetId, moves: RefMove[]): Promise<string | undefined> {
  for (const { branch, from, to } of moves) {
    if (!(await meta.findBranch(volset, branch))) return `branch ${branch} is not known here`;
    const snapshot = await meta.findSnapshot(volset, to);
    if (!snapshot) return `snapshot ${to} is not known here`;
    if (!snapshot.hasBlob) return `the data of snapshot ${to} is not here`;
    if (from !== null && !(await descends(meta, volset, to, from))) return `${to} does not follow ${from}`;
  }
  return undefined;
}

/** True when `ancestor` is `from` or one of its ancestors. Breadth first, so a short fast-forward reads little. */
export async function descends(
  meta: HubMeta,
  volset: VolsetId,
  from: SnapshotId,
  ancestor: SnapshotId,
): Promise<boolean> {
  const seen = new Set<SnapshotId>([from]);
  const front = [from];
  while (front.length > 0) {
    if (seen.has(ancestor)) return true;
    const page = front.splice(0, PAGE);
    const parents = await meta.parentsOf(volset, page);
    for (const list of Object.values(parents)) {
      for (const id of list) {
        if (seen.has(id)) continue;
        seen.add(id);
        front.push(id);
      }
    }
  }
  return seen.has(ancestor);
}
