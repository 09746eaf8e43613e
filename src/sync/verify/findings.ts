/** What is wrong with a store, in a form that can be acted upon (`--repair`), and the rows that a document shows of it. */
import type { ObjectRef } from '../../blob/contract.ts';
import type { SnapshotId, VolsetId } from '../../core/ids.ts';
import { STORE_STATE } from '../../core/state-object.ts';
import type { JsonPath } from '../results.ts';

/** Files of a store that are neither packs nor databases. */
export type FileRole = 'format' | 'volume' | 'journal' | 'token' | 'quarantine' | 'pointer';

/** What a finding hurts. */
export interface Affected {
  /** All of them. */
  snapshots: SnapshotId[];
  /** The first few. */
  paths: JsonPath[];
  /** Of all these snapshots; 0 where no file could be named. */
  pathCount: number;
}

export type Finding = { what: string } & Affected &
  (
    | { kind: 'pack'; volset: VolsetId; pack: string; lost: ObjectRef[] }
    /**
     * index.db is damaged, or is not what the packs say: it can be made again, and what was borrowed from another volset
     * is copied from there. `lost`: objects that are needed, lie in packs, and are not found.
     */
    | { kind: 'index'; volset: VolsetId | null; lost: ObjectRef[] }
    /** Objects that complete snapshots need, that the index does not know and no pack holds. */
    | { kind: 'missing'; volset: VolsetId; lost: ObjectRef[] }
    /** Trees of complete snapshots that cannot be walked for another reason than those above. */
    | { kind: 'tree'; volset: VolsetId }
    /** `log.open` is damaged before its end, or generations that were packed lie nowhere: they are packed again. */
    | { kind: 'log'; volset: VolsetId }
    /** Metadata lacks generations that lie in packs: an older meta.db was put back, or part of it was lost. */
    | { kind: 'older'; volset: VolsetId | null }
    /** meta.db. `unusable`: it cannot be opened or read at all. */
    | { kind: 'meta'; volset: VolsetId | null; unusable: boolean }
    /** `path` is absolute. */
    | { kind: 'file'; volset: VolsetId | null; role: FileRole; path: string }
    /** What a restore drill brought back is not what the snapshot says. */
    | { kind: 'drill'; volset: VolsetId }
  );

export interface Damage {
  what: string;
  volset: VolsetId | null;
  snapshots: SnapshotId[];
  paths: JsonPath[];
  /** How many there are, where more are hurt than are listed. */
  snapshotCount?: number;
  pathCount?: number;
}

/** Listed per damage; more would only bury the news. */
const MAX_SNAPSHOTS = 100;
export const MAX_PATHS = 20;

export const noneAffected = (): Affected => ({ snapshots: [], paths: [], pathCount: 0 });

export function damageOf({ what, volset, snapshots, paths, pathCount }: Finding): Damage {
  return {
    what,
    // What is told of the store itself is kept as if it were a volset's.
    volset: volset === STORE_STATE ? null : volset,
    snapshots: snapshots.slice(0, MAX_SNAPSHOTS),
    paths,
    ...(snapshots.length > MAX_SNAPSHOTS && { snapshotCount: snapshots.length }),
    ...(pathCount > paths.length && { pathCount }),
  };
}
