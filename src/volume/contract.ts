/**
 * Working directories. A volume decides which files changed and which must be written; the bytes themselves are moved
 * by functions that the caller passes in (`ingest`, `extract`), so that this folder knows no packs.
 */
import type { BigIntStats } from 'node:fs';
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
  /** Snapshot being committed from here; a crash between its commit and the update of `base` is mended by it. */
  expected?: SnapshotId | null;
  /** Where a merge is about to move the branch, and the directory after it; a crash in between is mended by it. */
  moving?: SnapshotId | null;
  preserve: Preserve[];
}

export interface Problem {
  path: PathKey;
  /**
   * unreadable, changed-while-read, special-file, reserved-name, nested-store, too-long, bad-rules, missing-mount,
   * not-written (a checkout could not put it there; its entry is kept), damaged (as before, since the store's data of
   * it is missing or wrong).
   */
  what: string;
  message: string;
}

/** Encoded entries of the base's manifest in path order; what the stat cache is checked against and rebuilt from. */
export type BaseEntries = () => Iterable<{ path: PathKey; bytes: Uint8Array }>;

/** Is told of each directory that a scan walks: where a watcher puts its watches, so that no change falls in between. */
export interface ScanObserver {
  /** About to be listed; `at` is its path as latin1 text. */
  entering(path: PathKey, at: string, stats: BigIntStats): void;
  /**
   * Listed; the rules that keep names out, nearest last; absent where it is itself ignored and only what is tracked in
   * it counts. True: `tracked` is to be called for it.
   */
  entered(path: PathKey, rules: readonly IgnoreRules[] | undefined): boolean;
  /** Something in this directory is tracked although the rules keep it out. */
  tracked(path: PathKey): void;
}

/** Of one `.plaitignore`. undefined: it does not speak about the path. */
export interface IgnoreRules {
  test(path: PathKey, isDir: boolean): boolean | undefined;
}

export interface ChangesOptions {
  volume: Volume;
  baseEntries: BaseEntries;
  /** Take directories' mtimes anew (snapshot); otherwise the base's are kept, and a moved one is no change. */
  dirTimes?: boolean;
  /** Stores (snapshot) or only hashes (status) file contents; results in the order of the input. */
  ingest: (root: string, files: AsyncIterable<FileSource>) => AsyncIterable<StoredFile>;
  /** Leaves the stat cache and everything beside it alone; the caller need not hold the volume. No `keepCache` then. */
  looksOnly?: boolean;
  observer?: ScanObserver;
  signal?: AbortSignal;
  /** Milliseconds since the epoch; decides which stats are too young to be relied on. */
  now?: () => number;
  /** For tests: ns before which a stat counts as old. */
  startNs?: () => bigint;
  onProgress?: (progress: { scanned: number; path?: PathKey }) => void;
  /** Once the iteration is over, whole or not. */
  onEnd?: () => void;
}

/** The working directory against its base. */
export interface Changes extends AsyncIterable<Change> {
  /** Valid once the iteration has ended. Counts are of files and symlinks, `files` and `bytes` of files. */
  readonly outcome: {
    problems: Problem[];
    files: number;
    bytes: number;
    added: number;
    modified: number;
    deleted: number;
    typeChanged: number;
    unchanged: number;
    /** Changes of any kind, directories included, but for times of directories. */
    changes: number;
    /** Files and symlinks in the base, for the mass-deletion guard. */
    baseFiles: number;
    /** Empty directories where the base knew another file system to be mounted: reason enough for the guard. */
    missingMounts: PathKey[];
  };
  /** True where anything in the cache has become better; without it `keepCache` writes nothing. */
  readonly cacheMoved: boolean;
  /**
   * Makes the stat cache that was written beside the iteration the volume's cache. Only after the iteration has ended,
   * and with the root of the tree that results from applying all its changes; for `status` only if there were none.
   */
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
  /**
   * Hashes files whose stat alone does not prove that they are unchanged (see ChangesOptions); stores nothing. Without
   * it such a file counts as an unsaved change.
   */
  ingest?: ChangesOptions['ingest'];
  /** Goes on with what an earlier call did, as with a journal; what a power cut tore is not somebody's edit. */
  resume?: { sameBoot: boolean };
  /** Overwrite unsaved changes where the target needs their place; what else is unsaved stays. */
  force?: boolean;
  /** For tests: called after each step; what it throws cuts the checkout off there. */
  onStep?: (step: string) => void;
  /** For tests: whether a file system folds names. */
  foldsNames?: (dir: string) => boolean;
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
  update(change: Partial<Pick<VolumeState, 'branch' | 'base' | 'baseRoot' | 'expected' | 'moving' | 'preserve'>>): void;
  /** Reads the state again: another process may have changed it before we got the lock. */
  refresh(): void;
  /** A checkout that was cut off: its target, to be finished by the next command before anything else. */
  pendingCheckout(): CheckoutOptions['target'] | undefined;
}

export interface StatusRow {
  path: PathKey;
  letter: 'A' | 'M' | 'D' | 'T';
  kind: EntryKind;
}
