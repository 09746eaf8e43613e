/** Checks lists of extents that came from elsewhere. */
import { INLINE_EXTENTS, MAX_FILE, readExtent } from '../../core/extents.ts';
import { nodeId, unhex } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import { ByteReader, malformed, varintSize } from '../../core/varint.ts';
import type { NodeSource } from '../contract.ts';
import { endsNode, HEADER, idHash, TYPE } from './format.ts';
import { listChildren } from './list.ts';
import { type Header, listHeader } from './node-reader.ts';

/** What is known of a checked subtree. */
interface Facts {
  level: number;
  count: number;
  length: number;
  extents: number;
  /** Whether its first and last extents are holes: two must not meet where nodes do. */
  holeFirst: boolean;
  holeLast: boolean;
  /** Whether it ends where the format ends a node, as all but the last of a level must. */
  closed: boolean;
}

/**
 * A subtree is checked once however often it is named: a few nodes that name each other many times over would else
 * make years of work. At most this many are remembered.
 */
const REMEMBERED = 1 << 17;

export class ListChecker {
  readonly #source: NodeSource;
  readonly #known = new Map<NodeId, Facts>();

  constructor(source: NodeSource) {
    this.#source = source;
  }

  /** Returns the file's size. Throws `integrity`. */
  *check(id: NodeId): Generator<void, number> {
    const facts = yield* this.#node(id, undefined);
    if (facts.extents <= INLINE_EXTENTS) throw malformed('a list that should be inline');
    if (facts.level > 0 && facts.count < 2) throw malformed('a root with one child');
    return facts.length;
  }

  *#node(id: NodeId, level: number | undefined): Generator<void, Facts> {
    const known = this.#known.get(id);
    if (known) {
      if (level !== undefined && known.level !== level) throw malformed('a node of the wrong kind');
      return known;
    }
    const header = listHeader(this.#source, id, level);
    if (nodeId(header.bytes) !== id) throw malformed('a node does not match its id');
    yield;
    const facts = header.type === TYPE.listLeaf ? checkLeaf(header) : yield* this.#inner(header);
    if (facts.length > MAX_FILE) throw malformed('a file is too large');
    if (this.#known.size < REMEMBERED) this.#known.set(id, facts);
    return facts;
  }

  *#inner(header: Header): Generator<void, Facts> {
    const children = listChildren(header);
    const facts = { ...EMPTY, level: header.level, count: header.count };
    let size = HEADER;
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      const below = yield* this.#node(child.id, header.level - 1);
      const last = i === children.length - 1;
      if (below.length !== child.length || below.extents !== child.extents) throw malformed('wrong totals in a list');
      if (!last && !below.closed) throw malformed('a node ends in the wrong place');
      if (i > 0 && facts.holeLast && below.holeFirst) throw malformed('two holes stand side by side');
      if (i === 0) facts.holeFirst = below.holeFirst;
      facts.holeLast = below.holeLast;
      facts.length += below.length;
      facts.extents += below.extents;
      size += 32 + varintSize(child.length) + varintSize(child.extents);
      const ends = endsNode(idHash(unhex(child.id)), i + 1, size);
      if (ends && !last) throw malformed('a node ends in the wrong place');
      // What stands last may be open only if all of its last descendants may; the caller asks for the whole chain.
      facts.closed = ends && below.closed;
    }
    return facts;
  }
}

const EMPTY: Facts = { level: 0, count: 0, length: 0, extents: 0, holeFirst: false, holeLast: false, closed: false };

function checkLeaf(header: Header): Facts {
  const reader = new ByteReader(header.bytes, HEADER);
  const facts = { ...EMPTY, count: header.count };
  for (let i = 0; i < header.count; i++) {
    const extent = readExtent(reader);
    const hole = extent.id === undefined;
    if (i === 0) facts.holeFirst = hole;
    else if (hole && facts.holeLast) throw malformed('two holes stand side by side');
    facts.holeLast = hole;
    facts.length += extent.length;
    facts.extents++;
    facts.closed = endsNode(idHash(extent.id), i + 1, reader.pos);
    if (facts.closed && i < header.count - 1) throw malformed('a node ends in the wrong place');
  }
  if (reader.pos !== reader.end) throw malformed('bytes behind the end of a node');
  return facts;
}
