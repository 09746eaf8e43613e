/**
 * Contract of the metadata store. Methods are coarse and synchronous, each is one transaction; arguments and results
 * are plain data, so that a hub can run the store on a worker thread (`Async<MetaStore>`). test/conformance/meta.ts is
 * what every engine must pass.
 */
import type { Choice, Conflict } from '../core/conflict.ts';
import type { BranchId, ConflictId, GenerationHash, InstallId, SnapshotId, StoreId, VolsetId } from '../core/ids.ts';
import type { Stretch } from '../core/peer.ts';
import type { Generation, ObjectKey, Ref, RegisterKey, SnapshotBody, Vector } from '../core/records.ts';
import type { Selection } from '../core/selection.ts';
import type { MetaFeed } from './contract/feed.ts';
import type { MetaKeeping } from './contract/keeping.ts';
import type { MetaNumbers } from './contract/numbers.ts';
import type { MetaOverview } from './contract/overview.ts';
import type { MetaQueue } from './contract/queue.ts';
import type { MetaRounds } from './contract/rounds.ts';
import type { MetaState, StateMark } from './contract/state.ts';
import type { MetaViews } from './contract/views.ts';

export type { ChangesPage } from './contract/feed.ts';
export type { Refusal, Stamp } from './contract/keeping.ts';
export type { NumberedBlob, SealKey } from './contract/numbers.ts';
export type {
  BlobSize,
  BlobSizes,
  HistoryWish,
  SnapshotFacts,
  VolsetState,
  VolsetSummary,
} from './contract/overview.ts';
export type { Outcome, Priority, QueueFilter, QueueItem } from './contract/queue.ts';
export type { Applied, DeltasPage, DeltasPlan, Inspection, Round } from './contract/rounds.ts';
export type { StateMark, StateToPack } from './contract/state.ts';
export type { BranchView, Fields, SnapshotView, VolsetView } from './contract/views.ts';

export interface Self {
  install: InstallId;
  epoch: number;
  store: StoreId;
  /** Host name unless configured. */
  label: string;
  /** Never cuts: hands its records over and lets the other store log them (CI jobs). Set when the store is made. */
  ephemeral: boolean;
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

/** Numbers alone do not tell generations of forked chains apart. */
export interface PackedGeneration extends Pick<Generation, 'store' | 'generation' | 'hash'> {
  volset: VolsetId;
}

export interface LoggedGeneration {
  position: number;
  hash: GenerationHash;
  /** Said to lie in a pack, or in `log.open`. */
  packed: boolean;
}

export interface Member {
  store: StoreId;
  label: string;
  /** Milliseconds since the epoch. */
  lastSeen: number;
  state: 'active' | 'retired';
  /** Generations here that it lacks; absent where it never said what it holds. */
  behind?: number;
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
  /** Up to which of its revisions (core/peer, Head) we have taken in all there is: where a follower resumes. */
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

export interface MetaStore
  extends Disposable,
    MetaViews,
    MetaOverview,
    MetaRounds,
    MetaFeed,
    MetaNumbers,
    MetaQueue,
    MetaKeeping,
    MetaState {
  readonly self: Self;

  /** Applies all edits in one transaction, or none. */
  commit(volset: VolsetId, edits: Edit[]): void;

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
  ): { moved: boolean; refs: Ref[]; revision: number; revisions: Stretch };

  /** Generations cut or received that are not yet in a pack (oldest first), and the mark that they are. */
  unpackedGenerations(limit: number): { volset: VolsetId; generation: Generation }[];
  markPacked(packed: PackedGeneration[], states?: StateMark[]): void;
  /** Closed generations in the order in which they were learned, a page behind `after`: for comparing with packs. */
  generationPage(volset: VolsetId, after: number, limit: number): LoggedGeneration[];
  /** Those of these that are not in the log here, of this volset or at all. */
  unknownGenerations(volset: VolsetId, generations: Omit<PackedGeneration, 'volset'>[]): GenerationHash[];

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
