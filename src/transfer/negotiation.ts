/** What upload and download share: the parties, the order of snapshots, base candidates, what a peer may answer. */
import type { BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import { baseCandidates } from '../core/candidates.ts';
import { PlaitError } from '../core/errors.ts';
import type { NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { Declined, Peer, Transfer } from '../core/peer.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { TransferStep } from './send.ts';

export interface ClientOptions {
  peer: Peer;
  blob: BlobStore;
  manifest: Manifest;
  meta: MetaStore;
  volset: VolsetId;
  /** In any order; duplicates are ignored. */
  snapshots: SnapshotId[];
  /** Streams at once, 1 to 16; default 4. */
  parallel?: number;
  signal?: AbortSignal;
  onProgress?: (step: TransferStep) => void;
}

/** Offers or wants in one request: each names up to 64 candidates. */
export const PER_REQUEST = 500;

/** Parents before children, otherwise by time of creation. Unknown ids throw `not-found`. */
export function oldestFirst(meta: MetaStore, volset: VolsetId, ids: SnapshotId[]): SnapshotId[] {
  const views = [...new Set(ids)].map((id) => {
    const view = meta.findSnapshot(volset, id);
    if (!view) throw new PlaitError('not-found', `snapshot ${id.slice(0, 12)} is not known here`);
    return view;
  });
  views.sort((a, b) => a.body.created - b.body.created || (a.id < b.id ? -1 : 1));
  const parents = new Map(views.map(({ id, body }) => [id, body.parents]));
  const placed = new Set<SnapshotId>();
  for (const { id } of views) {
    // Clocks lie: a parent that sorts later is placed first all the same.
    const stack = [id];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const open = (parents.get(top) ?? []).filter((parent) => parents.has(parent) && !placed.has(parent));
      if (open.length > 0 && !placed.has(top)) stack.push(...open);
      else {
        placed.add(top);
        stack.pop();
      }
    }
  }
  return [...placed];
}

/** Root of a snapshot whose blob is complete here, and sound. */
export function completeRoot(meta: MetaStore, volset: VolsetId, id: SnapshotId): NodeId | undefined {
  const view = meta.findSnapshot(volset, id);
  return view?.hasBlob && !view.damaged ? view.body.root : undefined;
}

/** Parents that go in the same request are the best bases; only where there are none is history searched. */
export function candidatesFor(
  meta: MetaStore,
  volset: VolsetId,
  id: SnapshotId,
  earlier: Set<SnapshotId>,
): SnapshotId[] {
  const parents = meta.findSnapshot(volset, id)?.body.parents ?? [];
  const near = parents.filter((parent) => earlier.has(parent));
  if (near.length > 0) return near;
  return baseCandidates(
    (ids) => meta.lineage(volset, ids),
    id,
    (ids) => ids.filter((candidate) => completeRoot(meta, volset, candidate) !== undefined),
  );
}

/** Bases for a snapshot none of whose ancestors is here: whatever branches stand on has more of it than nothing. */
export const tipsHere = (meta: MetaStore, volset: VolsetId): SnapshotId[] =>
  [...new Set(meta.refs(volset, 'self').map(({ snapshot }) => snapshot))]
    .filter((id) => id !== null && completeRoot(meta, volset, id) !== undefined)
    .slice(0, MAX_TIPS) as SnapshotId[];

const MAX_TIPS = 8;

/** One answer per question, in any order; a base must be one that we named. */
export function checkAnswers<A extends { id: SnapshotId; base?: SnapshotId | null }>(
  asked: { id: SnapshotId; baseCandidates: SnapshotId[] }[],
  answers: A[],
): A[] {
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  return asked.map(({ id, baseCandidates }) => {
    const answer = byId.get(id);
    if (!answer) throw new PlaitError('protocol', `the peer said nothing about snapshot ${id.slice(0, 12)}`);
    if (answer.base && !baseCandidates.includes(answer.base)) {
      throw new PlaitError('protocol', 'the peer chose a base that it was not offered');
    }
    return answer;
  });
}

/** Snapshots with the same url go in one stream; the order stays. */
export function byTransfer<A extends { id: SnapshotId; base: SnapshotId | null } & Transfer>(
  answers: A[],
): { transfer: Transfer; items: A[] }[] {
  const groups = new Map<string, { transfer: Transfer; items: A[] }>();
  for (const answer of answers) {
    const { url, token, expiresAt } = answer;
    const group = groups.get(url) ?? { transfer: { url, token, expiresAt }, items: [] };
    group.items.push(answer);
    groups.set(url, group);
  }
  return [...groups.values()];
}

export const refusalOf = ({ id, reason, code }: Declined): Pick<Declined, 'id' | 'reason' | 'code'> => ({
  id,
  reason,
  ...(code && { code }),
});

export function* inBatches<T>(items: T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
