/**
 * Contract of the metadata store. Methods are coarse and synchronous, each is one transaction; arguments and results
 * are plain data, so that a hub can run the store on a worker thread (`Async<MetaStore>`). test/conformance/meta.ts is
 * what every engine must pass.
 */
import type { Lineage } from '../core/ancestry.ts';
import type { Choice, Conflict } from '../core/conflict.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { BranchId, ConflictId, InstallId, SnapshotId, StoreId, VolsetId } from '../core/ids.ts';
import type { Interval } from '../core/intervals.ts';
import type { ChainPoint, Change, Head, Mark } from '../core/peer.ts';
import type { Policy } from '../core/reconcile.ts';
import type {
  AnyRecord,
  Generation,
  ObjectKey,
  Ref,
  RegisterKey,
  SnapshotBody,
  Stamp,
  Vector,
} from '../core/records.ts';
import type { Selection } from '../core/selection.ts';

export interface Self {
  install: InstallId;
  epoch: number;
  store: StoreId;
  /** Host name unless configured. */
  label: string;
  /** Never cuts: hands its records over and lets the other store log them (CI jobs). Set when the store is made. */
  ephemeral: boolean;
}

/** Fields of an object as its heads show them. */
export interface Fields {
  name: string | null;
  description: string | null;
  owner: string | null;
  creator: string | null;
  attrs: Record<string, string>;
}

export interface VolsetView extends Fields {
  id: VolsetId;
  /** Stamp of the write that gave the name, '' without one: of several with one name the first shows it. */
  named: Stamp;
  branches: number;
  snapshots: number;
}

export interface BranchView {
  id: BranchId;
  /** Shown name: unique within the volset (core/names, derived on collision). */
  name: string;
  /** This store's own ref. */
  tip: SnapshotId | null;
}

export interface SnapshotView extends Fields {
  id: SnapshotId;
  body: SnapshotBody;
  /** Its blob is complete in this store. */
  hasBlob: boolean;
}

/** One edit of metadata. Several make one transaction and, later, part of one generation. */
export type Edit =
  | { edit: 'create-volset'; name: string; creator: string }
  | { edit: 'set'; register: RegisterKey; value: string | null }
  | { edit: 'create-branch'; branch: BranchId; name: string; creator: string }
  | { edit: 'snapshot'; id: SnapshotId; body: SnapshotBody; blob: boolean }
  /** A tombstone. Of a volset: of all its live branches as well. */
  | { edit: 'delete'; object: ObjectKey }
  /** Settles a conflict: writes the chosen value where another stands, and `conflict:ID:resolved`. */
  | { edit: 'resolve'; conflict: ConflictId; choice: Choice }
  /** Compare-and-swap of this store's own ref; `from` must be its present tip (null: none yet), else `not-fast-forward`. */
  | { edit: 'move-ref'; branch: BranchId; from: SnapshotId | null; to: SnapshotId };

/** What a deltas answer will contain, fixed at one instant; its rows are then paged by position. */
export interface DeltasPlan {
  volset: VolsetId;
  /** Of the answering store at that instant. */
  vector: Vector;
  /** Its revision (core/peer, Head) at that instant. */
  revision: number;
  /** Refs changed since the asker's known revision. */
  refs: Ref[];
  /** Generations that follow, in learning order. */
  generations: number;
  /** Opaque; hand back to readDeltas. */
  cursor: string;
}

/** Numbers alone do not tell generations of forked chains apart. */
export interface PackedGeneration extends Pick<Generation, 'store' | 'generation' | 'hash'> {
  volset: VolsetId;
}

/** A stretch of the feed. */
export interface ChangesPage {
  /** Ascending by revision, at least one unless `mark` is there. */
  changes: Change[];
  /** Of the last change: where the next page begins. Without changes: as asked. */
  revision: number;
  /** Nothing came behind these changes: the store as of the same instant. */
  mark?: Mark;
}

