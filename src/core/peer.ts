/**
 * A peer store as a sync session sees it: over HTTP, or opened in process. Nothing that it answers
 * is trusted before it was checked; the checks stand with whoever consumes the answer (stage, verify, apply).
 */
import type { BranchId, GenerationHash, SnapshotId, StoreId, VolsetId } from './ids.ts';
import type { Interval } from './intervals.ts';
import type { AnyRecord, Generation, Ref, SnapshotBody, Vector } from './records.ts';

export interface PeerVolset {
  id: VolsetId;
  name: string;
  branches: { id: BranchId; name: string; tip: SnapshotId | null }[];
}

export interface DeltasAsk {
  self: StoreId;
  vector: Vector;
  /** Up to which of the peer's revisions we know its refs, 0 = none. */
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
  trailer: () => Promise<{
    vector: Vector;
    revision: number;
    generations: number;
    /** Of the asker's blob numbers: those that the peer holds durably, or was told that they do not come. */
    sealed: Interval[];
    /** The largest number of a blob there: when it has grown, the peer holds more than before, though no ref moved. */
    blobs?: number;
    /**
     * The token does not let us read, but append, or write: of vector and generations only what is our own, no refs, and
     * no revision (0).
     */
    partial?: 'append' | 'write';
  }>;
}

/**
 * How far a store is with a volset. `revision`: its place in the order in which that store learned things of the volset,
 * generations and changes of its own refs alike; rises with each, starts at 1, and means something to that store with
 * that epoch only.
 */
export interface Head {
  revision: number;
  /** The largest number of a blob there, 0 = none. */
  blobs: number;
}

/**
 * A store's revisions right before and right after what one request wrote, told where all that got one in between was
 * in the request: who knows the store up to the first knows it up to the second.
 */
export type Stretch = [before: number, after: number];

/** The store at one instant: all changes up to `revision` have come before it in the feed. */
export interface Mark extends Head {
  vector: Vector;
}

/** One transaction of a store, in its order. A ref that moved again meanwhile shows up once, at its last revision. */
export type Change = { revision: number } & ({ generation: Generation } | { ref: Ref });

export type FeedItem = Change | { mark: Mark };

export interface FeedAsk {
  /** Changes behind this revision; absent: from now on. */
  after?: number;
  /** Who told that revision, with its epoch; another one answers `identity`. */
  store?: StoreId;
}

/** The deltas stream left open. */
export interface Feed extends AsyncDisposable {
  /** Where the feed begins: `after`, or the store's revision when it was opened. */
  readonly after: number;
  /** The store's revision when it was opened. */
  readonly head: number;
  /**
   * Changes in ascending order, each after `after`; a mark when all that there is has come, whenever that becomes true
   * again, and every 10 s. Ends without an error when the hub stops; rejects with `network` when it was cut or no byte
   * came for 30 s, with `compacted`, `unauthorized` or `forbidden` when that became true meanwhile.
   */
  readonly items: AsyncIterable<FeedItem>;
}

/** All volsets that we may read: those there are first, then each whenever it moves. `head: null`: not to be seen any more. */
export interface HeadFeed extends AsyncDisposable {
  /** `{mark: true}` after the first round and every 10 s. Ends and fails like the feed of one volset. */
  readonly items: AsyncIterable<{ volset: VolsetId; head: Head | null } | { mark: true }>;
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
  /** The offerer's number of this blob; the peer seals it once it holds it durably. */
  number?: number;
}

/** Whose numbers stand in the offers, and which of them will never be offered. */
export interface OfferSender {
  self: StoreId;
  /** Numbers whose blob is gone, came from this very peer, or belongs to no branch any more. */
  missing: Interval[];
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
  /** Waiting does not help: it will be declined whenever it is offered. */
  lasting?: true;
}

export interface Want {
  id: SnapshotId;
  baseCandidates: SnapshotId[];
  /** No deltas, please: one could not be decoded here. */
  plain?: true;
}

