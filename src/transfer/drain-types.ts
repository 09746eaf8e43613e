/** What draining a queue takes and gives. */
import type { BlobStore } from '../blob/contract.ts';
import type { Manifest } from '../blob/manifest/contract.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { Declined, OfferSender, Peer } from '../core/peer.ts';
import type { MetaStore } from '../meta/contract.ts';
import type { TransferStep } from './send.ts';

export interface DrainOptions {
  peer: Peer;
  blob: BlobStore;
  manifest: Manifest;
  meta: MetaStore;
  volset: VolsetId;
  /** Name of the remote whose queue it is; items of others are not looked at. */
  remote: string;
  /** Whose numbers go with the offers, and which of them never come; absent: nothing is numbered (ephemeral stores). */
  sender?: OfferSender;
  /** Tried whatever their `notBefore` says, once each. Others are tried when their time has come. */
  insist?: Iterable<SnapshotId>;
  /** Parts in flight; default 4, at most 16. */
  parallel?: number;
  /** Where a part ends; default PART_BYTES. */
  partBytes?: number;
  signal?: AbortSignal;
  onProgress?: (step: TransferStep) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** In [0,1), for the jitter of waits. */
  random?: () => number;
}

export interface Drained {
  /** Durable at the peer because of this call. */
  sent: SnapshotId[];
  /** Were complete there. */
  held: SnapshotId[];
  /** Refused by the peer: with a code, to be tried later; without, dead. */
  declined: Pick<Declined, 'id' | 'reason' | 'code'>[];
  /** Not sent: missing or damaged here, or of no use to the peer; dead now but for `protocol`, which is tried later. */
  failed: { id: SnapshotId; code: ErrorCode; message: string }[];
  /** Chunks sent. */
  chunks: number;
  /** Bytes of encoded blocks and deltas sent. */
  bytes: number;
}
