/**
 * The manifest of a snapshot: a search tree with content-defined node boundaries over path -> entry ("prolly tree").
 * The same set of entries has the same root id, however it was reached. Implemented in this folder as pure functions
 * over NodeSource and NodeSink; every sequence of entries is in strictly ascending path order.
 */
import type { Change, Content, Entry, Extent } from '../../core/entry.ts';
import type { NodeId } from '../../core/ids.ts';
import type { PathKey } from '../../core/paths.ts';
import type { NodeSink, NodeSource } from '../contract.ts';

/** What `reachable` yields. */
export interface Reached {
  kind: 0 | 1;
  id: Uint8Array;
  /** Of chunks: the bytes that the tree says it has; a chunk is yielded once for each length that it is said to have. */
  length?: number;
  /** Of nodes: those that the first base has in its place. */
  over?: NodeId[];
  /** Of chunks, where the first base has a file at this path. */
  at?: ChunkAt;
}

/** Where a chunk stands in its file. */
export interface ChunkAt {
  /** One object for all chunks of a file. */
  file: ReachedFile;
  /** Number of its extent, and its first byte. */
  index: number;
  offset: number;
}

export interface ReachedFile {
  path: PathKey;
  content: Content;
  /** The first base's file at this path. */
  before: { content: Content; size: number };
}

/** Totals of a subtree; every inner node carries them per child, so that totals of the root cost nothing. */
export interface Totals {
  entries: number;
  files: number;
  /** Sum of file sizes. */
  bytes: number;
  /** Entries that belong to a hard-link group. */
  links: number;
}

/** A place before one entry of a tree, or at its end; goes forward only. */
export interface EntryWalk {
  /** Of the entry that is next; undefined at the end. */
  readonly path: PathKey | undefined;
  /** That entry, decoded anew at each call. */
  entry(): Entry;
  /** Steps over it. */
  next(): void;
  /** To the first entry at or behind `path`; of what is stepped over nothing is read. */
  seek(path: PathKey): void;
}

export interface Manifest {
  /** The empty tree has a root node too. */
  build(sink: NodeSink, entries: Iterable<Entry>): NodeId;
  /** `changes` in path order; costs O(changes + nodes on the way), untouched nodes are neither read nor written. */
  patch(source: NodeSource, sink: NodeSink, root: NodeId, changes: Iterable<Change>): NodeId;
  /** The same for changes that arrive over time; memory O(depth), and nothing that was put is read back. */
  patchAsync(source: NodeSource, sink: NodeSink, root: NodeId, changes: AsyncIterable<Change>): Promise<NodeId>;
  totals(source: NodeSource, root: NodeId): Totals;
  find(source: NodeSource, root: NodeId, path: PathKey): Entry | undefined;
  /** The same for many paths; those that ascend read each node once. */
  finder(source: NodeSource, root: NodeId): (path: PathKey) => Entry | undefined;
  /** All entries, or those at and below `within`. */
  entries(source: NodeSource, root: NodeId, within?: PathKey): Iterable<Entry>;
  /** A folder's own entries, or those behind `after`; what lies below them is not read. */
  children(source: NodeSource, root: NodeId, folder: PathKey, after?: PathKey): Iterable<Entry>;
  /** All entries for who does not want all of them; begins before the first. */
  walk(source: NodeSource, root: NodeId): EntryWalk;
  /** All of them as encoded entries, for copying without decoding (stat cache). */
  encodedEntries(source: NodeSource, root: NodeId): Iterable<{ path: PathKey; bytes: Uint8Array }>;
  /** O(changes): equal subtrees are skipped by id. From `start` on, of what lies before it nothing is read. */
  diff(source: NodeSource, from: NodeId, to: NodeId, start?: PathKey): Iterable<Change>;
  /** A long list of extents as a tree of its own, cut by chunk id so that an insertion changes O(1) nodes. */
  buildList(sink: NodeSink, extents: Iterable<Extent>): Content;
  extents(source: NodeSource, content: Content): Iterable<Extent>;
  /** The extents from one on, by its index or by a byte of it; reads only the nodes on the way. */
  extentsFrom(
    source: NodeSource,
    content: Content,
    seek: { index: number } | { offset: number },
  ): Iterable<Extent & { index: number; offset: number }>;
  /**
   * Ids of all nodes and chunks reachable from `root` and from none of `bases` (in walk order, nodes before what they
   * name). May yield an object that a base also holds, never leaves one out. Chunks come with the length that the tree
   * claims, once for each length claimed: only the chunk itself can tell whether it is true. What the first base has in
   * the place of an object is told with it, for deltas.
   */
  reachable(source: NodeSource, root: NodeId, bases?: NodeId[]): Iterable<Reached>;
  /**
   * Checks what a peer sent: every node canonical (encoding, order, boundaries, totals, maximum sizes), names legal
   * (core/names), lists consistent with sizes. Subtrees of `trusted` roots are not read again. Throws `integrity`.
   */
  check(source: NodeSource, root: NodeId, trusted?: NodeId[]): void;
  /** The same in slices: yields after each node, so that a thread that serves others can breathe. */
  checkSteps(source: NodeSource, root: NodeId, trusted?: NodeId[]): Generator<void, void>;
}
