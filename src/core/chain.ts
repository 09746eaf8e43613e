/**
 * Chains. A store's generations form a line, until a copy of the store, or a restored backup of it, goes on under the
 * same id: then two generations follow one, and their line is a tree. It is kept as chains, lines that end where the
 * tree forks: `S` up to the first fork, and behind a fork one chain for each generation there, `S/<hash of that one>`.
 * Where two generations claim to be the first, `S` itself is empty and not in the vector. Names are thus a function of
 * the tree: stores that hold the same generations have equal vectors. Who holds a chain holds all in front of it.
 *
 * On the wire a generation names its store alone; `previous` says where it belongs.
 */
import { PlaitError } from './errors.ts';
import type { KnownGenerations } from './generation.ts';
import type { ChainId, ForkId, GenerationHash, StoreId } from './ids.ts';
import { isHash, isStoreId, storeOf } from './ids.ts';
import { isCount, malformed } from './malformed.ts';
import type { ChainPoint } from './peer.ts';
import type { GenerationHeader, Vector } from './records.ts';
import { MAX_STORES, type MissingRange } from './vector.ts';

export interface Segment {
  chain: ChainId;
  /** The chain that it forks off; null where it begins with generation 1 and has no rival there. */
  parent: ChainId | null;
  /** Number of the generation before its first one: the last of `parent`. */
  after: number;
  /** The last that is held, and its hash. */
  generation: number;
  hash: GenerationHash;
}

/** Hash of a generation that is held, by its chain. */
export type HashAt = (chain: ChainId, generation: number) => GenerationHash | undefined;

/** Where a generation goes, and what changes for it. In this order: split, fork, insert. */
export interface Attachment {
  chain: ChainId;
  /** `chain` is new and forks off here. */
  fork?: { parent: ChainId; after: number };
  /** What stands behind the fork in `parent` becomes this chain first, its own forks included. */
  rest?: ChainId;
}

/** Up to where each of our chains is held by somebody; absent: nothing of it. */
export type Cover = Map<ChainId, number>;

/** An asker's vector in terms of our chains. */
export interface Expressed {
  cover: Cover;
  /** Taken to be ahead of us, for nothing speaks against it: it will see from our vector whether that is so. */
  assumed: StoreId[];
  /** Certainly not on one line with us; since when, the vector does not tell. */
  parted: StoreId[];
}

/** At most so many points may be told of one store, and of all together. Fewer only make answers longer. */
const MAX_STORE_POINTS = 1000;
const MAX_CHAIN_POINTS = 20_000;

const forkId = (store: StoreId, first: GenerationHash): ForkId => `${store}/${first}` as ForkId;

/** The chains of one volset, in memory; the generations themselves are looked up. */
export class Chains implements KnownGenerations {
  readonly #lookUp: HashAt;
  readonly #segments = new Map<ChainId, Segment>();
  readonly #byStore = new Map<StoreId, Segment[]>();

  constructor(segments: Iterable<Segment>, hashAt: HashAt) {
    this.#lookUp = hashAt;
    for (const segment of segments) this.#add({ ...segment });
  }

