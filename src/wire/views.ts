/**
 * What the read-only views of a hub tell, for its page and for programs that look at one: everything is derived, and
 * nothing of it is part of replication. Times are milliseconds since the epoch, sizes are bytes, and all text is as people
 * wrote it: to be shown, never to be interpreted. Paths go into queries as base64url of their raw bytes (`/` separated).
 */
import type { Conflict } from '../core/conflict.ts';
import type { EntryKind } from '../core/entry.ts';
import type { HistoryRow } from '../core/history-row.ts';
import type { BranchId, NodeId, SnapshotId, StoreId, VolsetId } from '../core/ids.ts';

export type { HistoryRow } from '../core/history-row.ts';

/** `GET /v1/overview`: all volsets that the bearer may read, by name. */
export interface Overview {
  store: StoreId;
  label: string;
  now: number;
  volsets: VolsetSummary[];
  /** Volsets that are here and not listed, since there are too many. */
  more: number;
}

/** A snapshot in a few words. */
export interface NewestSnapshot {
  id: SnapshotId;
  created: number;
  creator: string;
  description: string | null;
  /** Of its files together. */
  bytes: number;
  files: number;
}

export interface VolsetSummary {
  id: VolsetId;
  name: string;
  description: string | null;
  /** The hub's, at which this was read or after. */
  revision: number;
  branches: number;
  snapshots: number;
  /** Of all branches here, by time of creation. */
  newest: NewestSnapshot | null;
  /** As if every snapshot that is here was stored whole: the sum of their files' bytes. */
  logicalBytes: number;
  /** What the packs of this volset take. */
  storedBytes: number;
  /** Active ones. */
  members: number;
  /** Feeds that are open now. */
  followers: number;
  conflicts: number;
  damaged: number;
}

/**
 * `GET /v1/volsets/V/view`: the state of one volset as of `revision`, from which `GET /v1/volsets/V/changes?after=` goes
 * on (core/watermark).
 */
export interface VolsetDetails extends VolsetSummary {
  attrs: Record<string, string>;
  branchList: { id: BranchId; name: string; tip: SnapshotId | null }[];
  memberList: MemberRow[];
  /** Remotes of the hub's own store that have told where branches of this volset stand. */
  remoteList: RemoteRow[];
}

export interface MemberRow {
  store: StoreId;
  label: string;
  lastSeen: number;
  state: 'active' | 'retired';
  /** Generations here that it lacks; absent where it never said. */
  behind?: number;
  /** Where its branches stood when it was last heard of; at most MAX_VIEW_TIPS. */
  tips: { branch: string; tip: SnapshotId }[];
}

export interface RemoteRow {
  name: string;
  /** Who answered there; it may be a member as well. */
  store: StoreId;
  /** As it told last; at most MAX_VIEW_TIPS. */
  tips: { branch: string; tip: SnapshotId }[];
}

/** `POST /v1/volsets/V/history`. */
export interface HistoryAsk {
  /** null: all tips, those of remotes and members too. Else where the page before ended (`next`), or one snapshot to begin at. */
  from: SnapshotId[] | null;
  /** Rows, 1 to MAX_VIEW_ROWS. */
  limit: number;
  /** `from` alone, and nothing before: what some snapshots are, in one request. */
  only?: true;
}

/**
 * Newest first; a snapshot comes before its parents wherever clocks allow, and once. Where they do not (a parent claims to
 * be newer than its child) it may come once more on a later page: the first counts.
 */
export interface HistoryPage {
  revision: number;
  rows: HistoryRow[];
  /** What the next page begins with; empty: this was the last. */
  next: SnapshotId[];
}

/** `GET /v1/volsets/V/snapshots/S`. */
export interface SnapshotDetails extends HistoryRow {
  root: NodeId;
  owner: string | null;
  attrs: Record<string, string>;
}

export interface ViewPath {
  path: string;
  /** Exact bytes, only where the path is not UTF-8. */
  pathBase64?: string;
}

export interface EntryRow extends ViewPath {
  kind: EntryKind;
  /** Octal permission bits, four digits. */
  mode: string;
  size: number;
  /** ISO 8601 with nanoseconds; null where it is not kept. */
  mtime: string | null;
  /** Of symbolic links. */
  target?: string;
}

