/**
 * Reading nodes. All of it is bounded by the node's bytes and checks what costs nothing: lengths, order of the parts,
 * shortest numbers. `strict` also refuses a key that could have shared more, or that does not ascend.
 */
import { type EntryFacts, readFacts } from '../../core/entry-codec.ts';
import { hex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import { MAX_PATH, type PathKey } from '../../core/paths.ts';
import { ByteReader, malformed } from '../../core/varint.ts';
import type { NodeSource } from '../contract.ts';
import type { Totals } from './contract.ts';
import { HEADER, MAX_ITEMS, MAX_LEVEL, MAX_NODE, MIN_ITEMS, TYPE, unknownFormat, VERSION } from './format.ts';

/** A child as its parent names it. */
export interface Child {
  key: PathKey;
  id: NodeId;
  level: number;
  totals: Totals;
}

export interface Header {
  type: number;
  level: number;
  count: number;
  bytes: Uint8Array;
}

export function readHeader(source: NodeSource, id: NodeId): Header {
  const bytes = source.readNode(id);
  return parseHeader(bytes);
}

export function parseHeader(bytes: Uint8Array): Header {
  if (bytes.length < HEADER || bytes.length > MAX_NODE) throw malformed('a node has an impossible length');
  if (bytes[0] !== VERSION) throw unknownFormat(`manifest version ${bytes[0]}`);
  const type = bytes[1];
  const level = bytes[2];
  const count = bytes[3] | (bytes[4] << 8);
  if (type > TYPE.listInner) throw unknownFormat(`manifest node type ${type}`);
  const inner = type === TYPE.inner || type === TYPE.listInner;
  if (inner ? level < 1 || level > MAX_LEVEL : level !== 0) throw malformed('a node has an impossible level');
  if (count > MAX_ITEMS || (count === 0 && type !== TYPE.leaf)) throw malformed('a node has an impossible count');
  return { type, level, count, bytes };
}

/** Header of a manifest node, at the level that its parent promised. */
export function treeHeader(source: NodeSource, id: NodeId, level?: number): Header {
  const header = readHeader(source, id);
  if (header.type > TYPE.inner || (level !== undefined && header.level !== level))
    throw malformed('a node of the wrong kind');
  return header;
}

export function listHeader(source: NodeSource, id: NodeId, level?: number): Header {
  const header = readHeader(source, id);
  if (header.type < TYPE.listLeaf || (level !== undefined && header.level !== level))
    throw malformed('a node of the wrong kind');
  return header;
}

/** Steps through prefix-compressed keys; `pos` of the reader stands behind the key after each. */
class Keys {
  readonly reader: ByteReader;
  #key = Buffer.allocUnsafe(MAX_PATH);
  readonly #strict: boolean;
  #length = 0;
  #first = true;

  constructor(header: Header, strict: boolean) {
    this.reader = new ByteReader(header.bytes, HEADER);
    this.#strict = strict;
  }

  next(): PathKey {
    const reader = this.reader;
    const shared = reader.varint();
    const length = reader.varint();
    if (shared > this.#length || shared + length > MAX_PATH || (length === 0 && !this.#first))
      throw malformed('a key of the wrong form');
    const start = reader.skip(length);
    const key = this.#key;
    const from = reader.bytes;
    // Ascending order and maximal sharing are one test: the first new byte is greater than the one that it replaces.
    if (this.#strict && !this.#first && shared < this.#length && from[start] <= key[shared])
      throw malformed('keys out of order');
    for (let i = 0; i < length; i++) key[shared + i] = from[start + i];
    this.#length = shared + length;
    this.#first = false;
    return key.latin1Slice(0, this.#length) as PathKey;
  }
}

/** Steps through a leaf without decoding entries: `key`, and `start`..`end` of the entry within `bytes`. `item` is where its key begins. */
export class LeafReader {
  readonly bytes: Uint8Array;
  readonly count: number;
  key = '' as PathKey;
  /** The key before. */
  previous = '' as PathKey;
  item = 0;
  start = 0;
  end = 0;
  readonly #keys: Keys;
  #left: number;

  constructor(header: Header, strict = false) {
    this.bytes = header.bytes;
    this.count = header.count;
    this.#left = header.count;
    this.#keys = new Keys(header, strict);
  }

  /** True when this item was asked whether it ends the node, and did not: its key's hash is no boundary. */
  get inside(): boolean {
    return this.#left > 0 && this.count - this.#left >= MIN_ITEMS;
  }

  next(): boolean {
    const reader = this.#keys.reader;
    if (this.#left === 0) {
      if (reader.pos !== reader.end) throw malformed('bytes behind the end of a node');
      return false;
    }
    this.#left--;
    this.item = reader.pos;
    this.previous = this.key;
    this.key = this.#keys.next();
    const length = reader.varint();
    if (length === 0) throw malformed('an empty entry');
    this.start = reader.skip(length);
    this.end = reader.pos;
    return true;
  }
}

/** All children of an inner node. */
export function readChildren(header: Header, strict = false): Child[] {
  const keys = new Keys(header, strict);
  const reader = keys.reader;
  const children: Child[] = [];
  for (let i = 0; i < header.count; i++) {
    const key = keys.next();
    const at = reader.skip(32);
    const id = hex(reader.bytes.subarray(at, at + 32)) as NodeId;
    const totals = { entries: reader.varint(), files: reader.varint(), bytes: reader.varint(), links: reader.varint() };
    children.push({ key, id, level: header.level - 1, totals });
  }
  if (reader.pos !== reader.end) throw malformed('bytes behind the end of a node');
  return children;
}

export const noTotals = (): Totals => ({ entries: 0, files: 0, bytes: 0, links: 0 });

export function addTotals(to: Totals, more: Totals): void {
  to.entries += more.entries;
  to.files += more.files;
  to.bytes += more.bytes;
  to.links += more.links;
}

const facts: EntryFacts = { file: false, size: 0, linked: false };

/** Counts one encoded entry in. */
export function addEntry(to: Totals, bytes: Uint8Array, start: number, end: number): void {
  readFacts(bytes, start, end, facts);
  to.entries++;
  if (facts.file) to.files++;
  to.bytes += facts.size;
  if (facts.linked) to.links++;
}

export function nodeTotals(header: Header): Totals {
  const totals = noTotals();
  if (header.type === TYPE.inner) for (const child of readChildren(header)) addTotals(totals, child.totals);
  else for (const leaf = new LeafReader(header); leaf.next(); ) addEntry(totals, leaf.bytes, leaf.start, leaf.end);
  return totals;
}

/** Index of the last child whose first key is not behind `key`; -1 if all are. */
export function childIndex(children: readonly Child[], key: string): number {
  let low = 0;
  let high = children.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (children[middle].key <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
