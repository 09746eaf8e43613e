/** What a tree names that older trees do not: the objects of a blob diff. */

import type { Content, Extent } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import { iterateExtents } from '../../core/extents.ts';
import { hex, KIND, unhex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import { type PathKey, ROOT } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import { BaseCursor } from './base-cursor.ts';
import type { Reached, ReachedFile } from './contract.ts';
import { TYPE } from './format.ts';
import { leafExtents, listChildren, listNodeAt } from './list.ts';
import { LeafReader, listHeader, readChildren, treeHeader } from './node-reader.ts';

/** Ids remembered to leave out repetitions; beyond it an id may come twice. */
const REMEMBERED = 1 << 17;

export function* reachable(source: NodeSource, root: NodeId, bases: NodeId[] = []): Generator<Reached> {
  if (bases.includes(root)) return;
  const walk: Walk = {
    source,
    bases: [...new Set(bases)].map((base) => new BaseCursor(source, base)),
    lists: new Set(),
  };
  yield* reachTree(walk, root, { key: ROOT });
}

interface Walk {
  source: NodeSource;
  bases: BaseCursor[];
  /** Lists that were yielded: many files with one content are one list. */
  lists: Set<NodeId>;
}

/** Where a node stands: its level and first key as its parent names them, and the first key behind it. */
interface Spot {
  level?: number;
  key: PathKey;
  end?: PathKey;
}

function* reachTree(walk: Walk, id: NodeId, spot: Spot): Generator<Reached> {
  const over = walk.bases.at(0)?.over(spot);
  yield { kind: KIND.node, id: unhex(id), ...(over && { over }) };
  const header = treeHeader(walk.source, id, spot.level);
  if (header.type === TYPE.inner) {
    const children = readChildren(header);
    for (const [n, child] of children.entries()) {
      if (walk.bases.some((base) => base.holds(child))) continue;
      yield* reachTree(walk, child.id, {
        level: child.level,
        key: child.key,
        end: children.at(n + 1)?.key ?? spot.end,
      });
    }
    return;
  }
  for (const leaf = new LeafReader(header); leaf.next(); ) {
    const { content } = decodeEntryAt(leaf.key, leaf.bytes, leaf.start, leaf.end, false);
    if (!content || ('extents' in content && content.extents.length === 0)) continue;
    const old: Content[] = [];
    let before: ReachedFile['before'] | undefined;
    for (const [n, base] of walk.bases.entries()) {
      const entry = base.entryAt(leaf.key);
      if (!entry?.content) continue;
      old.push(entry.content);
      if (n === 0 && entry.size > 0) before = { content: entry.content, size: entry.size };
    }
    if (old.some((known) => sameContent(known, content))) continue;
    yield* reachContent(walk, content, old, before && { path: leaf.key, content, before });
  }
}

function sameContent(a: Content, b: Content): boolean {
  if ('list' in a) return 'list' in b && a.list === b.list;
  return 'extents' in b && Buffer.compare(a.extents, b.extents) === 0;
}

function* reachContent(walk: Walk, content: Content, old: Content[], file?: ReachedFile): Generator<Reached> {
  const { source } = walk;
  if ('list' in content) {
    if (walk.lists.has(content.list)) return;
    if (walk.lists.size < REMEMBERED) walk.lists.add(content.list);
  }
  const oldNodes = new Set<NodeId>();
  for (const before of old) if ('list' in before) collectNodes(source, before.list, undefined, oldNodes);
  const fresh: FreshLeaf[] = [];
  const seen = new Set<NodeId>();
  if ('list' in content) {
    const lists = { source, old: oldNodes, seen, fresh, before: file?.before.content };
    yield* freshNodes(lists, content.list, undefined, { index: 0, offset: 0 });
  }
  // Only leaves that the new list does not have too can hold chunks that are known and stand in a new leaf.
  const known = new Set<string>();
  for (const before of old) addChunks(source, before, seen, known);
  if ('extents' in content) yield* freshChunks(iterateExtents(content.extents), known, { index: 0, offset: 0 }, file);
  else for (const { id, at } of fresh) yield* freshChunks(leafExtents(listHeader(source, id, 0)), known, at, file);
}

/** Number of an extent in its file, and its first byte. */
interface At {
  index: number;
  offset: number;
}

interface FreshLeaf {
  id: NodeId;
  at: At;
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

interface Lists {
  source: NodeSource;
  /** Nodes of the old lists. */
  old: Set<NodeId>;
  /** Every node met. */
  seen: Set<NodeId>;
  fresh: FreshLeaf[];
  /** The first base's content. */
  before: Content | undefined;
}

/** Yields nodes that the old lists lack; new leaves go to `fresh`. */
function* freshNodes(lists: Lists, id: NodeId, level: number | undefined, at: At): Generator<Reached> {
  const { source, old, seen, fresh, before } = lists;
  if (seen.has(id)) return;
  seen.add(id);
  if (old.has(id)) return;
  const header = listHeader(source, id, level);
  const over = before && 'list' in before ? listNodeAt(source, before.list, header.level, at.offset) : undefined;
  yield { kind: KIND.node, id: unhex(id), ...(over && { over: [over] }) };
  if (header.type === TYPE.listLeaf) {
    fresh.push({ id, at });
    return;
  }
  let { index, offset } = at;
  for (const child of listChildren(header)) {
    yield* freshNodes(lists, child.id, header.level - 1, { index, offset });
    index += child.extents;
    offset += child.length;
  }
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

function* freshChunks(
  extents: Iterable<Extent>,
  known: Set<string>,
  first: At,
  file: ReachedFile | undefined,
): Generator<Reached> {
  let { index, offset } = first;
  for (const { id, length } of extents) {
    const at = file && { file, index, offset };
    index++;
    offset += length;
    if (!id) continue;
    const claim = claimOf(id, length);
    if (known.has(claim)) continue;
    if (known.size < REMEMBERED) known.add(claim);
    yield { kind: KIND.chunk, id, length, ...(at && { at }) };
  }
}

/** A chunk that is known with another length is not known: somebody has to compare it with the chunk itself. */
const claimOf = (id: Uint8Array, length: number): string => `${hex(id)}${length}`;
