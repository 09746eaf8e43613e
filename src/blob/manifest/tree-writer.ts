/**
 * Builds a tree bottom-up from a stream of entries, holding one open node a level. Whole nodes of an older tree can be
 * put in between entries, wherever the stream stands exactly at the beginning of a node: the result is the same as if
 * their entries had been written one by one.
 */

import type { Entry } from '../../core/entry.ts';
import { type EntryFacts, MAX_ENTRY, readFacts, writeEntry } from '../../core/entry-codec.ts';
import { PlaitError } from '../../core/errors.ts';
import { unhex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import { MAX_PATH, type PathKey } from '../../core/paths.ts';
import type { NodeSink, NodeSource } from '../contract.ts';
import type { Totals } from './contract.ts';
import { MAX_LEVEL, NO_BOUNDARY, TYPE } from './format.ts';
import { addTotals, type Child, type LeafReader, noTotals, readChildren, treeHeader } from './node-reader.ts';
import { NodeWriter } from './node-writer.ts';

interface Level {
  node: NodeWriter;
  totals: Totals;
  /** Items ever added, and the last child: a level with one child in all is no level. */
  added: number;
  last: Child | undefined;
}

export class TreeWriter {
  readonly #sink: NodeSink;
  readonly #levels: Level[] = [];
  readonly #facts: EntryFacts = { file: false, size: 0, linked: false };
  readonly #scratch = Buffer.allocUnsafe(2 * MAX_ENTRY);

  constructor(sink: NodeSink) {
    this.#sink = sink;
    this.#level(0);
  }

  #level(level: number): Level {
    const there = this.#levels[level];
    if (there) return there;
    if (level > MAX_LEVEL) throw new PlaitError('unexpected', 'a manifest is too high');
    for (let i = this.#levels.length; i <= level; i++) {
      const node = new NodeWriter(i === 0 ? TYPE.leaf : TYPE.inner, i);
      this.#levels.push({ node, totals: noTotals(), added: 0, last: undefined });
    }
    return this.#levels[level];
  }

  /** True where a whole node of `level` may be put. */
  aligned(level: number): boolean {
    for (let i = Math.min(level, this.#levels.length - 1); i >= 0; i--)
      if (this.#levels[i].node.count > 0) return false;
    return true;
  }

  put(entry: Entry): void {
    const end = writeEntry(this.#scratch, 0, entry);
    this.putEncoded(entry.path, this.#scratch, 0, end);
  }

  /** An encoded entry, copied from `start` to `end` of `bytes`. */
  putEncoded(path: PathKey, bytes: Uint8Array, start: number, end: number): void {
    const level = this.#count(bytes, start, end);
    this.#append(level.node, path, bytes, start, end);
    if (level.node.endKey(path)) this.#close(level);
  }

  /** The present entry of a leaf of a canonical tree; cheaper than `putEncoded`, with the same outcome. */
  putCopy(leaf: LeafReader): void {
    const { key, bytes, start, end } = leaf;
    const level = this.#count(bytes, start, end);
    const { node } = level;
    if (node.follows(leaf.previous)) node.copyItem(key, bytes, leaf.item, end);
    else this.#append(node, key, bytes, start, end);
    if (leaf.inside ? node.end(NO_BOUNDARY) : node.endKey(key)) this.#close(level);
  }

  #append(node: NodeWriter, path: PathKey, bytes: Uint8Array, start: number, end: number): void {
    if (path === '' || path.length > MAX_PATH)
      throw new PlaitError('unexpected', 'a path of impossible length in a manifest');
    node.key(path, end - start);
    node.number(end - start);
    node.bytes(bytes, start, end);
  }

  /** Counts an entry into the open leaf. */
  #count(bytes: Uint8Array, start: number, end: number): Level {
    const level = this.#levels[0];
    const { totals } = level;
    const facts = this.#facts;
    readFacts(bytes, start, end, facts);
    totals.entries++;
    if (facts.file) totals.files++;
    totals.bytes += facts.size;
    if (facts.linked) totals.links++;
    level.added++;
    return level;
  }

  /** A whole node that is closed, or behind which nothing follows. The caller has asked `aligned(child.level)`. */
  putNode(child: Child): void {
    const level = this.#level(child.level + 1);
    const { node } = level;
    addTotals(level.totals, child.totals);
    level.added++;
    level.last = child;
    node.key(child.key, 128);
    node.bytes(unhex(child.id));
    node.number(child.totals.entries);
    node.number(child.totals.files);
    node.number(child.totals.bytes);
    node.number(child.totals.links);
    if (node.endKey(child.key)) this.#close(level);
  }

  #close(level: Level): void {
    const { node, totals } = level;
    if (totals.bytes > Number.MAX_SAFE_INTEGER) throw new PlaitError('unexpected', 'a tree of more than 2^53 bytes');
    level.totals = noTotals();
    const key = node.firstKey as PathKey;
    this.putNode({ key, id: this.#sink.putNode(node.take()), level: node.level, totals });
  }

  /** Writes what is open. `source` holds the nodes that were put as wholes. */
  finish(source?: NodeSource): NodeId {
    for (let i = 0; i < this.#levels.length; i++) {
      const level = this.#levels[i];
      if (i > 0 && level.added === 1 && level.last) return this.#top(level.last, source);
      if (level.node.count > 0) this.#close(level);
    }
    return this.#sink.putNode(this.#levels[0].node.take());
  }

  /** A root with one child is none. Only a node taken over from another tree can be one: there it was not alone. */
  #top(child: Child, source: NodeSource | undefined): NodeId {
    let top = child;
    while (source && top.level > 0) {
      const children = this.#wroteRoot(top) ? [] : readChildren(treeHeader(source, top.id, top.level));
      if (children.length !== 1) break;
      top = children[0];
    }
    return top.id;
  }

  /** A node of our own has more than one child here, and may not be readable before the sink ends. */
  #wroteRoot(child: Child): boolean {
    return (this.#levels[child.level]?.added ?? 0) > 0;
  }
}
