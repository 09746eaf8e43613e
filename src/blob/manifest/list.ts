/**
 * Lists of extents that are too long to be inline: a tree cut by chunk ids, with lengths instead of offsets, so that
 * bytes inserted at the front of a big file change one or two nodes a level.
 */
import type { Content, Extent } from '../../core/entry.ts';
import { PlaitError } from '../../core/errors.ts';
import {
  encodeExtents,
  INLINE_EXTENTS,
  iterateExtents,
  MAX_EXTENT_BYTES,
  MAX_FILE,
  normalExtents,
  readExtent,
  writeExtent,
} from '../../core/extents.ts';
import { hex, unhex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import { ByteReader, malformed } from '../../core/varint.ts';
import type { NodeSink, NodeSource } from '../contract.ts';
import { HEADER, idHash, TYPE } from './format.ts';
import { type Header, listHeader } from './node-reader.ts';
import { NodeWriter } from './node-writer.ts';

/** A subtree of a list as its parent names it. */
export interface ListChild {
  id: NodeId;
  /** Bytes of the file, and extents, below it. */
  length: number;
  extents: number;
}

interface Level {
  node: NodeWriter;
  length: number;
  extents: number;
  added: number;
  last: NodeId | undefined;
}

class ListWriter {
  readonly #sink: NodeSink;
  readonly #levels: Level[] = [];
  readonly #scratch = Buffer.allocUnsafe(MAX_EXTENT_BYTES);

  constructor(sink: NodeSink) {
    this.#sink = sink;
  }

  #level(level: number): Level {
    const node = () => new NodeWriter(level === 0 ? TYPE.listLeaf : TYPE.listInner, level);
    this.#levels[level] ??= { node: node(), length: 0, extents: 0, added: 0, last: undefined };
    return this.#levels[level];
  }

  put(extent: Extent): void {
    const level = this.#level(0);
    level.length += extent.length;
    if (level.length > MAX_FILE) throw tooLarge();
    level.extents++;
    level.added++;
    level.node.room();
    level.node.bytes(this.#scratch, 0, writeExtent(this.#scratch, 0, extent));
    if (level.node.end(idHash(extent.id))) this.#close(level);
  }

  #close(level: Level): void {
    const id = this.#sink.putNode(level.node.take());
    const { length, extents } = level;
    level.length = 0;
    level.extents = 0;
    const above = this.#level(level.node.level + 1);
    above.length += length;
    if (above.length > MAX_FILE) throw tooLarge();
    above.extents += extents;
    above.added++;
    above.last = id;
    const raw = unhex(id);
    above.node.room();
    above.node.bytes(raw);
    above.node.number(length);
    above.node.number(extents);
    if (above.node.end(idHash(raw))) this.#close(above);
  }

  finish(): NodeId {
    for (let i = 0; i < this.#levels.length; i++) {
      const level = this.#levels[i];
      if (i > 0 && level.added === 1 && level.last) return level.last;
      if (level.node.count > 0) this.#close(level);
    }
    throw new PlaitError('unexpected', 'an empty list');
  }
}

const tooLarge = (): PlaitError => new PlaitError('unexpected', 'a file is larger than the format allows (4 PiB)');

export function buildList(sink: NodeSink, extents: Iterable<Extent>): Content {
  const head: Extent[] = [];
  let list: ListWriter | undefined;
  for (const extent of normalExtents(extents)) {
    if (list) list.put(extent);
    else if (head.length < INLINE_EXTENTS) head.push(extent);
    else {
      list = new ListWriter(sink);
      for (const first of head) list.put(first);
      list.put(extent);
    }
  }
  return list ? { list: list.finish() } : { extents: encodeExtents(head) };
}

export function* extents(source: NodeSource, content: Content): Generator<Extent> {
  if ('extents' in content) yield* iterateExtents(content.extents);
  else yield* listExtents(source, content.list);
}

/** Where to begin: at the extent of this index, or at the one that holds this byte. */
export type Seek = { index: number } | { offset: number };

export interface PlacedExtent extends Extent {
  index: number;
  /** Its first byte in the file. */
  offset: number;
}

/** The rest of a file's extents from one on; reads only the nodes on the way to it. */
export function* extentsFrom(source: NodeSource, content: Content, seek: Seek): Generator<PlacedExtent> {
  const at = { index: 0, offset: 0 };
  if ('extents' in content) yield* placed(iterateExtents(content.extents), seek, at);
  else yield* listFrom(source, content.list, undefined, seek, at);
}

const before = (seek: Seek, at: { index: number; offset: number }, extents: number, length: number): boolean =>
  'index' in seek ? at.index + extents <= seek.index : at.offset + length <= seek.offset;

function* placed(
  extents: Iterable<Extent>,
  seek: Seek,
  at: { index: number; offset: number },
): Generator<PlacedExtent> {
  for (const extent of extents) {
    if (!before(seek, at, 1, extent.length)) yield { ...extent, ...at };
    at.index++;
    at.offset += extent.length;
  }
}

function* listFrom(
  source: NodeSource,
  id: NodeId,
  level: number | undefined,
  seek: Seek,
  at: { index: number; offset: number },
): Generator<PlacedExtent> {
  const header = listHeader(source, id, level);
  if (header.type === TYPE.listLeaf) {
    yield* placed(leafExtents(header), seek, at);
    return;
  }
  for (const child of listChildren(header)) {
    if (before(seek, at, child.extents, child.length)) {
      at.index += child.extents;
      at.offset += child.length;
    } else yield* listFrom(source, child.id, header.level - 1, seek, at);
  }
}

/** The node of a level that holds this byte, or the last one; undefined where the list is not that high. */
export function listNodeAt(source: NodeSource, list: NodeId, level: number, byte: number): NodeId | undefined {
  let header = listHeader(source, list);
  let id = list;
  let offset = byte;
  while (header.level > level) {
    const children = listChildren(header);
    let n = 0;
    while (n < children.length - 1 && children[n].length <= offset) offset -= children[n++].length;
    id = children[n].id;
    if (header.level - 1 === level) return id;
    header = listHeader(source, id, header.level - 1);
  }
  return header.level === level ? id : undefined;
}

/** Extents below one node of a list. */
export function* listExtents(source: NodeSource, id: NodeId, level?: number): Generator<Extent> {
  const header = listHeader(source, id, level);
  if (header.type === TYPE.listLeaf) yield* leafExtents(header);
  else for (const child of listChildren(header)) yield* listExtents(source, child.id, header.level - 1);
}

export function* leafExtents(header: Header): Generator<Extent> {
  const reader = new ByteReader(header.bytes, HEADER);
  for (let i = 0; i < header.count; i++) yield readExtent(reader);
  if (reader.pos !== reader.end) throw malformed('bytes behind the end of a node');
}

export function listChildren(header: Header): ListChild[] {
  const reader = new ByteReader(header.bytes, HEADER);
  const children: ListChild[] = [];
  for (let i = 0; i < header.count; i++) {
    const at = reader.skip(32);
    const id = hex(reader.bytes.subarray(at, at + 32)) as NodeId;
    children.push({ id, length: reader.varint(), extents: reader.varint() });
  }
  if (reader.pos !== reader.end) throw malformed('bytes behind the end of a node');
  return children;
}
