/** Messages of the ingest tasks. */
import type { PathKey } from '../../core/paths.ts';

/** stored, or the statuses of StoredFile; grown: now too big for a batch, to be read as a big file. */
export const FILE_STATUS = ['stored', 'changed', 'vanished', 'unreadable', 'grown'] as const;
export type FileStatus = (typeof FILE_STATUS)[number];

export interface HashFiles {
  session: number;
  root: string;
  paths: PathKey[];
  /** StatColumns: what the scan saw. */
  stats: ArrayBuffer;
  /** Hash only, keep nothing. */
  dryRun: boolean;
}

export interface HashedFiles {
  /** One index into FILE_STATUS per file. */
  status: Uint8Array;
  /** errno names of the unreadable, by file index. */
  errnos: Record<number, string>;
  /** StatColumns: of the open files after they were read. */
  stats: ArrayBuffer;
  /** Encoded extents of all files, one after the other, and where each file's end. */
  extents: Uint8Array;
  extentEnds: Uint32Array;
  extentCounts: Uint32Array;
  /** Ids of the chunks that were kept, 32 bytes each, in order. */
  ids: Uint8Array;
  /** Names what was kept; 0 = nothing. */
  kept: number;
}

export interface BigFile {
  session: number;
  root: string;
  path: PathKey;
  /** StatColumns of one: what the file must still look like after each read. */
  stat: ArrayBuffer;
}

export interface StatFile {
  session: number;
  root: string;
  path: PathKey;
}

export type Lost = { status: 'changed' | 'vanished' | 'unreadable'; errno?: string };
export type StatedFile = { stat: ArrayBuffer } | Lost;

export interface ScanSegment extends BigFile {
  begin: number;
  end: number;
}

/** candidates: chunker.candidates, relative to `begin`. zero: the whole segment is. */
export type ScannedSegment = { candidates: Uint32Array; zero: boolean } | Lost;

export interface HashSegment extends BigFile {
  begin: number;
  /** Ends of consecutive chunks, the first of which starts at `begin`. */
  ends: number[];
  dryRun: boolean;
}

export type HashedSegment =
  | {
      /** One per chunk: 1 = it is a hole and has no id. */
      holes: Uint8Array;
      ids: Uint8Array;
      kept: number;
    }
  | Lost;
