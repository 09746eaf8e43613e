/** Fetches snapshots' data from a peer: requests in one round trip, then a verified stream per transfer. */
import { randomBytes } from 'node:crypto';
import { PlaitError } from '../core/errors.ts';
import type { SnapshotId } from '../core/ids.ts';
import type { Declined, Transfer, Want, WantAnswer } from '../core/peer.ts';
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
import { putBody } from './put-body.ts';
import { receiveBlobDiff } from './receive.ts';

export interface Downloaded {
  /** Now complete here because of this call. */
  received: SnapshotId[];
  /** Were complete here. */
  held: SnapshotId[];
  /** The peer has no data of them. */
  absent: SnapshotId[];
  declined: Pick<Declined, 'id' | 'reason' | 'code'>[];
  /** Chunks that they newly refer to. */
  chunks: number;
  /** Encoded bytes received. */
  bytes: number;
}

type Available = Extract<WantAnswer, { answer: 'available' }>;

/** Their metadata must be here. @throws `not-found`, `protocol`, `integrity`; errors of the peer. What was whole stays. */
export async function downloadSnapshots(options: ClientOptions): Promise<Downloaded> {
  const { meta, volset, peer, signal } = options;
  const done: Downloaded = { received: [], held: [], absent: [], declined: [], chunks: 0, bytes: 0 };
  const all = oldestFirst(meta, volset, options.snapshots);
  const lacking = all.filter((id) => completeRoot(meta, volset, id) === undefined);
  const wanted = new Set(lacking);
  done.held = all.filter((id) => !wanted.has(id));
  for (const batch of inBatches(lacking, PER_REQUEST)) {
    signal?.throwIfAborted();
    const wants = wantsOf(options, batch);
    const available: Available[] = [];
    for (const answer of checkAnswers(wants, await peer.request(volset, wants))) {
      if (answer.answer === 'absent') done.absent.push(answer.id);
      else if (answer.answer === 'declined') done.declined.push(refusalOf(answer));
      else available.push(answer);
    }
    for (const { transfer, items } of byTransfer(available)) await downloadOne(options, transfer, items, done);
  }
  return done;
}

function wantsOf({ meta, volset }: ClientOptions, ids: SnapshotId[]): Want[] {
  const earlier = new Set<SnapshotId>();
  return ids.map((id) => {
    const want = { id, baseCandidates: candidatesFor(meta, volset, id, earlier) };
    earlier.add(id);
    return want;
  });
}

async function downloadOne(
  { peer, blob, manifest, meta, volset, signal, onProgress }: ClientOptions,
  transfer: Transfer,
  items: Available[],
  done: Downloaded,
): Promise<void> {
  // Quarantine is this process's own: two pulls of the same snapshots do not meet in it.
  await using receiver = await blob.receiver(volset, randomBytes(16).toString('hex'));
  const { snapshots, chunks, bytes } = await receiveBlobDiff(
    {
      receiver,
      manifest,
      volset,
      signal,
      expected: new Set(items.map(({ id }) => id)),
      completeRoot: async (id) => completeRoot(meta, volset, id),
      commit: (ids) => meta.setBlobs(volset, ids),
      putBody: (body) => putBody(blob, volset, body),
      onProgress,
    },
    await peer.download(transfer),
  );
  if (snapshots.length < items.length) throw new PlaitError('protocol', 'the peer sent less than it had announced');
  done.received.push(...snapshots);
  done.chunks += chunks;
  done.bytes += bytes;
}
