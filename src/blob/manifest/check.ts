/**
 * Checks a tree that came from elsewhere: it must be, byte for byte, what `build` would have made of legal entries.
 * Subtrees of trusted trees are stepped over; then only the seams are checked: order, parents, boundaries, totals.
 * Memory: one node a level, the chain of folders around the present path, and bounded memories of links and lists.
 */

import type { Entry } from '../../core/entry.ts';
import { decodeEntryAt } from '../../core/entry-codec.ts';
import { PlaitError } from '../../core/errors.ts';
import { nodeId } from '../../core/hash.ts';
import type { NodeId } from '../../core/ids.ts';
import { nameFault, pathFault } from '../../core/names.ts';
import { baseName, isWithin, type PathKey, parentKey, ROOT, showPath } from '../../core/paths.ts';
import { malformed, varintSize } from '../../core/varint.ts';
import type { NodeSource } from '../contract.ts';
import { BaseCursor, type Place } from './base-cursor.ts';
import { ListChecker } from './check-list.ts';
import type { Totals } from './contract.ts';
import { endsNode, HEADER, keyHash, TYPE } from './format.ts';
import {
  addEntry,
  addTotals,
  type Child,
  type Header,
  LeafReader,
  noTotals,
  readChildren,
  treeHeader,
} from './node-reader.ts';
import { find, lastPath } from './read.ts';

const LINKS_REMEMBERED = 4096;

export function check(source: NodeSource, root: NodeId, trusted: NodeId[] = []): void {
  for (const steps = checkSteps(source, root, trusted); !steps.next().done; );
}

export function* checkSteps(source: NodeSource, root: NodeId, trusted: NodeId[] = []): Generator<void, void> {
  if (trusted.includes(root)) return;
  yield* new TreeChecker(source, root, trusted).run();
}

class TreeChecker {
  readonly #source: NodeSource;
  readonly #root: NodeId;
  readonly #trusted: BaseCursor[];
  readonly #lists: ListChecker;
  /** Directories around the last path, outermost first. */
  readonly #folders: PathKey[] = [];
  /** First members of link groups seen lately, with their kind. */
  readonly #groups = new Map<PathKey, string>();
  #last: PathKey = ROOT;
  /** The last subtree that was stepped over, while `#last` is not its last path. */
  #skipped: { place: Place; by: BaseCursor } | undefined;
  #skippedAny = false;

  constructor(source: NodeSource, root: NodeId, trusted: NodeId[]) {
    this.#source = source;
    this.#root = root;
    this.#trusted = [...new Set(trusted)].map((id) => new BaseCursor(source, id));
    this.#lists = new ListChecker(source);
  }

  *run(): Generator<void, void> {
    const header = treeHeader(this.#source, this.#root);
    if (header.type === TYPE.inner && header.count < 2) throw malformed('a root with one child');
    yield* this.#node(header, this.#root, undefined, true);
  }

  /** `last`: nothing of this level follows, so the node may be open. */
  *#node(header: Header, id: NodeId, claim: Child | undefined, last: boolean): Generator<void, void> {
    if (nodeId(header.bytes) !== id) throw malformed('a node does not match its id');
    yield;
    const totals =
      header.type === TYPE.leaf ? yield* this.#leaf(header, claim, last) : yield* this.#inner(header, claim, last);
    if (totals.bytes > Number.MAX_SAFE_INTEGER) throw malformed('a tree is too large');
    if (claim && !sameTotals(totals, claim.totals)) throw malformed('wrong totals in a manifest');
  }