export interface DeltasPage {
  generations: Generation[];
  /** Absent: that was all. */
  cursor?: string;
}

/**
 * One staged and verified round from a peer, to be applied in one transaction. A long one may be cut into several, in
 * order; `refs`, `revision` and `vector` come with the last.
 */
export interface Round {
  peer: StoreId;
  generations: Generation[];
  /** The peer's refs and the revision they bring us to; absent when generations came without refs (push at a hub). */
  refs?: Ref[];
  revision?: number;
  /** The peer's vector as its trailer claimed it. */
  vector?: Vector;
  /**
   * Which value stands where both sides changed a field. With it this store reconciles: where the choice is not the
   * head already it adds one resolution write. Absent (push at a hub): rivals are recorded, nothing is chosen; only a
   * branch whose snapshots nobody who deleted it had seen is kept by a write.
   */
  policy?: Policy;
  /** Label of the peer, for the list of members. */
  label?: string;
  /** What the peer is known to hold, where it said so with a push. */
  held?: Vector;
  /** Share of our live branches that the round may delete, 0..1; more throws `guard`. Default 1. */
  maxDelete?: number;
  /** Decides and answers all of it, then rolls back. */
  dryRun?: boolean;
  /** Answer with the branches, too: it takes a look at each. */
  withBranches?: boolean;
  /**
   * Brings nothing, and nothing changed here since a round like it was found to change nothing: only the peer's time as
   * a member is noted. Refused with generations or refs in it.
   */
  quiet?: boolean;
}

export interface Applied {
  /** New generations taken in. */
  generations: number;
  snapshots: SnapshotId[];
  /** Recorded by this round for the first time, names that collide included. */
  conflicts: Conflict[];
  /** Objects that this round deleted here, and that it brought back. */
  deleted: ObjectKey[];
  revived: ObjectKey[];
  /** Registers whose head here is another now. */
  changed: RegisterKey[];
  /** Resolution and revival writes that this store added, cut in the same transaction. */
  written: number;
  /** One item that could not be taken as meant (a tombstone of a single snapshot); the rest went through. */
  problems: { object: ObjectKey; message: string }[];
  /** Our vector afterwards. */
  vector: Vector;
  /** Branches as they show afterwards, where the round asks for them. */
  branches?: BranchView[];
}

/** What a round would mean, asked before it is applied. Reads only. */
export interface Inspection {
  /** Stores whose generations here and there part, and where from is not told: ask again with `chainPoints`. */
  forked: StoreId[];
  /** Generations that the peer held at the last contact (`told`) and lacks now. */
  lost: number;
}

/** How soon an item of the queue goes: 2 = high (tips asked for by name), 1 = medium (other tips), 0 = low (history). */
export type Priority = 0 | 1 | 2;

/** One snapshot's blob that is to go to a remote. Of a (remote, volset, snapshot) there is one. */
export interface QueueItem {
  /** Order of acceptance in this store; never used again. */
  n: number;
  remote: string;
  volset: VolsetId;
  snapshot: SnapshotId;
  priority: Priority;
  /** Tries that ended with `retry`. */
  attempts: number;
  /** Milliseconds since the epoch before which nobody but an explicit push tries again; 0 = at once. */
  notBefore: number;
  /** Milliseconds since the epoch. */
  added: number;
  /** Why it is dead (`missing`, `rejected`) or what the last try met; absent: nothing yet. */
  error?: { code: ErrorCode; message: string };
  dead: boolean;
}

/** What became of an item. Only `durable` and `notWanted` remove it because it is done; `cancelled` by a user's word. */
export type Outcome =
  | { snapshot: SnapshotId; outcome: 'durable' | 'notWanted' | 'cancelled' }
  | { snapshot: SnapshotId; outcome: 'missing' | 'rejected'; error: NonNullable<QueueItem['error']> }
  | { snapshot: SnapshotId; outcome: 'retry'; error: NonNullable<QueueItem['error']>; notBefore: number };

