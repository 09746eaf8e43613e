/** How the log goes from store to store: what is told to another, and what is taken in from it. */
import type { Conflict } from '../../core/conflict.ts';
import type { SnapshotId, StoreId, VolsetId } from '../../core/ids.ts';
import type { ChainPoint, Stretch } from '../../core/peer.ts';
import type { Policy } from '../../core/reconcile.ts';
import type { AnyRecord, Generation, ObjectKey, Ref, RegisterKey, Vector } from '../../core/records.ts';
import type { BranchView } from './views.ts';

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
  /**
   * The peer tells of nothing but our own history, since we may not read there: what follows a write of ours that was
   * dropped may be hidden from us.
   */
  partial?: boolean;
  /** Label of the peer, for the list of members. */
  label?: string;
  /** What the peer is known to hold, where it said so with a push. */
  held?: Vector;
  /** Share of our live branches, and of our live snapshots, that the round may delete, 0..1; more throws `guard`. Default 1. */
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
  /** Our vector afterwards. */
  vector: Vector;
  /** Absent where the transaction gave revisions to more than the round's generations. */
  revisions?: Stretch;
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

/** Generations, out and in. */
export interface MetaRounds {
  /** Closes the open generation if it has records. Returns our vector, with hashes. */
  cut(volset: VolsetId): Vector;
  vector(volset: VolsetId): Vector;
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
  /** Verifies chains, numbers and parents once more inside the transaction. Idempotent. Creates the volset if unknown. */
  apply(volset: VolsetId, round: Round): Applied;
  /** Before `apply`; `told`: the peer's vector at the last contact. */
  inspect(volset: VolsetId, round: Pick<Round, 'generations' | 'vector'>, told?: Vector): Inspection;
  /** Points of our chain of each store, dense near its end and exponentially sparser towards its beginning. */
  chainPoints(volset: VolsetId, stores: StoreId[]): Record<StoreId, ChainPoint[]>;

  /** Of an ephemeral store: its open records, in order. Empty for others. */
  openRecords(volset: VolsetId): AnyRecord[];
  /** At a hub: logs those that it lacks in a generation of its own, cut at once. Idempotent; checks as `apply` does. */
  handOver(volset: VolsetId, peer: StoreId, records: AnyRecord[]): Applied;
}
