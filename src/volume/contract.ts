/**
 * Working directories. A volume decides which files changed and which must be written; the bytes themselves are moved
 * by functions that the caller passes in (`ingest`, `extract`), so that this folder knows no packs.
 */
import type { Change, EntryKind } from '../core/entry.ts';
import type { FileResult, FileSource, FileTarget, StoredFile } from '../core/files.ts';
import type { BranchId, NodeId, SnapshotId, VolsetId } from '../core/ids.ts';
import type { PathKey } from '../core/paths.ts';

/** What a volume takes from disk beside content, permission bits without setuid/setgid/sticky, mtime and links. */
export type Preserve = 'owner' | 'suid';

/** Persisted as volume.json in the store, written by rename. */
export interface VolumeState {
  /** Format version, 1. */
  version: 1;
  id: string;
  /** Absolute path of the working directory. */
  dir: string;
  volset: VolsetId;
  /** null: detached. */
  branch: BranchId | null;
  /** Snapshot last checked out or made here; the parent of the next one. null: none yet. */
  base: SnapshotId | null;
  baseRoot: NodeId | null;
  preserve: Preserve[];
}

export interface Problem {
  path: PathKey;
  /** unreadable, changed-while-read, vanished, special-file, reserved-name, nested-store, too-long, exists … */
  what: string;
  message: string;
}

/** Encoded entries of the base's manifest in path order; what the stat cache is checked against and rebuilt from. */
export type BaseEntries = () => Iterable<{ path: PathKey; bytes: Uint8Array }>;

export interface ChangesOptions {
  volume: Volume;
  baseEntries: BaseEntries;
  /** Stores (snapshot) or only hashes (status) file contents; results in the order of the input. */
  ingest: (root: string, files: AsyncIterable<FileSource>) => AsyncIterable<StoredFile>;
  signal?: AbortSignal;
  onProgress?: (progress: { scanned: number; path?: PathKey }) => void;
}

/** The working directory against its base. */
export interface Changes extends AsyncIterable<Change> {
  /** Valid once the iteration has ended. */
  readonly outcome: {
    problems: Problem[];
    files: number;
    bytes: number;
    added: number;
    modified: number;
    deleted: number;
    typeChanged: number;
    unchanged: number;
    /** Files in the base, for the mass-deletion guard. */
    baseFiles: number;
  };
  /** Makes the stat cache that was written beside the iteration the volume's cache, for the tree that results from it. */
  keepCache(root: NodeId): void;
}

export interface CheckoutOptions {
  volume: Volume;
  /** What differs between the tree that the disk holds (by the volume's state) and the wanted one, in path order. */
  changes: () => Iterable<Change>;
  /** Encoded entries of the wanted tree, for the new stat cache. */
  targetEntries: BaseEntries;
  target: { snapshot: SnapshotId; root: NodeId; branch: BranchId | null };
  extract: (root: string, tempDir: string, files: Iterable<FileTarget>) => AsyncIterable<FileResult>;
  /** Overwrite unsaved changes. */
  force?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total: number; bytes: number; path?: PathKey }) => void;
}

export interface CheckoutResult {
  written: number;
  deleted: number;
  bytes: number;
  problems: Problem[];
}

export interface Volume {
  readonly state: VolumeState;
  /** `<store>/volumes/<id>`: volume.json, stat.cache, journal. */
  readonly stateDir: string;
  update(change: Partial<Pick<VolumeState, 'branch' | 'base' | 'baseRoot' | 'preserve'>>): void;
  /** A checkout that was cut off: its target, to be finished by the next command before anything else. */
  pendingCheckout(): CheckoutOptions['target'] | undefined;
}

export interface StatusRow {
  path: PathKey;
  letter: 'A' | 'M' | 'D' | 'T';
  kind: EntryKind;
}
