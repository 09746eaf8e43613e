/** Walking a tree from left to right, into subtrees or over them. */

import type { Entry } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import type { NodeId } from '../../core/ids.ts';
import type { PathKey } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import { TYPE } from './format.ts';
import { type Child, childIndex, LeafReader, readChildren, treeHeader } from './node-reader.ts';

/** A place in a tree: before a whole subtree, or before one entry. */
export class Cursor {
  readonly #source: NodeSource;
  readonly #stack: { children: Child[]; at: number }[] = [];
  /** The leaf whose entry is next, if the place is before one. */
  leaf: LeafReader | undefined;
  /** Next subtree, if the place is before one. */
  node: Child | undefined;
  /** First key of what is next; undefined at the end. */
  key: PathKey | undefined;

  constructor(source: NodeSource, root: NodeId) {
    this.#source = source;
    this.#enter(root, undefined);
  }

  #enter(id: NodeId, level: number | undefined): void {
    const header = treeHeader(this.#source, id, level);
    if (header.type === TYPE.leaf) this.leaf = new LeafReader(header);
    else this.#stack.push({ children: readChildren(header), at: -1 });
    this.node = undefined;
    this.next();
  }

  /** Steps over what is next. */
  next(): void {
    if (this.leaf) {
      if (this.leaf.next()) {
        this.key = this.leaf.key;
        return;
      }
      this.leaf = undefined;
    }
    for (let top = this.#stack.at(-1); top; top = this.#stack.at(-1)) {
      top.at++;
      if (top.at < top.children.length) {
        this.node = top.children[top.at];
        this.key = this.node.key;
        return;
      }
      this.#stack.pop();
    }
    this.node = undefined;
    this.key = undefined;
  }

  /** Into the subtree that is next. */
  descend(): void {
    const { id, level } = this.node as Child;
    this.#enter(id, level);
  }

  /**
   * Steps over all that lies before `key`, without reading what is stepped over, and never back. Then it is before an
   * entry, or at the end.
   */
  seek(key: PathKey): void {
    this.#climb(key);
    while (this.key !== undefined && (this.node || this.key < key)) {
      if (!this.node) {
        this.next();
        continue;
      }
      this.descend();
      if (this.node) this.#forward(key);
    }
  }

  /** Up, out of all that ends before `key`. */
  #climb(key: PathKey): void {
    const ends = (depth: number): boolean => {
      const end = this.end(depth);
      return end !== undefined && end <= key;
    };
    if (!ends(this.#stack.length)) return;
    this.leaf = undefined;
    while (ends(this.#stack.length - 1)) this.#stack.pop();
    this.#forward(key);
  }

  /** Among the children of one node. */
  #forward(key: PathKey): void {
    const top = this.#stack[this.#stack.length - 1];
    top.at = Math.max(top.at, childIndex(top.children, key));
    this.node = top.children[top.at];
    this.key = this.node.key;
  }

  /** First key behind the subtree that is next, or behind the one at a depth; undefined if nothing follows it. */
  end(depth = this.#stack.length): PathKey | undefined {
    for (let i = depth - 1; i >= 0; i--) {
      const { children, at } = this.#stack[i];
      if (at + 1 < children.length) return children[at + 1].key;
    }
    return undefined;
  }

  entry(): Entry {
    const { key, bytes, start, end } = this.leaf as LeafReader;
    return decodeEntryAt(key, bytes, start, end, false);
  }

  encoded(): Uint8Array {
    const { bytes, start, end } = this.leaf as LeafReader;
    return bytes.subarray(start, end);
  }
}
