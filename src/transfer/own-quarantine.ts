/** Where a download lands, and what an earlier one left there. */
import { createHash, randomBytes } from 'node:crypto';
import type { BlobReceiver, BlobStore } from '../blob/contract.ts';
import { PlaitError } from '../core/errors.ts';
import type { InstallId, VolsetId } from '../core/ids.ts';
import type { Peer, Transfer } from '../core/peer.ts';
import { MAX_HELD_IDS } from '../wire/limits.ts';

/** Of one peer and volset: what one peer sent is not told to another. */
const placeOf = (peer: InstallId, volset: VolsetId): string =>
  `down-${createHash('sha256').update(`${peer} ${volset}`).digest('hex').slice(0, 32)}`;

/** Goes on where a download from this peer was cut; has a place of its own where another process is at it. */
export async function openOwnQuarantine(blob: BlobStore, volset: VolsetId, peer: InstallId): Promise<BlobReceiver> {
  const place = placeOf(peer, volset);
  const left = blob.unfinished(volset, '').filter((id) => id.startsWith(place));
  for (const id of new Set([...left, place])) {
    try {
      return await blob.receiver(volset, id);
    } catch (error) {
      if (!(error instanceof PlaitError) || error.code !== 'busy') throw error;
    }
  }
  return blob.receiver(volset, `${place}-${randomBytes(8).toString('hex')}`);
}

const PREFIX_BYTES = 8;

/** Tells the peer what need not be sent; false when there is nothing. */
export async function tellHeld(peer: Peer, transfer: Transfer, receiver: BlobReceiver): Promise<boolean> {
  if (receiver.bytes === 0) return false;
  for (const kind of [1, 0] as const) {
    for (const prefixes of prefixesOf(receiver.heldIds(kind))) await peer.hold(transfer, kind, prefixes);
  }
  return true;
}

function* prefixesOf(ids: Iterable<Uint8Array>): Generator<Uint8Array> {
  let batch = Buffer.allocUnsafe(MAX_HELD_IDS * PREFIX_BYTES);
  let size = 0;
  for (const id of ids) {
    batch.set(id.subarray(0, PREFIX_BYTES), size);
    size += PREFIX_BYTES;
    if (size < batch.length) continue;
    yield batch;
    batch = Buffer.allocUnsafe(batch.length);
    size = 0;
  }
  if (size > 0) yield batch.subarray(0, size);
}
