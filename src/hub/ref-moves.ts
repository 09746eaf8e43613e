/** When a hub moves its own refs for a client: only forward, and only to data that is here. */
import { PlaitError } from '../core/errors.ts';
import type { VolsetId } from '../core/ids.ts';
import type { RefMove } from '../core/peer.ts';
import type { RefMovesAnswer } from '../wire/messages.ts';
import type { HubMeta } from './contract.ts';

/** All or none. Whatever forbids the moves is an answer with its reason, not an error: the push itself went well. */
export async function moveRefs(meta: HubMeta, volset: VolsetId, moves: RefMove[]): Promise<RefMovesAnswer> {
  const reason = await missing(meta, volset, moves);
  if (reason !== undefined) return unmoved(meta, volset, moves, reason);
  try {
    const answer = await meta.moveRefs(volset, moves);
    return answer.moved ? answer : { ...answer, reason: 'a branch has moved meanwhile' };
  } catch (error) {
    if (!(error instanceof PlaitError) || error.code !== 'not-fast-forward') throw error;
    return unmoved(meta, volset, moves, error.message);
  }
}

/** A tip must never point at data that is not here: blobs first, then refs. */
async function missing(meta: HubMeta, volset: VolsetId, moves: RefMove[]): Promise<string | undefined> {
  for (const { branch, to } of moves) {
    if (!(await meta.findBranch(volset, branch))) return `branch ${branch} is not known here`;
    const snapshot = await meta.findSnapshot(volset, to);
    if (!snapshot) return `snapshot ${to} is not known here`;
    if (!snapshot.hasBlob) return `the data of snapshot ${to} is not here`;
  }
  return undefined;
}

async function unmoved(meta: HubMeta, volset: VolsetId, moves: RefMove[], reason: string): Promise<RefMovesAnswer> {
  const named = new Set(moves.map((move) => move.branch));
  const refs = (await meta.refs(volset, 'self')).filter((ref) => named.has(ref.branch));
  return { moved: false, refs, revision: await meta.revision(volset), reason };
}
