/** Reading trees: one path, all entries, totals. Memory is one node a level. */

import type { Entry } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import type { NodeId } from '../../core/ids.ts';
import { isWithin, type PathKey, ROOT } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import { BaseCursor } from './base-cursor.ts';
import type { Totals } from './contract.ts';
import { TYPE } from './format.ts';
import { childIndex, LeafReader, nodeTotals, readChildren, treeHeader } from './node-reader.ts';

export const totals = (source: NodeSource, root: NodeId): Totals => nodeTotals(treeHeader(source, root));

export function find(source: NodeSource, root: NodeId, path: PathKey): Entry | undefined {
  let header = treeHeader(source, root);
  while (header.type === TYPE.inner) {
    const children = readChildren(header);
    const child = children[childIndex(children, path)];
    if (!child) return undefined;
    header = treeHeader(source, child.id, child.level);
  }
  for (const leaf = new LeafReader(header); leaf.next(); ) {
    if (leaf.key === path) return decodeEntryAt(path, leaf.bytes, leaf.start, leaf.end, false);
    if (leaf.key > path) return undefined;
  }
  return undefined;
}

export function finder(source: NodeSource, root: NodeId): (path: PathKey) => Entry | undefined {
  let cursor: BaseCursor | undefined;
  let last: PathKey | undefined;
  return (path) => {
    // It only goes forward.
    if (last !== undefined && path < last) cursor = undefined;
    cursor ??= new BaseCursor(source, root);
    last = path;
    return cursor.entryAt(path);
  };
}

/** Leaves that can hold `from` or anything behind it, in order; the first may begin before it. */
export function* leaves(source: NodeSource, id: NodeId, from: PathKey, level?: number): Generator<LeafReader> {
  const header = treeHeader(source, id, level);
  if (header.type === TYPE.leaf) {
    yield new LeafReader(header);
    return;
  }
  const children = readChildren(header);
  for (let i = Math.max(0, childIndex(children, from)); i < children.length; i++) {
    yield* leaves(source, children[i].id, from, children[i].level);
  }
}

export function* entries(source: NodeSource, root: NodeId, within: PathKey = ROOT): Generator<Entry> {
  for (const leaf of leaves(source, root, within)) {
    while (leaf.next()) {
      if (leaf.key < within) continue;
      if (!isWithin(leaf.key, within)) return;
      yield decodeEntryAt(leaf.key, leaf.bytes, leaf.start, leaf.end, false);
    }
  }
}

/** The bytes are views into nodes. */
export function* encodedEntries(source: NodeSource, root: NodeId): Generator<{ path: PathKey; bytes: Uint8Array }> {
  for (const leaf of leaves(source, root, ROOT)) {
    while (leaf.next()) yield { path: leaf.key, bytes: leaf.bytes.subarray(leaf.start, leaf.end) };
  }
}

/** The last path at or below a node; undefined for the empty tree. */
export function lastPath(source: NodeSource, id: NodeId): PathKey | undefined {
  let header = treeHeader(source, id);
  while (header.type === TYPE.inner) {
    const last = readChildren(header)[header.count - 1];
    header = treeHeader(source, last.id, last.level);
  }
  const leaf = new LeafReader(header);
  while (leaf.next());
  return leaf.count === 0 ? undefined : leaf.key;
}
