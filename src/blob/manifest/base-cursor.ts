/**
 * Answers for a tree that is held already: is this node one of yours, what is your entry at this path. Questions come
 * in ascending order of keys, so each node is read once; memory is one node a level.
 */

import type { Entry } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import type { NodeId } from '../../core/ids.ts';
import type { PathKey } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import { TYPE } from './format.ts';
import { type Child, childIndex, type Header, LeafReader, readChildren, treeHeader } from './node-reader.ts';

/** Where a node stands in the tree. */
export interface Place {
  child: Child;
  /** Its parent's children, the same array for neighbours, and its index there. */
  siblings: Child[];
  index: number;
  /** The last of its level: it may be open, so it is not the same node where something follows. */
  last: boolean;
}

export class BaseCursor {
  readonly root: NodeId;
  readonly #source: NodeSource;
  readonly #top: Header;
  /** By level of the parent. */
  readonly #open: ({ id: NodeId; children: Child[] } | undefined)[] = [];
  #leaf: { id: NodeId; reader: LeafReader; more: boolean } | undefined;

  constructor(source: NodeSource, root: NodeId) {
    this.#source = source;
    this.root = root;
    this.#top = treeHeader(source, root);
  }

  #children(id: NodeId, level: number): Child[] {
    const open = this.#open[level];
    if (open?.id === id) return open.children;
    const children = readChildren(level === this.#top.level ? this.#top : treeHeader(this.#source, id, level));
    this.#open[level] = { id, children };
    return children;
  }

  /** The node of `level` whose range holds `key`. */
  locate(level: number, key: PathKey): Place | undefined {
    let id = this.root;
    let last = true;
    for (let at = this.#top.level; at > level; at--) {
      const siblings = this.#children(id, at);
      const index = childIndex(siblings, key);
      if (index < 0) return undefined;
      last &&= index === siblings.length - 1;
      const child = siblings[index];
      if (at === level + 1) return { child, siblings, index, last };
      id = child.id;
    }
    return undefined;
  }

  /** Nodes of a level, or the root where no level is given, that hold keys from `key` on and before `end`. */
  over({ level, key, end }: { level?: number; key: PathKey; end?: PathKey }): NodeId[] | undefined {
    if (level === undefined || level === this.#top.level) return [this.root];
    const place = this.locate(level, key);
    if (!place) return undefined;
    const { siblings, index } = place;
    let behind = index + 1;
    while (behind < siblings.length && end !== undefined && siblings[behind].key < end) behind++;
    return siblings.slice(index, behind).map(({ id }) => id);
  }

  /** Where the tree holds exactly this node at this key. */
  holds(node: Child): Place | undefined {
    const place = this.locate(node.level, node.key);
    return place?.child.id === node.id && place.child.key === node.key ? place : undefined;
  }

  /** Keys asked for ascend. */
  entryAt(key: PathKey): Entry | undefined {
    const place = this.#top.type === TYPE.leaf ? undefined : this.locate(0, key);
    if (!place && this.#top.type !== TYPE.leaf) return undefined;
    const id = place ? place.child.id : this.root;
    if (this.#leaf?.id !== id) {
      const reader = new LeafReader(place ? treeHeader(this.#source, id, 0) : this.#top);
      this.#leaf = { id, reader, more: reader.next() };
    }
    const leaf = this.#leaf;
    while (leaf.more && leaf.reader.key < key) leaf.more = leaf.reader.next();
    if (!leaf.more || leaf.reader.key !== key) return undefined;
    return decodeEntryAt(key, leaf.reader.bytes, leaf.reader.start, leaf.reader.end, false);
  }
}
