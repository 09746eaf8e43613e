/** What a tree names that older trees do not: the objects of a blob diff. */

import type { Content, Extent } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import { iterateExtents } from '../../core/extents.ts';
import { hex, KIND, unhex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import type { NodeSource } from '../contract.ts';
import { BaseCursor } from './base-cursor.ts';
import { TYPE } from './format.ts';
import { leafExtents, listChildren } from './list.ts';
import { LeafReader, listHeader, readChildren, treeHeader } from './node-reader.ts';

export interface Reached {
  kind: 0 | 1;
  id: Uint8Array;
  /** Of chunks: the bytes that the tree says it has; a chunk is yielded once for each length that it is said to have. */
  length?: number;
}

/** Ids remembered to leave out repetitions; beyond it an id may come twice. */
const REMEMBERED = 1 << 17;

export function* reachable(source: NodeSource, root: NodeId, bases: NodeId[] = []): Generator<Reached> {
  if (bases.includes(root)) return;
  const walk: Walk = {
    source,
    bases: [...new Set(bases)].map((base) => new BaseCursor(source, base)),
    lists: new Set(),
  };
  yield* reachTree(walk, root, undefined);
}

interface Walk {
  source: NodeSource;
  bases: BaseCursor[];
  /** Lists that were yielded: many files with one content are one list. */
  lists: Set<NodeId>;
}

function* reachTree(walk: Walk, id: NodeId, level: number | undefined): Generator<Reached> {
  yield { kind: KIND.node, id: unhex(id) };
  const header = treeHeader(walk.source, id, level);
  if (header.type === TYPE.inner) {
    for (const child of readChildren(header)) {
      if (!walk.bases.some((base) => base.holds(child))) yield* reachTree(walk, child.id, child.level);
    }
    return;
  }
  for (const leaf = new LeafReader(header); leaf.next(); ) {
    const { content } = decodeEntryAt(leaf.key, leaf.bytes, leaf.start, leaf.end, false);
    if (!content || ('extents' in content && content.extents.length === 0)) continue;
    const old: Content[] = [];
    for (const base of walk.bases) {
      const before = base.entryAt(leaf.key)?.content;
      if (before) old.push(before);
    }
    if (!old.some((before) => sameContent(before, content))) yield* reachContent(walk, content, old);
  }
}

function sameContent(a: Content, b: Content): boolean {
  if ('list' in a) return 'list' in b && a.list === b.list;
  return 'extents' in b && Buffer.compare(a.extents, b.extents) === 0;
}

function* reachContent(walk: Walk, content: Content, old: Content[]): Generator<Reached> {
  const { source } = walk;
  if ('list' in content) {
    if (walk.lists.has(content.list)) return;
    if (walk.lists.size < REMEMBERED) walk.lists.add(content.list);
  }
  const oldNodes = new Set<NodeId>();
  for (const before of old) if ('list' in before) collectNodes(source, before.list, undefined, oldNodes);
  const fresh: NodeId[] = [];
  const seen = new Set<NodeId>();
  if ('list' in content) yield* freshNodes(source, content.list, undefined, oldNodes, seen, fresh);
  // Only leaves that the new list does not have too can hold chunks that are known and stand in a new leaf.
  const known = new Set<string>();
  for (const before of old) addChunks(source, before, seen, known);
  if ('extents' in content) yield* freshChunks(iterateExtents(content.extents), known);
  else for (const id of fresh) yield* freshChunks(leafExtents(listHeader(source, id, 0)), known);
}

/** Node ids of a list; its leaves are named by their parents and not read. */
function collectNodes(source: NodeSource, id: NodeId, level: number | undefined, into: Set<NodeId>): void {
  if (into.has(id) || into.size >= REMEMBERED) return;
  into.add(id);
  if (level === 0) return;
  const header = listHeader(source, id, level);
  if (header.type === TYPE.listInner) {
    for (const child of listChildren(header)) collectNodes(source, child.id, header.level - 1, into);
  }
}

/** Yields nodes that the old lists lack; new leaves go to `fresh`, every node met to `seen`. */
function* freshNodes(
  source: NodeSource,
  id: NodeId,
  level: number | undefined,
  old: Set<NodeId>,
  seen: Set<NodeId>,
  fresh: NodeId[],
): Generator<Reached> {
  if (seen.has(id)) return;
  seen.add(id);
  if (old.has(id)) return;
  yield { kind: KIND.node, id: unhex(id) };
  const header = listHeader(source, id, level);
  if (header.type === TYPE.listLeaf) fresh.push(id);
  else
    for (const child of listChildren(header)) yield* freshNodes(source, child.id, header.level - 1, old, seen, fresh);
}

/** Chunks of old content, but for the subtrees in `shared`, which the new content holds as well. */
function addChunks(source: NodeSource, content: Content, shared: Set<NodeId>, into: Set<string>): void {
  const addAll = (extents: Iterable<Extent>) => {
    for (const extent of extents) if (extent.id && into.size < REMEMBERED) into.add(claimOf(extent.id, extent.length));
  };
  if ('extents' in content) {
    addAll(iterateExtents(content.extents));
    return;
  }
  const visited = new Set<NodeId>();
  const visit = (id: NodeId, level: number | undefined): void => {
    if (shared.has(id) || visited.has(id) || into.size >= REMEMBERED) return;
    visited.add(id);
    const header = listHeader(source, id, level);
    if (header.type === TYPE.listLeaf) addAll(leafExtents(header));
    else for (const child of listChildren(header)) visit(child.id, header.level - 1);
  };
  visit(content.list, undefined);
}

function* freshChunks(extents: Iterable<Extent>, known: Set<string>): Generator<Reached> {
  for (const { id, length } of extents) {
    if (!id) continue;
    const claim = claimOf(id, length);
    if (known.has(claim)) continue;
    if (known.size < REMEMBERED) known.add(claim);
    yield { kind: KIND.chunk, id, length };
  }
}

/** A chunk that is known with another length is not known: somebody has to compare it with the chunk itself. */
const claimOf = (id: Uint8Array, length: number): string => `${hex(id)}${length}`;