/** `GET /v1/volsets/V/snapshots/S/entries?path&after&limit`: the folder's own entries, in path order. */
export interface EntriesPage {
  /** What `path` names itself. */
  at: EntryRow | null;
  rows: EntryRow[];
  /** For `after`; null: this was the last. */
  next: string | null;
}

/** `GET /v1/volsets/V/snapshots/S/search?name&path&after`: entries at or below `path` whose own name contains `name`, in any case. */
export interface SearchPage {
  rows: EntryRow[];
  next: string | null;
  /** Entries that were looked at for this page: it ends early where that takes long. */
  scanned: number;
}

export interface DiffEntry extends ViewPath {
  /** Added, modified, deleted, type changed. */
  letter: 'A' | 'M' | 'D' | 'T';
  before?: { kind: EntryKind; size: number };
  after?: { kind: EntryKind; size: number };
}

export interface DiffTotals {
  added: number;
  modified: number;
  deleted: number;
  typeChanged: number;
  /** Of the changed files alone. */
  bytesBefore: number;
  bytesAfter: number;
  /** False: counting stopped before the end. */
  whole: boolean;
}

/** `GET /v1/volsets/V/diff?from&to&after`: `from` may be left out, which shows all of `to` as added. */
export interface DiffPage {
  rows: DiffEntry[];
  next: string | null;
  /** Of the first page only. */
  totals: DiffTotals | null;
}

/** `GET /v1/volsets/V/conflicts`: open ones, newest first. */
export interface ConflictsPage {
  conflicts: (Conflict & {
    /** Name that the object shows now; null where it has none, or is deleted. */
    objectName: string | null;
  })[];
  /** Open ones that are not listed: of many, or of few with long values. */
  more: number;
}

/** `GET /v1/volsets/V/sizes`: at most MAX_VIEW_POINTS each, ascending in time. */
export interface Sizes {
  /** `bytes`: of that snapshot's files; `logical`: the sum of all so far. */
  snapshots: { at: number; bytes: number; logical: number }[];
  /** What is stored now, by the time at which it was written; `bytes`: the sum so far. */
  stored: { at: number; bytes: number }[];
}

/** `GET /v1/activity`: of what the bearer may read. */
export interface Activity {
  now: number;
  queues: {
    remote: string;
    volset: VolsetId;
    volsetName: string | null;
    waiting: number;
    dead: number;
    /** The next ones, at most MAX_VIEW_ITEMS; dead ones last. */
    items: {
      snapshot: SnapshotId;
      priority: 'high' | 'medium' | 'low';
      added: number;
      attempts: number;
      /** Why the last try failed; its code alone for bearers that may not read all of the store. */
      error: string | null;
      dead: boolean;
    }[];
  }[];
  transfers: {
    /** Of the transfer, shortened: it is no secret and of no use. */
    id: string;
    direction: 'up' | 'down';
    volset: VolsetId;
    volsetName: string | null;
    /** Label of the bearer. */
    by: string;
    snapshots: number;
    /** That have passed so far. */
    bytes: number;
    /** When it was agreed upon, and when something last passed. */
    since: number;
    used: number;
  }[];
  /** Feeds that are open now. */
  followers: number;
  /** When things last went well. */
  stamps: { what: string; volset: VolsetId | null; volsetName: string | null; at: number }[];
}

/** `GET /v1/health`: of the whole store, so for bearers that may read all of it; others get `doctor: null`. */
export interface HealthView {
  /** As `/healthz` says. */
  ok: boolean;
  checks: Record<string, boolean>;
  doctor: {
    ok: boolean;
    /** When it looked. */
    at: number;
    checks: { name: string; ok: boolean; detail: string; hint: string | null }[];
  } | null;
}

export const MAX_VIEW_ROWS = 500;
export const MAX_VIEW_CHARS = 1000;
export const MAX_VIEW_POINTS = 500;
export const MAX_VIEW_TIPS = 200;
export const MAX_VIEW_ITEMS = 50;
/** Conflicts, and volsets of an overview. */
export const MAX_VIEW_LIST = 1000;
/** Snapshots that one page of history may go on from. */
export const MAX_VIEW_FRONTIER = 4096;