  vector(): Vector {
    const vector: Vector = {};
    for (const chain of [...this.#segments.keys()].sort()) {
      const { generation, hash } = this.#segments.get(chain) as Segment;
      vector[chain] = { generation, hash };
    }
    return vector;
  }

  segmentsOf(store: StoreId): readonly Segment[] {
    return this.#byStore.get(store) ?? [];
  }

  /** Largest number held of any of the store's chains; 0: none. */
  largest(store: StoreId): number {
    return this.segmentsOf(store).reduce((max, { generation }) => Math.max(max, generation), 0);
  }

  holds(store: StoreId, generation: number, hash: GenerationHash): boolean {
    return this.find(store, generation, hash) !== undefined;
  }

  /** The chain that a generation stands in. */
  find(store: StoreId, generation: number, hash: GenerationHash): ChainId | undefined {
    return this.#at(store, generation).find((held) => held.hash === hash)?.chain;
  }

  /**
   * Places a generation that is not held. The caller does the same to the generations before it places the next.
   * Throws `protocol` (reason `gap`) where the one before it is not held.
   */
  attach({ store, generation, previous, hash }: GenerationHeader): Attachment {
    const after = generation - 1;
    const parent = after === 0 ? store : this.find(store, after, previous);
    if (parent === undefined) return gap(store, generation, previous);
    const segment = this.#segments.get(parent);
    const rest =
      segment !== undefined && segment.generation > after ? this.#split(segment, after, previous) : undefined;
    if (rest === undefined && !this.#isForked(parent)) {
      if (segment) Object.assign(segment, { generation, hash });
      else this.#add({ chain: store, parent: null, after: 0, generation, hash });
      return { chain: parent };
    }
    const chain = forkId(store, hash);
    this.#add({ chain, parent, after, generation, hash });
    return { chain, fork: { parent, after }, ...(rest && { rest }) };
  }

  /** What of ours a vector covers, told by hashes alone: entries that we cannot place are left out. */
  cover(vector: Vector): Cover {
    const cover: Cover = new Map();
    for (const entry of entriesOf(vector)) {
      const ours = this.#findEntry(entry);
      if (ours !== undefined) this.addTo(cover, ours, entry[1].generation);
    }
    return cover;
  }

  /** Adds a chain up to `generation`, and what stands in front of it. */
  addTo(cover: Cover, chain: ChainId, generation: number): void {
    if ((cover.get(chain) ?? 0) < generation) cover.set(chain, generation);
    for (let at = this.#segments.get(chain); at?.parent; at = this.#segments.get(at.parent)) {
      if (this.#segments.has(at.parent)) cover.set(at.parent, at.after);
    }
  }

  /** As `cover`, for somebody who asks what it lacks. Of stores in `points` nothing is assumed. */
  express(theirs: Vector, points: Record<StoreId, ChainPoint[]> = {}): Expressed {
    const expressed: Expressed = { cover: this.cover(theirs), assumed: [], parted: [] };
    for (const [store, entries] of Map.groupBy(entriesOf(theirs), ([chain]) => storeOf(chain))) {
      if (!Object.hasOwn(points, store)) this.#assume(expressed, store, entries);
    }
    for (const [store, list] of Object.entries(points) as [StoreId, ChainPoint[]][]) {
      for (const [generation, hash] of list) {
        const ours = this.find(store, generation, hash);
        if (ours !== undefined) this.addTo(expressed.cover, ours, generation);
      }
    }
    return expressed;
  }

  #assume({ cover, assumed, parted }: Expressed, store: StoreId, entries: Entry[]): void {
    const unknown = entries.filter((entry) => this.#findEntry(entry) === undefined);
    const begins = unknown.length > 0 ? this.#beginnings(store, entries) : undefined;
    for (const [chain, { generation }] of unknown) {
      const begin = begins?.get(chain);
      if (begin === undefined) continue;
      const segment = this.#segments.get(begin);
      if (segment === undefined || this.#isForked(begin) || segment.generation >= generation) {
        if (!parted.includes(store)) parted.push(store);
      } else {
        if (!assumed.includes(store)) assumed.push(store);
        this.addTo(cover, begin, segment.generation);
      }
    }
  }

  /** What we hold beyond `cover`. */
  missing(cover: Cover): MissingRange[] {
    const ranges: MissingRange[] = [];
    for (const { chain, after, generation: to, hash } of this.#segments.values()) {
      const from = Math.max(cover.get(chain) ?? 0, after) + 1;
      if (from <= to) ranges.push({ store: storeOf(chain), from, to, hash });
    }
    return ranges;
  }

  /** How many generations `cover` has that `other` lacks. */
  countBeyond(cover: Cover, other: Cover): number {
    let count = 0;
    for (const [chain, to] of cover) {
      const after = this.#segments.get(chain)?.after ?? 0;
      count += Math.max(0, to - Math.max(after, other.get(chain) ?? 0));
    }
    return count;
  }

  /** Points of all chains of a store: first, last, and from the last backwards at distances 1, 2, 4, … */
  points(store: StoreId): ChainPoint[] {
    const points = this.segmentsOf(store).flatMap(({ chain, after, generation, hash }): ChainPoint[] => {
      const numbers: number[] = [];
      for (let back = 1; generation - back > after + 1; back *= 2) numbers.push(generation - back);
      if (generation > after + 1) numbers.push(after + 1);
      return [[generation, hash], ...numbers.map((g): ChainPoint => [g, this.#hashAt(chain, g)])];
    });
    return points.slice(0, MAX_STORE_POINTS);
  }

  /** Our chains in which theirs begin, by their names; what begins with a generation that we lack is left out. */
  #beginnings(store: StoreId, entries: Entry[]): Map<ChainId, ChainId> {
    const begins = new Map<ChainId, ChainId>();
    if (this.#byStore.has(store)) begins.set(store, store);
    // A chain begins behind one that ends at a fork: another entry, or none where the first generations are rivals.
    for (const end of new Set([0, ...entries.map(([, { generation }]) => generation)])) {
      for (const { chain, hash } of this.#at(store, end + 1)) begins.set(forkId(store, hash), chain);
    }
    return begins;
  }

  /** Mostly it is where they say: the same name, the same end. */
  #findEntry([chain, { generation, hash }]: Entry): ChainId | undefined {
    const segment = this.#segments.get(chain);
    if (segment?.hash === hash && segment.generation === generation) return chain;
    return this.find(storeOf(chain), generation, hash);
  }

  /** What is held under one number of a store: one generation for each of its chains that goes past there. */
  #at(store: StoreId, generation: number): { chain: ChainId; hash: GenerationHash }[] {
    return this.segmentsOf(store)
      .filter((segment) => segment.after < generation && generation <= segment.generation)
      .map(({ chain }) => ({ chain, hash: this.#hashAt(chain, generation) }));
  }

  #hashAt(chain: ChainId, generation: number): GenerationHash {
    const segment = this.#segments.get(chain);
    const hash = segment?.generation === generation ? segment.hash : this.#lookUp(chain, generation);
    if (hash !== undefined) return hash;
    throw new PlaitError('integrity', `Generation ${generation} of ${chain} is missing.`, {
      hint: 'Run `plait verify`.',
    });
  }

  #isForked(chain: ChainId): boolean {
    return this.segmentsOf(storeOf(chain)).some(({ parent }) => parent === chain);
  }

  #split(segment: Segment, after: number, hash: GenerationHash): ChainId {
    const { chain } = segment;
    const store = storeOf(chain);
    const rest = forkId(store, this.#hashAt(chain, after + 1));
    for (const other of this.segmentsOf(store)) if (other.parent === chain) other.parent = rest;
    this.#add({ ...segment, chain: rest, parent: chain, after });
    if (after > 0) {
      Object.assign(segment, { generation: after, hash });
    } else {
      this.#segments.delete(chain);
      this.#byStore.set(
        store,
        this.segmentsOf(store).filter((other) => other !== segment),
      );
    }
    return rest;
  }

  #add(segment: Segment): void {
    const store = storeOf(segment.chain);
    this.#segments.set(segment.chain, segment);
    const segments = this.#byStore.get(store);
    if (segments) segments.push(segment);
    else this.#byStore.set(store, [segment]);
  }
}

type Entry = [chain: ChainId, Vector[ChainId]];
const entriesOf = (vector: Vector): Entry[] => Object.entries(vector) as Entry[];

export function gap(store: StoreId, generation: number, previous: GenerationHash): never {
  return malformed(`generation ${generation} of store ${store} follows one that is not here`, {
    reason: 'gap',
    store,
    generation,
    previous,
  });
}

/** Throws `protocol` unless `value` is what `Chains.points` gives, by store. */
export function checkChainPoints(value: unknown): Record<StoreId, ChainPoint[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) malformed('points of chains are no object');
  const lists = Object.entries(value);
  if (lists.length > MAX_STORES) malformed('points of chains name too many stores');
  let left = MAX_CHAIN_POINTS;
  for (const [store, points] of lists) {
    if (!isStoreId(store) || !Array.isArray(points)) malformed('points of chains have another form');
    left -= points.length;
    if (left < 0) malformed('there are too many points of chains');
    if (!points.every(isPoint)) malformed('a point of a chain is no generation with its hash');
  }
  return value as Record<StoreId, ChainPoint[]>;
}

const isPoint = (point: unknown): boolean =>
  Array.isArray(point) && point.length === 2 && isCount(point[0]) && point[0] > 0 && isHash(point[1]);