export interface QueueFilter {
  remote?: string;
  volset?: VolsetId;
  snapshots?: SnapshotId[];
  dead?: boolean;
}

/** A sender's numbers: its own, or as a receiver keeps them for it. */
export interface SealKey {
  volset: VolsetId;
  /** With its epoch: another epoch has numbers of its own. */
  sender: StoreId;
  /** The bearer under whom it spoke: nobody seals for somebody else. */
  owner: string;
}

export interface NumberedBlob {
  number: number;
  snapshot: SnapshotId;
  /** Install id of the peer from which the blob came; null: made here, or imported. */
  from: InstallId | null;
}

export interface Member {
  store: StoreId;
  label: string;
  /** Milliseconds since the epoch. */
  lastSeen: number;
  state: 'active' | 'retired';
}

export interface RemoteConfig {
  name: string;
  url: string;
  /** Who answered there last; another identity stops the session (exit 16). */
  identity?: StoreId;
  /** Volset followed there, once known. */
  volset?: VolsetId;
  volsetName?: string;
  /** Kept from `clone` or `remote set-selection`. */
  selection?: Selection;
  enabled: boolean;
  tokenFile?: string;
  ca?: string;
}

/** What we remember of a peer, per volset. */
export interface PeerState {
  install: InstallId;
  epoch: number;
  /** Its ref revision that we know. */
  revision: number;
  /** Its vector at the last contact. */
  vector: Vector;
  /** What both sides said when a session last found nothing to do, as its mark (src/sync/quiet.ts). */
  settled: string | null;
  /** Milliseconds since the epoch of the last successful session. */
  lastSync: number | null;
}

export interface PeerChange extends Partial<Omit<PeerState, 'install'>> {
  /** Agreed tips ("initial"); those not named stay as they are. */
  initial?: Record<BranchId, SnapshotId>;
}

/** A bearer token; only its SHA-256 is stored. */
export interface TokenRow {
  id: string;
  hash: string;
  label: string;
  /** '*' or one volset id. */
  volset: string;
  can: string[];
  created: number;
  expires: number | null;
  revoked: boolean;
}

export interface MetaStore extends Disposable {
  readonly self: Self;

