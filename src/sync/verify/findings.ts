/** What is wrong with a store, in a form that can be acted upon (`--repair`), and the rows that a document shows of it. */
import type { ObjectRef } from '../../blob/contract.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import type { JsonPath } from '../results.ts';

/** Files of a store that are neither packs nor databases. */
export type FileRole = 'format' | 'volume' | 'cache' | 'journal' | 'token' | 'quarantine' | 'pointer' | 'foreign';

/** Snapshots and files that a finding hurts: the first ones, and how many there are. */
export interface Affected {
  snapshots: SnapshotId[];
  snapshotCount: number;
  paths: JsonPath[];
  /** Files of the newest snapshot hurt; 0 where none could be named. */
  pathCount: number;
}

export type Finding = { what: string } & Affected &
  (
    | { kind: 'pack'; volset: VolsetId; pack: string; lost: ObjectRef[] }
    /** index.db is damaged, or is not what the packs say: it can be made again. */
    | { kind: 'index'; volset: VolsetId | null }
    /** Objects that complete snapshots need, that the index does not know and no sound pack holds. */
    | { kind: 'missing'; volset: VolsetId; lost: ObjectRef[] }
    /** The tree of a complete snapshot cannot be walked. `lost`: the node at which it ended, where that is known. */
    | { kind: 'tree'; volset: VolsetId; snapshot: SnapshotId; lost: ObjectRef[] }
    /** `log.open` is damaged before its end, or generations that were packed lie nowhere: they are packed again. */
    | { kind: 'log'; volset: VolsetId }
    /** Metadata lacks generations that lie in packs: an older meta.db was put back, or part of it was lost. */
    | { kind: 'older'; volset: VolsetId }
    /** meta.db. `unusable`: it cannot be opened or read at all. */
    | { kind: 'meta'; volset: VolsetId | null; unusable: boolean }
    /** `path` is absolute. */
    | { kind: 'file'; volset: VolsetId | null; role: FileRole; path: string }
    /** What a restore drill brought back is not what the snapshot says. */
    | { kind: 'drill'; volset: VolsetId; snapshot: SnapshotId }
  );

export type FindingKind = Finding['kind'];

export interface Damage {
  what: string;
  volset: VolsetId | null;
  snapshots: SnapshotId[];
  paths: JsonPath[];
  /** Where more are hurt than are listed. */
  snapshotCount?: number;
  pathCount?: number;
}

/** Listed per finding; more would only bury the news. */
export const MAX_SNAPSHOTS = 100;
export const MAX_PATHS = 20;

export const noneAffected = (): Affected => ({ snapshots: [], snapshotCount: 0, paths: [], pathCount: 0 });

export function damageOf({ what, volset, snapshots, snapshotCount, paths, pathCount }: Finding): Damage {
  return {
    what,
    volset,
    snapshots,
    paths,
    ...(snapshotCount > snapshots.length && { snapshotCount }),
    ...(pathCount > paths.length && { pathCount }),
  };
}
