/** Walking a tree from left to right, into subtrees or over them. */

import type { Entry } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import type { NodeId } from '../../core/ids.ts';
import type { PathKey } from '../../core/paths.ts';
import type { NodeSource } from '../contract.ts';
import { TYPE } from './format.ts';
import { type Child, LeafReader, readChildren, treeHeader } from './node-reader.ts';

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

  /** First key behind the subtree that is next; undefined if nothing follows it. */
  end(): PathKey | undefined {
    for (let i = this.#stack.length - 1; i >= 0; i--) {
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