  *#inner(header: Header, claim: Child | undefined, last: boolean): Generator<void, Totals> {
    const children = readChildren(header, true);
    if (claim && children[0].key !== claim.key) throw malformed('a node does not begin where its parent says');
    checkEnds(header.level, children, last);
    const totals = noTotals();
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      addTotals(totals, child.totals);
      const open = last && i === children.length - 1;
      if (!this.#stepOver(child, open)) {
        yield* this.#node(treeHeader(this.#source, child.id, child.level), child.id, child, open);
      }
    }
    return totals;
  }

  *#leaf(header: Header, claim: Child | undefined, last: boolean): Generator<void, Totals> {
    if (header.count === 0 && claim) throw malformed('an empty leaf');
    const totals = noTotals();
    const leaf = new LeafReader(header, true);
    let ended = false;
    for (let count = 1; leaf.next(); count++) {
      if (ended) throw malformed('a node ends in the wrong place');
      if (count === 1 && claim && leaf.key !== claim.key)
        throw malformed('a node does not begin where its parent says');
      const entry = decodeEntryAt(leaf.key, leaf.bytes, leaf.start, leaf.end, true);
      yield* this.#entry(entry);
      addEntry(totals, leaf.bytes, leaf.start, leaf.end);
      ended = endsNode(keyHash(0, leaf.key), count, leaf.end);
    }
    if (!ended && !last) throw malformed('a node ends in the wrong place');
    return totals;
  }

  *#entry(entry: Entry): Generator<void, void> {
    const { path, kind, linkGroup, content } = entry;
    this.#resolveSkipped();
    if (path <= this.#last) throw malformed('keys out of order');
    this.#parent(path);
    const fault = nameFault(baseName(path));
    if (fault) throw illegal(path, fault);
    if (kind === 'dir') this.#folders.push(path);
    this.#last = path;
    if (linkGroup !== undefined) this.#link(entry, linkGroup);
    if (content && 'list' in content) {
      const size = yield* this.#lists.check(content.list);
      if (size !== entry.size) throw malformed('a file and its list differ in size');
    }
  }

  /** The path's folder is in the tree, as a directory. What is legal about the folder was checked with it. */
  #parent(path: PathKey): void {
    const folders = this.#folders;
    const parent = parentKey(path);
    while (folders.length > 0 && !isWithin(parent, folders[folders.length - 1])) folders.pop();
    // A leading NUL has an empty first component: its parent looks like the root.
    if (parent === '' ? path.charCodeAt(0) !== 0 : folders.length > 0 && folders[folders.length - 1] === parent) return;
    if (this.#skippedAny && parent !== '' && find(this.#source, this.#root, parent)?.kind === 'dir') {
      folders.push(parent);
      return;
    }
    throw illegal(path, 'a path whose folder is not in the tree');
  }

  #link(entry: Entry, group: PathKey): void {
    const groups = this.#groups;
    if (group === entry.path) {
      if (groups.size >= LINKS_REMEMBERED) groups.clear();
      groups.set(group, entry.kind);
      return;
    }
    let kind = groups.get(group);
    if (kind === undefined && group < entry.path && pathFault(group) === undefined) {
      const first = find(this.#source, this.#root, group);
      if (first?.linkGroup === group) kind = first.kind;
      if (kind !== undefined && groups.size < LINKS_REMEMBERED) groups.set(group, kind);
    }
    if (kind !== entry.kind) throw illegal(entry.path, 'a hard link to something that is not in the tree');
  }

  /** Links must be looked at again where their first member may be gone, and a node that was last may be open. */
  #stepOver(child: Child, mayBeOpen: boolean): boolean {
    if (child.totals.links > 0) return false;
    for (const by of this.#trusted) {
      const place = by.holds(child);
      if (!place || (place.last && !mayBeOpen) || !sameTotals(place.child.totals, child.totals)) continue;
      const before = this.#skipped;
      const inOrder = before?.by === by && before.place.child.level === child.level;
      // Two nodes of one level of a trusted tree are in order; neighbours there have their folders there too.
      if (!inOrder) this.#resolveSkipped();
      if (child.key <= (inOrder ? before.place.child.key : this.#last)) throw malformed('keys out of order');
      const neighbours = inOrder && before.place.siblings === place.siblings && before.place.index === place.index - 1;
      if (!neighbours) this.#parent(child.key);
      this.#skipped = { place, by };
      this.#skippedAny = true;
      return true;
    }
    return false;
  }

  #resolveSkipped(): void {
    const skipped = this.#skipped;
    if (!skipped) return;
    this.#skipped = undefined;
    this.#last = lastPath(this.#source, skipped.place.child.id) ?? this.#last;
  }
}

const illegal = (path: PathKey, what: string): PlaitError =>
  new PlaitError('integrity', `the peer's data holds ${what}: ${showPath(path.slice(0, 200) as PathKey)}`, {
    hint: 'nothing of it was kept; tell whoever runs the remote',
  });

const sameTotals = (a: Totals, b: Totals): boolean =>
  a.entries === b.entries && a.files === b.files && a.bytes === b.bytes && a.links === b.links;

/** An inner node ends behind the first child that ends it, the last of its level also before. */
function checkEnds(level: number, children: Child[], last: boolean): void {
  let size = HEADER;
  let before = '';
  children.forEach(({ key, totals }, i) => {
    let shared = 0;
    while (i > 0 && shared < before.length && before.charCodeAt(shared) === key.charCodeAt(shared)) shared++;
    before = key;
    size += varintSize(shared) + varintSize(key.length - shared) + key.length - shared + 32;
    size += varintSize(totals.entries) + varintSize(totals.files) + varintSize(totals.bytes) + varintSize(totals.links);
    const ends = endsNode(keyHash(level, key), i + 1, size);
    const final = i === children.length - 1;
    if (ends ? !final : final && !last) throw malformed('a node ends in the wrong place');
  });
}
