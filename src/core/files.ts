/** What passes between a volume (which decides about files) and the blob engine (which moves their bytes). */
import type { Content } from './entry.ts';
import type { PathKey } from './paths.ts';
import type { FileStat } from './stat.ts';

/** A file to be stored, with the stat that the scan saw. */
export interface FileSource {
  path: PathKey;
  stat: FileStat;
}

export type StoredFile =
  | {
      path: PathKey;
      status: 'stored';
      content: Content;
      /** Of the open file, after it was read; same as before it was read, or the status would be `changed`. */
      stat: FileStat;
    }
  | {
      path: PathKey;
      /** changed: it was being written while we read it, on each of 3 tries. */
      status: 'changed' | 'vanished' | 'unreadable';
      /** errno name, e.g. EACCES. */
      errno?: string;
    };

/** A file to be written at checkout. */
export interface FileTarget {
  path: PathKey;
  content: Content;
  size: number;
  mode: number;
  mtime: bigint;
  uid?: number;
  gid?: number;
  /** True where nothing may exist yet: the file is created in place, exclusively, without a temporary name. */
  fresh?: boolean;
}

export type FileResult =
  | { path: PathKey; status: 'written'; stat: FileStat }
  | { path: PathKey; status: 'failed'; errno?: string; message: string };