/** What a peer kept of one part of an upload, durably. */
export interface PartAnswer {
  /** Complete and visible there now, of those whose marker the part held. */
  snapshots: SnapshotId[];
  /** Came as deltas whose base is not there, or which did not give the bytes of their id: to be sent plainly. */
  lacking: { kind: 0 | 1; id: string }[];
}

/** One of `of` parallel streams of a download: the blocks that fall to it; nodes, deltas and markers are in share 0. */
export interface Share {
  index: number;
  of: number;
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

/** What the bearer of a token may do at a peer, as far as it says. */
export interface PeerRights {
  can: ('read' | 'append' | 'write' | 'delete' | 'admin')[];
  /** Null: all. */
  volset: VolsetId | null;
}

export interface Peer extends AsyncDisposable {
  readonly url: string;
  /** Who answered; undefined before the first answer. A change within one session throws `identity`. */
  readonly identity: StoreId | undefined;
  readonly traffic: Traffic;
  listVolsets(): Promise<PeerVolset[]>;
  /** What we may do there. */
  rights(): Promise<PeerRights>;
  /**
   * Which of these blobs (<= 4096) the peer holds whole and promises to keep for an hour at least, unless somebody there
   * forces it: proof that ours may go.
   */
  holds(volset: VolsetId, ids: SnapshotId[]): Promise<SnapshotId[]>;
  /** Makes the volset there if the token may; `exists` when the name belongs to another id. */
  createVolset(volset: { id: VolsetId; name: string }): Promise<void>;
  /** Throws `not-found` when the volset is not there. */
  deltas(volset: VolsetId, ask: DeltasAsk): Promise<DeltasAnswer>;
  /**
   * Follows one volset. Throws `compacted` where the log behind `after` was thinned out (take a state), `ahead` where
   * `after` lies in the peer's future (it went back), `identity` where another store answers than the one named.
   */
  changes(volset: VolsetId, ask: FeedAsk): Promise<Feed>;
  /**
   * All of it, as the deltas of an asker who holds nothing. At or after revision `min`; `behind` where the peer is not
   * there within a few seconds.
   */
  state(volset: VolsetId, min: number): Promise<DeltasAnswer>;
  /** Follows all volsets, but for what changes in them. */
  heads(): Promise<HeadFeed>;
  /** Idempotent. Answers with the peer's vector afterwards. */
  sendGenerations(
    volset: VolsetId,
    generations: Iterable<Generation> | AsyncIterable<Generation>,
    sender: Sender,
  ): Promise<{ vector: Vector; revisions?: Stretch }>;
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
  ): Promise<{ moved: boolean; refs: Ref[]; revision: number; revisions?: Stretch; reason?: string }>;
  /** `sender`: absent where the offerer numbers nothing (ephemeral stores). */
  offer(volset: VolsetId, offers: Offer[], sender?: OfferSender): Promise<OfferAnswer[]>;
  request(volset: VolsetId, wants: Want[]): Promise<WantAnswer[]>;
  /** Which of `ids` (n x 32 raw bytes, n <= 4096) the peer holds for this upload: one byte each, 1 = held. */
  have(volset: VolsetId, transfer: Transfer, kind: 0 | 1, ids: Uint8Array): Promise<Uint8Array>;
  /**
   * One part of an upload, a whole blob diff in memory (1 to 2 MiB); any number of parts, several at once. Resolves
   * when all of it is durable there. Safe to repeat, and repeated where the network fails: then with what `rest` says,
   * since much of it may have arrived.
   */
  upload(transfer: Transfer, part: Uint8Array[], rest?: () => Promise<Uint8Array[]>): Promise<PartAnswer>;
  /**
   * Before a download: what we hold already of an earlier try, as the first 8 bytes of each id (n x 8, n <= 16384).
   * May be called several times; what the peer forgets of it is sent again.
   */
  hold(transfer: Transfer, kind: 0 | 1, prefixes: Uint8Array): Promise<void>;
  download(transfer: Transfer, share?: Share): Promise<AsyncIterable<Uint8Array>>;
}
