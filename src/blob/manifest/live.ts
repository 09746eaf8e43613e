/** All that a tree names, for gc: what was met before, in this tree or an older one, is not walked again. */

import type { Content } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import { iterateExtents } from '../../core/extents.ts';
import { KIND, type Kind, unhex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import type { NodeSource } from '../contract.ts';
import { TYPE } from './format.ts';
import { leafExtents, listChildren } from './list.ts';
import { LeafReader, listHeader, readChildren, treeHeader } from './node-reader.ts';

/** Remembers an id; true where it was not met before. */
export type Meet = (kind: Kind, id: Uint8Array) => boolean;

/** Yields after each node. Where it throws, what was met may name things that were not. */
export function* liveSteps(source: NodeSource, root: NodeId, meet: Meet): Generator<void, void> {
  yield* tree(source, root, undefined, meet);
}

function* tree(source: NodeSource, id: NodeId, level: number | undefined, meet: Meet): Generator<void, void> {
  if (!meet(KIND.node, unhex(id))) return;
  const header = treeHeader(source, id, level);
  yield;
  if (header.type === TYPE.inner) {
    for (const child of readChildren(header)) yield* tree(source, child.id, child.level, meet);
    return;
  }
  for (const leaf = new LeafReader(header); leaf.next(); ) {
    const { content } = decodeEntryAt(leaf.key, leaf.bytes, leaf.start, leaf.end, false);
    if (content) yield* contentOf(source, content, meet);
  }
}

function* contentOf(source: NodeSource, content: Content, meet: Meet): Generator<void, void> {
  if ('list' in content) yield* list(source, content.list, undefined, meet);
  else for (const { id } of iterateExtents(content.extents)) if (id) meet(KIND.chunk, id);
}

function* list(source: NodeSource, id: NodeId, level: number | undefined, meet: Meet): Generator<void, void> {
  if (!meet(KIND.node, unhex(id))) return;
  const header = listHeader(source, id, level);
  yield;
  if (header.type === TYPE.listLeaf) {
    for (const { id: chunk } of leafExtents(header)) if (chunk) meet(KIND.chunk, chunk);
    return;
  }
  for (const child of listChildren(header)) yield* list(source, child.id, header.level - 1, meet);
}
