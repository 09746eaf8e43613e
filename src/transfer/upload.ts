/** Sends snapshots' data to a peer: offers in one round trip, then a stream per transfer that the peer agreed to. */
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId } from '../core/ids.ts';
import type { Declined, Offer, OfferAnswer, Transfer } from '../core/peer.ts';
import type { SnapshotView } from '../meta/contract.ts';
import { writeBlobDiff } from './blob-diff.ts';
import type { DiffHeader } from './diff-format.ts';
import {
  byTransfer,
  type ClientOptions,
  candidatesFor,
  checkAnswers,
  completeRoot,
  inBatches,
  oldestFirst,
  PER_REQUEST,
  refusalOf,
} from './negotiation.ts';
import type { Have } from './select.ts';
import { type Outgoing, sendEntries, type TransferStep } from './send.ts';

export interface Uploaded {
  /** Now visible at the peer because of this call. */
  sent: SnapshotId[];
  /** Were complete there. */
  held: SnapshotId[];
  declined: Pick<Declined, 'id' | 'reason' | 'code'>[];
  /** Chunks sent. */
  chunks: number;
  /** Encoded bytes of them and of manifest nodes. */
  bytes: number;
}

type Wanted = Extract<OfferAnswer, { answer: 'want' }>;

/** @throws `not-found`, `blob-absent` (not complete here), `incomplete` (the peer kept less than it was sent); errors of the peer */
export async function uploadSnapshots(options: ClientOptions): Promise<Uploaded> {
  const { meta, volset, peer, signal } = options;
  const ids = oldestFirst(meta, volset, options.snapshots);
  const done: Uploaded = { sent: [], held: [], declined: [], chunks: 0, bytes: 0 };
  for (const batch of inBatches(ids, PER_REQUEST)) {
    signal?.throwIfAborted();
    const offers = offersOf(options, batch);
    const answers = checkAnswers(offers, await peer.offer(volset, offers));
    const wanted: Wanted[] = [];
    for (const answer of answers) {
      if (answer.answer === 'have') done.held.push(answer.id);
      else if (answer.answer === 'declined') done.declined.push(refusalOf(answer));
      else wanted.push(answer);
    }
    for (const { transfer, items } of byTransfer(wanted)) await uploadOne(options, transfer, items, done);
  }
  return done;
}

function offersOf({ meta, blob, volset }: ClientOptions, ids: SnapshotId[]): Offer[] {
  const earlier = new Set<SnapshotId>();
  // Sent whole, a snapshot is no more than its files, nor than all that is stored here.
  const packs = blob.packs(volset);
  const stored = packs.length === 0 ? Number.MAX_SAFE_INTEGER : packs.reduce((sum, pack) => sum + pack.bytes, 0);
  return ids.map((id) => {
    const { body } = readComplete(meta.findSnapshot(volset, id), id);
    const candidates = candidatesFor(meta, volset, id, earlier);
    earlier.add(id);
    const bytes = Math.min(body.bytes + perFile(body.files), stored);
    return { id, body, bytes, chunks: chunksOf(body), baseCandidates: candidates };
  });
}

/** Bytes of manifest for so many files, generously. */
const perFile = (files: number): number => files * 256 + 4096;
/** A file has one chunk, and one more for each 16 KiB, the smallest that the chunker makes. */
const chunksOf = ({ files, bytes }: SnapshotView['body']): number => files + Math.ceil(bytes / 16_384);

function readComplete(view: SnapshotView | undefined, id: SnapshotId): SnapshotView {
  if (view?.hasBlob) return view;
  throw new PlaitError('blob-absent', `the data of snapshot ${id.slice(0, 12)} is not in this store`, {
    hint: 'pull it from a remote that has it',
    data: { snapshot: id },
  });
}

async function uploadOne(options: ClientOptions, transfer: Transfer, items: Wanted[], done: Uploaded): Promise<void> {
  const { peer, blob, manifest, meta, volset, signal } = options;
  const onProgress = (step: TransferStep): void => {
    done.chunks += step.chunks ?? 0;
    done.bytes += step.bytes ?? 0;
    options.onProgress?.(step);
  };
  const outgoing = items.map(({ id, base }): Outgoing => {
    const { body } = readComplete(meta.findSnapshot(volset, id), id);
    return { id, body, base: base === null ? null : { id: base, root: completeRoot(meta, volset, base) } };
  });
  const ask: Have = async (kind, ids) => {
    const held = await peer.have(volset, transfer, kind, ids);
    if (held.byteLength !== ids.byteLength / 32)
      throw new PlaitError('protocol', 'the peer answered about other objects');
    return held;
  };
  const have = items.every(({ empty }) => empty) ? undefined : ask;
  const header: DiffHeader = { volset, snapshots: items.map(({ id, base }) => ({ id, base })) };
  const entries = sendEntries({ reader: blob.reader(volset), manifest, have, signal, onProgress }, outgoing);
  const { snapshots } = await peer.upload(transfer, writeBlobDiff(header, entries));
  const kept = new Set(snapshots);
  if (items.some(({ id }) => !kept.has(id))) {
    throw new PlaitError('incomplete', 'the peer did not keep all that was sent', { hint: 'run the command again' });
  }
  done.sent.push(...items.map(({ id }) => id));
}