  listVolsets(): VolsetView[];
  findVolset(volset: VolsetId): VolsetView | undefined;
  listBranches(volset: VolsetId): BranchView[];
  findBranch(volset: VolsetId, branch: BranchId): BranchView | undefined;
  /** Names that branches have, or had when they were deleted; unique or not. Unknown ones are left out. */
  branchNames(volset: VolsetId, branches: BranchId[]): Record<BranchId, string>;
  findSnapshot(volset: VolsetId, id: SnapshotId): SnapshotView | undefined;
  /** Ids that start with `prefix` (>= 1 hex digit), at most `limit`. */
  snapshotsByPrefix(volset: VolsetId, prefix: string, limit: number): SnapshotId[];
  snapshotsByName(volset: VolsetId, name: string): SnapshotId[];
  /** Parents of each that is known, in one read. */
  parentsOf(volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, SnapshotId[]>;
  /** The same with depth and jump: what the walks of core/ancestry and core/candidates page through, O(change). */
  lineage(volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, Lineage>;
  /** Snapshots without a complete blob among `ids` (all, if not given). */
  missingBlobs(volset: VolsetId, ids?: SnapshotId[]): SnapshotId[];
  /** All snapshot ids, oldest first by (created, id); at most `limit` after `after`. */
  snapshotPage(volset: VolsetId, after: SnapshotId | null, limit: number): SnapshotId[];

  /** Applies all edits in one transaction, or none. */
  commit(volset: VolsetId, edits: Edit[]): void;
  /**
   * Their blobs are complete here now; called inside the blob engine's finish/publish. Each new one gets the volset's
   * next number, in the order given (`commit` with `blob: true` numbers likewise). `from`: the peer that sent them.
   * `seal`: in the same transaction, marks these numbers of the sender, as far as their snapshots are among the
   * complete ones now.
   */
  setBlobs(
    volset: VolsetId,
    ids: SnapshotId[],
    options?: { from?: InstallId; seal?: { key: SealKey; numbers: Record<SnapshotId, number> } },
  ): void;

  /** Closes the open generation if it has records. Returns our vector, with hashes. */
  cut(volset: VolsetId): Vector;
  vector(volset: VolsetId): Vector;
  /** As the feed tells it (core/peer, Head); 0: nothing is here that could be told. */
  revision(volset: VolsetId): number;
  /**
   * Throws `integrity` with data `{reason: 'fork', stores}` where histories part and `chains` does not tell since when.
   * Answers for a deleted volset, too: that is how others learn of it.
   */
  planDeltas(
    volset: VolsetId,
    theirs: Vector,
    knownRevision: number,
    chains?: Record<StoreId, ChainPoint[]>,
  ): DeltasPlan;
  readDeltas(volset: VolsetId, cursor: string): DeltasPage;
  /**
   * The next changes behind revision `after`, about 1000 records or 1 MiB. Nothing of what is not cut yet. Throws
   * `compacted` where compaction thinned out what lies behind `after`, `ahead` where `after` is larger than our revision.
   */
  changesAfter(volset: VolsetId, after: number): ChangesPage;
  /** What people see of a volset, and at which revision, in one read. `view` null: deleted, or not known here. */
  viewOf(volset: VolsetId): { revision: number; view: VolsetView | null; branches: BranchView[] };
  /**
   * Of all volsets known here, deleted ones included. Cheap: asked several times a second. Like the feed, it does not show
   * what is not cut: who waits for edits of this store cuts first. `open`: there is something that is not cut, which
   * the other reads show.
   */
  heads(): { volset: VolsetId; head: Head; open: boolean }[];
  /**
   * What stands in the log now stays readable as it is until `until` (milliseconds since the epoch): compaction drops
   * no write whose follower came later. A name that is pinned already keeps its place and gets the new time.
   */
  pin(volset: VolsetId, name: string, until: number): void;
  unpin(name: string): void;
  /** Verifies chains, numbers and parents once more inside the transaction. Idempotent. Creates the volset if unknown. */
  apply(volset: VolsetId, round: Round): Applied;
  /** Before `apply`; `told`: the peer's vector at the last contact. */
  inspect(volset: VolsetId, round: Pick<Round, 'generations' | 'vector'>, told?: Vector): Inspection;
  /** Points of our chain of each store, dense near its end and exponentially sparser towards its beginning. */
  chainPoints(volset: VolsetId, stores: StoreId[]): Record<StoreId, ChainPoint[]>;
  /** Is the volset known here, be it deleted? */
  knowsVolset(volset: VolsetId): boolean;

  /** Of an ephemeral store: its open records, in order. Empty for others. */
  openRecords(volset: VolsetId): AnyRecord[];
  /** At a hub: logs those that it lacks in a generation of its own, cut at once. Idempotent; checks as `apply` does. */
  handOver(volset: VolsetId, peer: StoreId, records: AnyRecord[]): Applied;

  /**
   * Newest first; resolved ones, and those over a field of what is deleted, only with `all`. Names that collide now are
   * among them, derived.
   */
  listConflicts(volset: VolsetId, options?: { all?: boolean }): Conflict[];
  /** Records conflicts found elsewhere than in `apply` (paths of a merge). Idempotent. */
  recordConflicts(volset: VolsetId, conflicts: Conflict[]): void;

  listMembers(volset: VolsetId): Member[];
  /** `not-found` where it is no member. A member that comes back is active again. */
  retireMember(volset: VolsetId, store: StoreId): void;
  /**
   * Drops writes that others follow, as far as all active members hold both (those unseen for `retireAfterMs` are
   * retired first). Their hashes stay. Answers how many were dropped.
   */
  compact(volset: VolsetId, options: { retireAfterMs: number }): { dropped: number; upTo: Vector };

  /** A store's refs as we know them: our own, or what a peer last told us. */
  refs(volset: VolsetId, store: StoreId | 'self'): Ref[];
  /** A hub moves its own refs for a client; each is compare-and-swap, all or none. Branch must exist as an object. */
  moveRefs(
    volset: VolsetId,
    moves: { branch: BranchId; from: SnapshotId | null; to: SnapshotId }[],
  ): { moved: boolean; refs: Ref[]; revision: number };

  /** Generations cut or received that are not yet in a pack (oldest first), and the mark that they are. */
  unpackedGenerations(limit: number): { volset: VolsetId; generation: Generation }[];
  markPacked(packed: PackedGeneration[]): void;

  /** The largest number given to a blob of this volset; 0 = none. Numbers are never used again. */
  blobHead(volset: VolsetId): number;
  /** Complete blobs with numbers in [first, last], ascending, at most `limit`. A number that is not there has no blob any more. */
  numberedBlobs(volset: VolsetId, first: number, last: number, limit: number): NumberedBlob[];
  /** The numbers of these, where they have complete blobs here. */
  blobNumbers(volset: VolsetId, ids: SnapshotId[]): Record<SnapshotId, number>;
  /**
   * New numbers for these, as if they had become complete now: a receiver that was told that they never come is to
   * have them after all. Those without complete blobs are passed over.
   */
  renumber(volset: VolsetId, ids: SnapshotId[]): void;
  /** What is sealed for a sender, ascending. Rows that are damaged count as not sealed. */
  sealed(key: SealKey): Interval[];
  /**
   * Seals numbers whose snapshots are complete here (others are passed over) and those declared missing. One
   * transaction; intervals that touch become one.
   */
  seal(key: SealKey, numbers: Record<SnapshotId, number>, missing: Interval[]): Interval[];

  /**
   * Accepts items, durably, in the order given; answers how many are new. One that is there already keeps its place and
   * takes the higher priority; a dead one lives again.
   */
  enqueue(volset: VolsetId, remote: string, items: { snapshot: SnapshotId; priority: Priority }[], now: number): number;
  /** By priority (high first), then in order of acceptance; at most `limit` after item `after` of the last page. */
  queue(filter: QueueFilter, page?: { limit: number; after?: QueueItem }): QueueItem[];
  queueCounts(filter?: QueueFilter): { remote: string; volset: VolsetId; waiting: number; dead: number }[];
  /** Notes what became of items, all in one transaction; those that are not in the queue are passed over. */
  settle(volset: VolsetId, remote: string, outcomes: Outcome[]): void;
  /** Dead and waiting ones are to be tried at once. Answers how many. */
  requeue(filter: QueueFilter): number;
  /** Takes them out by the user's word. Answers how many. */
  unqueue(filter: QueueFilter): number;

  peer(install: InstallId, volset: VolsetId): PeerState | undefined;
  /** Tips agreed with a peer ("initial"), branch -> snapshot. */
  agreedTips(install: InstallId, volset: VolsetId): Record<BranchId, SnapshotId>;
  /** Writes what is new. Where that is `lastSync` alone, once a minute. */
  updatePeer(install: InstallId, volset: VolsetId, change: PeerChange): void;

  /** Forgets what a peer once told of a volset: its vector, refs and agreed tips. Its records stay. */
  forgetPeer(install: InstallId, volset: VolsetId): void;

  listRemotes(): RemoteConfig[];
  putRemote(remote: RemoteConfig): void;
  /** With its queue. */
  removeRemote(name: string): void;
  /** With its queue, in one transaction. `exists` where the new name is taken, `not-found` without the old one. */
  renameRemote(from: string, to: string): void;
  settings(): Record<string, string>;
  putSetting(key: string, value: string | null): void;
  listTokens(): TokenRow[];
  putToken(token: TokenRow): void;
  revokeToken(id: string): boolean;

  /** Recomputes heads and vectors from records, checks chains and row checksums. One text per fault. */
  verify(): string[];
}
