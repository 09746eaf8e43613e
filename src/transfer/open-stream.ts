/** The upload stream of a transfer that a peer has agreed to. */
import { PlaitError } from '../core/errors.ts';
import type { Transfer } from '../core/peer.ts';
import type { DrainOptions } from './drain-types.ts';
import { completeRoot } from './negotiation.ts';
import type { Have } from './select.ts';
import { type Outgoing, sendEntries, type TransferStep } from './send.ts';
import type { SendMeter } from './send-meter.ts';
import { type StreamItem, UploadStream } from './upload-stream.ts';

export interface Agreed {
  transfer: Transfer;
  items: StreamItem[];
  /** The peer holds nothing of this volset: there is no use in asking. */
  empty: boolean;
  deltas: boolean;
  meter: SendMeter;
  onChunks: (chunks: number) => void;
}

export function openStream(
  options: DrainOptions,
  { transfer, items, empty, deltas, meter, onChunks }: Agreed,
): UploadStream {
  const { blob, manifest, meta, volset, peer, signal } = options;
  const reader = blob.reader(volset);
  const outgoing = items.map(({ id, base, body }): Outgoing => {
    return { id, body, base: base === null ? null : { id: base, root: completeRoot(meta, volset, base) } };
  });
  const ask: Have = async (kind, ids) => {
    try {
      const held = await peer.have(volset, transfer, kind, ids);
      if (held.byteLength === ids.byteLength / 32) return held;
      throw new PlaitError('protocol', 'the peer answered about other objects');
    } catch (error) {
      stream.asking = true;
      throw error;
    }
  };
  const have = empty ? undefined : ask;
  // Bytes and snapshots are told when the peer has them.
  const onProgress = (step: TransferStep): void => {
    meter.take(step);
    const { chunks } = step;
    if (!chunks) return;
    onChunks(chunks);
    options.onProgress?.({ chunks, totalBytes: meter.totalBytes });
  };
  const entries = sendEntries({ reader, manifest, have, deltas, signal, onProgress }, outgoing);
  const stream = new UploadStream({ volset, transfer, items, entries, reader, partBytes: options.partBytes });
  return stream;
}
