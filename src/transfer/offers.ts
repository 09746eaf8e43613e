/** What is offered of a snapshot before its data is sent. */
import type { BlobStore } from '../blob/contract.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { Offer } from '../core/peer.ts';
import type { SnapshotBody } from '../core/records.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { Work } from './drain-source.ts';
import { candidatesFor } from './negotiation.ts';

/** Of one request, which the peer bounds (wire/limits.ts MAX_JSON); reached by snapshots of very long descriptions only. */
const MAX_BYTES = 8 * 1024 * 1024;

/** @param snapshots complete here; in the order in which they would be sent. As many as fit into one request. */
export function offersOf(
  { meta, blob, volset }: { meta: MetaStore; blob: BlobStore; volset: VolsetId },
  snapshots: { id: SnapshotId; body: SnapshotBody; work: Work }[],
  bases = true,
): Offer[] {
  const earlier = new Set<SnapshotId>();
  const numbers = meta.blobNumbers(
    volset,
    snapshots.map(({ id }) => id),
  );
  // Sent whole, a snapshot is no more than its files, nor than all that is stored here.
  const packs = blob.packs(volset);
  const stored = packs.length === 0 ? Number.MAX_SAFE_INTEGER : packs.reduce((sum, pack) => sum + pack.bytes, 0);
  const offers: Offer[] = [];
  let size = 0;
  let latest: { id: SnapshotId; work: Work } | undefined;
  for (const { id, body, work } of snapshots) {
    const candidates = bases ? candidatesFor(meta, volset, id, earlier) : [];
    // The beginning of a history that goes after its tip has more in common with that than with nothing.
    const tip = bases && latest && latest.work.priority > work.priority ? [latest.id] : [];
    const baseCandidates = candidates.length === 0 ? tip : candidates;
    earlier.add(id);
    latest = { id, work };
    const number = Object.hasOwn(numbers, id) ? { number: numbers[id] } : {};
    const bytes = Math.min(body.bytes + perFile(body.files), stored);
    const offer: Offer = { id, body, bytes, chunks: chunksOf(body), baseCandidates, ...number };
    size += JSON.stringify(offer).length;
    if (size > MAX_BYTES && offers.length > 0) break;
    offers.push(offer);
  }
  return offers;
}

/** Bytes of manifest for so many files, generously. */
const perFile = (files: number): number => files * 256 + 4096;
/** A file has one chunk, and one more for each 16 KiB, the smallest that the chunker makes. */
const chunksOf = ({ files, bytes }: SnapshotBody): number => files + Math.ceil(bytes / 16_384);
