/**
 * A peer store as a sync session sees it: over HTTP (src/remote) or, later, opened in process. Nothing that it answers
 * is trusted before it was checked; the checks stand with whoever consumes the answer (stage, verify, apply).
 */
import type { BranchId, GenerationHash, SnapshotId, StoreId, VolsetId } from './ids.ts';
import type { AnyRecord, Generation, Ref, SnapshotBody, Vector } from './records.ts';

export interface PeerVolset {
  id: VolsetId;
  name: string;
  branches: { id: BranchId; name: string; tip: SnapshotId | null }[];
}

export interface DeltasAsk {
  self: StoreId;
  vector: Vector;
  /** The peer's ref revision that we know, 0 = none. */
  knownRevision: number;
  /**
   * Points of our chains of stores whose histories forked: generation and hash, sparser towards the first. The peer
   * answers from the last point that is on its own chain as well. Given after a refusal with reason `fork`.
   */
  chains?: Record<StoreId, ChainPoint[]>;
}

export type ChainPoint = [generation: number, hash: GenerationHash];

/** Who hands over generations, for the list of members. */
export interface Sender {
  /** Host name unless configured. */
  label: string;
  /** What it holds: nothing at or below this is kept for it any more. */
  vector: Vector;
}

export interface DeltasAnswer {
  /** Parents first. Must be drained before `trailer` is read. */
  generations: AsyncIterable<Generation>;
  refs: Ref[];
  /** Resolves at the end of the stream; rejects (`protocol`) when it was truncated. */
  trailer: () => Promise<{ vector: Vector; revision: number; generations: number }>;
}

export interface Offer {
  id: SnapshotId;
  body: SnapshotBody;
  /**
   * Upper bounds for the data of this snapshot sent whole: stored (compressed) bytes, so that the answerer can tell
   * whether they fit, and chunks, for progress. With a base far less may come.
   */
  bytes: number;
  chunks: number;
  /** Snapshots whose blob the offerer holds, nearest first, exponentially sparser towards the root; <= 64. */
  baseCandidates: SnapshotId[];
}

export interface Transfer {
  /** Same origin as the peer. */
  url: string;
  /** Transfer token: bound to volset, snapshots, base, direction, upload id and expiry. */
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export type OfferAnswer =
  | { id: SnapshotId; answer: 'have' }
  | Declined
  /**
   * Snapshots wanted with the same url go in one stream, oldest first; `base` may be one of those sent before it.
   * `empty`: the peer holds nothing of this volset that could be left out, so there is no use in asking `have`.
   */
  | ({ id: SnapshotId; answer: 'want'; base: SnapshotId | null; empty?: true } & Transfer);

export interface Declined {
  id: SnapshotId;
  answer: 'declined';
  /** For people. */
  reason: string;
  /** For programs, where the table of errors has a word for it. */
  code?: 'no-space' | 'quota';
}

export interface Want {
  id: SnapshotId;
  baseCandidates: SnapshotId[];
}

export type WantAnswer =
  | { id: SnapshotId; answer: 'absent' }
  | Declined
  | ({ id: SnapshotId; answer: 'available'; base: SnapshotId | null; bytes: number } & Transfer);

export interface RefMove {
  branch: BranchId;
  from: SnapshotId | null;
  to: SnapshotId;
}

export interface Traffic {
  requests: number;
  /** Body bytes. */
  sent: number;
  received: number;
}

export interface Peer extends AsyncDisposable {
  readonly url: string;
  /** Who answered; undefined before the first answer. A change within one session throws `identity`. */
  readonly identity: StoreId | undefined;
  readonly traffic: Traffic;
  listVolsets(): Promise<PeerVolset[]>;
  /** Makes the volset there if the token may; `exists` when the name belongs to another id. */
  createVolset(volset: { id: VolsetId; name: string }): Promise<void>;
  /** Throws `not-found` when the volset is not there. */
  deltas(volset: VolsetId, ask: DeltasAsk): Promise<DeltasAnswer>;
  /** Idempotent. Answers with the peer's vector afterwards. */
  sendGenerations(
    volset: VolsetId,
    generations: Iterable<Generation> | AsyncIterable<Generation>,
    sender: Sender,
  ): Promise<{ vector: Vector }>;
  /**
   * Of a store that never cuts (a CI job): the peer logs those of `records` that it lacks in a generation of its own.
   * Parents first. Idempotent. Answers with the peer's vector afterwards; deltas then bring the generation.
   */
  handOver(volset: VolsetId, records: AnyRecord[]): Promise<{ vector: Vector }>;
  /**
   * Compare-and-swap of the peer's refs, all or none; `moved: false` with its present refs when one had moved, is no
   * fast-forward or its data is not there (`reason`, for people).
   */
  moveRefs(
    volset: VolsetId,
    moves: RefMove[],
  ): Promise<{ moved: boolean; refs: Ref[]; revision: number; reason?: string }>;
  offer(volset: VolsetId, offers: Offer[]): Promise<OfferAnswer[]>;
  request(volset: VolsetId, wants: Want[]): Promise<WantAnswer[]>;
  /** Which of `ids` (n x 32 raw bytes, n <= 4096) the peer holds for this upload: one byte each, 1 = held. */
  have(volset: VolsetId, transfer: Transfer, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array>;
  /** Streams a blob diff. Answers with what became visible there. */
  upload(transfer: Transfer, body: AsyncIterable<Uint8Array>): Promise<{ snapshots: SnapshotId[] }>;
  download(transfer: Transfer): Promise<AsyncIterable<Uint8Array>>;
}
