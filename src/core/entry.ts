/**
 * One path of a snapshot. `encodeEntry` is canonical: equal entries have equal bytes, so entries are compared and
 * copied as bytes wherever nothing in them is needed.
 *
 * Encoding: kind u8, then fields in ascending tag order, each `tag u8, length varint, value`. Tags with bit 7 set are
 * critical: a reader that does not know one refuses the entry (format error); unknown others are kept on copy.
 */
import type { NodeId } from './ids.ts';
import type { PathKey } from './paths.ts';

export type EntryKind = 'file' | 'dir' | 'symlink';

/**
 * A file's bytes in order. Inline: up to 64 extents, encoded as `varint(length << 1 | hole)` and, unless it is a hole,
 * the chunk's 32 raw id bytes. Longer lists are a tree of the same extents under `list`. A hole is a run of all-zero
 * chunks of the largest chunk size, so its length is a multiple of that.
 */
export type Content = { extents: Uint8Array } | { list: NodeId };

export interface Entry {
  path: PathKey;
  kind: EntryKind;
  /** Permission bits, 0o7777; what of them is kept is the volume's `preserve` set. 0 for symlinks. */
  mode: number;
  /** Nanoseconds since the epoch; 0n for symlinks and directories where it is not known. */
  mtime: bigint;
  /** Bytes of a file, else 0. */
  size: number;
  uid?: number;
  gid?: number;
  /** First member's path of the hard-link group, on every member, only when the group has >= 2 members. */
  linkGroup?: PathKey;
  /** Files only. */
  content?: Content;
  /** Symlinks only: the target's raw bytes. */
  target?: Uint8Array;
  /** Fields that this version does not know and need not know, as encoded: carried along when an entry is copied. */
  extra?: Uint8Array;
}

/** A difference between two trees; `before`/`after` absent means the path is absent there. apply(a, diff(a, b)) = b. */
export interface Change {
  path: PathKey;
  before?: Entry;
  after?: Entry;
}

export interface Extent {
  length: number;
  /** 32 raw bytes; undefined = hole. */
  id?: Uint8Array;
}
