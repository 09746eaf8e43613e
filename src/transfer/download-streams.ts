/** One transfer from a peer: a stream, or several at once that together are one, into one receiver. */
import type { ObjectRef } from '../blob/contract.ts';
import type { PlaitError } from '../core/errors.ts';
import type { SnapshotId } from '../core/ids.ts';
import type { Share, Transfer } from '../core/peer.ts';
import { type DiffEvent, readBlobDiff } from './blob-diff.ts';
import { bad, type DiffLimits } from './diff-format.ts';
import { IntakeBudget } from './intake.ts';
import type { ClientOptions } from './negotiation.ts';
import { completeRoot } from './negotiation.ts';
import { putBody } from './put-body.ts';
import { receiveEvents } from './receive.ts';
import type { SharedReceiver } from './shared-receiver.ts';

export interface StreamOptions extends Pick<ClientOptions, 'peer' | 'blob' | 'manifest' | 'meta' | 'volset'> {
  receiver: SharedReceiver;
  transfer: Transfer;
  expected: ReadonlySet<SnapshotId>;
  limits: DiffLimits;
  /** How many streams. */
  of: number;
  commit: (snapshots: SnapshotId[]) => void;
  onLacking: (refs: ObjectRef[]) => void;
  onIncomplete: (id: SnapshotId, error: PlaitError) => void;
  signal?: AbortSignal | undefined;
  onProgress: NonNullable<ClientOptions['onProgress']>;
}

/** Bytes of all streams that are on their way through the engine. */
const INTAKE_BYTES = 64 * 1024 * 1024;

/** One that fails does not stop the others: what they bring is kept, and need not come again. */
export async function downloadStreams(options: StreamOptions): Promise<void> {
  const { of } = options;
  const budget = new IntakeBudget(INTAKE_BYTES);
  if (of === 1) return takeShare(options, budget, undefined);
  const others = Array.from({ length: of - 1 }, (_, n) => takeShare(options, budget, { index: n + 1, of }));
  // Markers stand in the first stream and need what the others bring.
  const before = Promise.all(others).then(() => undefined);
  before.catch(() => undefined);
  const first = takeShare(options, budget, { index: 0, of }, before);
  const ended = await Promise.allSettled([first, ...others]);
  const failed = ended.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}

async function takeShare(
  options: StreamOptions,
  budget: IntakeBudget,
  share: Share | undefined,
  before?: Promise<void>,
): Promise<void> {
  const { peer, blob, manifest, meta, volset, receiver, transfer, expected, limits, signal, onProgress } = options;
  const blocksOnly = share !== undefined && share.index > 0;
  const events = readBlobDiff(await peer.download(transfer, share), limits);
  await receiveEvents(
    {
      receiver,
      manifest,
      volset,
      expected,
      parts: blocksOnly,
      budget,
      completeRoot: async (id) => completeRoot(meta, volset, id),
      commit: options.commit,
      putBody: (bytes) => putBody(blob, volset, bytes),
      onLacking: options.onLacking,
      onIncomplete: options.onIncomplete,
      onProgress,
      ...(before && { before }),
      ...(signal && { signal }),
    },
    blocksOnly ? onlyBlocks(events) : events,
  );
}

/** A marker beside the stream that has them would be believed before all has come. */
async function* onlyBlocks(events: AsyncIterable<DiffEvent>): AsyncGenerator<DiffEvent> {
  for await (const event of events) {
    const fits = event.entry === 'header' || event.entry === 'block' || event.entry === 'trailer';
    if (!fits) throw bad('markers or deltas in a stream that has none');
    yield event;
  }
}
