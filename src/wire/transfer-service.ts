/**
 * What the hub needs from the transfer layer, and what the transfer layer needs from the hub: the tokens that it hands
 * out with its answers. Both sides name only this file, so that neither imports the other.
 */
import type { SnapshotId, VolsetId } from '../core/ids.ts';
import type { Offer, OfferAnswer, OfferSender, PartAnswer, Share, Want, WantAnswer } from '../core/peer.ts';

/** Rights of a bearer token. `append` adds generations and blobs, `write` also moves refs and makes volsets. */
export type Right = 'read' | 'append' | 'write' | 'delete' | 'admin';
export const RIGHTS: readonly Right[] = ['read', 'append', 'write', 'delete', 'admin'];

/** Who asks, as far as this volset goes. */
export interface Caller {
  /** Id of the bearer token; `anonymous` on a hub without tokens. Owner of quarantine rows and transfer tokens. */
  owner: string;
  /** The token's label, for the log and for owner fields. */
  label: string;
  can(right: Right): boolean;
}

/** What a transfer token says. Bound to its owner as well: a stolen one is of no use to another bearer. */
export interface TransferClaims {
  volset: VolsetId;
  direction: 'up' | 'down';
  /** 32 lower-case hex digits (isRandomId); the last part of the transfer's URL. */
  uploadId: string;
  /** Oldest first; at most MAX_TRANSFER_SNAPSHOTS (wire/limits.ts), so that the token fits into a header. */
  snapshots: SnapshotId[];
  base: SnapshotId | null;
  owner: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface TransferTokens {
  sign(claims: TransferClaims): string;
  /** Throws `forbidden` for a forged, foreign or expired token. */
  verify(token: string): TransferClaims;
}

/** For metrics: what there is now, and what has been since the start. */
export interface TransferStats {
  openUploads: number;
  /** Bytes. */
  quarantineBytes: number;
  parts: number;
  /** Objects that came as deltas: decoded here, and those that had to come again. */
  deltas: number;
  lacking: number;
  /** Numbers of senders' blobs. */
  sealed: number;
}

/** One that moves: for people who look at a hub. */
export interface OpenTransferView {
  uploadId: string;
  direction: 'up' | 'down';
  volset: VolsetId;
  /** Id of the bearer's token, as in the claims. */
  owner: string;
  snapshots: number;
  /** Encoded ones that have passed so far. */
  bytes: number;
  /** When it was agreed upon, and when something last passed: milliseconds since the epoch. */
  since: number;
  used: number;
}

/** Path to put into `url` of an answer: relative to the hub, so that it holds behind any proxy. */
export const transferPath = (uploadId: string): string => `/v1/transfers/${uploadId}`;

/**
 * The hub has checked before each call: the volset exists, the caller may (read for requests and downloads, append or
 * write for offers and uploads), the transfer token is genuine, unexpired, the caller's own and for this direction.
 */
export interface TransferService {
  answerOffers(volset: VolsetId, offers: Offer[], caller: Caller, sender?: OfferSender): Promise<OfferAnswer[]>;
  answerRequests(volset: VolsetId, wants: Want[], caller: Caller): Promise<WantAnswer[]>;
  /** `ids` is n x 32 raw bytes, n <= 4096; one byte each in the answer, 1 = held for this upload. */
  have(claims: TransferClaims, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array>;
  /**
   * Takes one part of an upload; several at once. What it answers for is durable. What came of a part that failed stays
   * in quarantine. `signal` aborts when the client goes away or the hub stops.
   */
  receive(claims: TransferClaims, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<PartAnswer>;
  /** Remembers, for a download to come, what the client holds: n x 8 bytes, the beginnings of ids. */
  hold(claims: TransferClaims, kind: 0 | 1, prefixes: Uint8Array): Promise<void>;
  /** A failure before the first piece becomes an error answer, one after it cuts the stream (no trailer). */
  send(claims: TransferClaims, signal: AbortSignal, share?: Share): AsyncIterable<Uint8Array>;
  stats(): TransferStats;
  /** Transfers of which something passed within the last minute and that are not over; those that moved last first. */
  open?(): OpenTransferView[];
  /** Of these volsets' packs, and what is left on the disk; opens the index, so that it also tells that this can be done. */
  space?(volsets: VolsetId[]): Promise<{ freeBytes: number; storedBytes: Record<VolsetId, number> }>;
  /** Ends what it keeps open; unfinished uploads stay in quarantine. */
  close(): Promise<void>;
}
