/** What holds blobs here, what is known to be wrong with them, when things last went well, and who brought how much. */
import type { SnapshotId, VolsetId } from '../../core/ids.ts';

export type Refusal = 'tip' | 'in-use' | 'promised' | 'queued' | 'absent';

/** When something last went well. */
export interface Stamp {
  /** `snapshot`, `push:REMOTE`, `pull:REMOTE`, `gc`, `scrub`, `verify`; `erase` of a volset: gc of what was forgotten; `damage`: a verify found some. */
  what: string;
  /** Null: of the whole store. */
  volset: VolsetId | null;
  /** Milliseconds since the epoch. */
  at: number;
  /** A snapshot id, or figures as JSON. */
  detail: string | null;
}

export interface MetaKeeping {
  /**
   * These blobs are not dropped before `until` (milliseconds since the epoch). Names: `transfer:ID` for what somebody
   * reads or builds upon, `promise:ID` for what another store was told to be here. A name that is there already gets
   * these in place of its earlier ones; with `add` beside them, and nothing that it kept ends earlier for it.
   */
  keepBlobs(volset: VolsetId, name: string, ids: SnapshotId[], until: number, options?: { add?: boolean }): void;
  unkeepBlobs(name: string): void;
  /**
   * Their data is not held to be here any more; gc takes it, and it comes back where it is asked for by name, or is a
   * tip (MetaViews.lackedBlobs). Each one is looked at in this very transaction: `tip` = our
   * own ref points at it, `in-use`, `promised`, `queued` = a push still has to send it, `absent` = it is not here.
   * `dryRun` only answers. `force` passes over `promised` and `queued`. Those of a deleted volset are only refused as `in-use`, snapshots that
   * were forgotten only as that and as `tip`.
   */
  dropBlobs(
    volset: VolsetId,
    ids: SnapshotId[],
    options?: { force?: boolean; dryRun?: boolean },
  ): { dropped: SnapshotId[]; refused: { snapshot: SnapshotId; reason: Refusal }[] };
  /** Blobs of forgotten snapshots, or all of a deleted volset: to be dropped as soon as nothing uses them. */
  goneBlobs(volset: VolsetId): SnapshotId[];

  /** Of complete blobs: parts of them cannot be read any more. No base for anything, and never vouched for. */
  setDamaged(volset: VolsetId, ids: SnapshotId[], damaged: boolean): void;
  damagedBlobs(volset: VolsetId): SnapshotId[];

  /** Replaces the stamp of that name; not one with the same detail that is younger than `everyMs`. */
  putStamp(stamp: Stamp, options?: { everyMs?: number }): void;
  /** Rows that are damaged are left out (`verify` reports them). */
  stamps(): Stamp[];

  /** Stored bytes that a bearer's uploads have added here; answers the new sum. */
  addUsage(owner: string, bytes: number): number;
  usage(): Record<string, number>;
}
