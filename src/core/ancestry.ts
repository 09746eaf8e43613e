/**
 * How two snapshots stand to each other. Walks go by depth (longest way to a root), deepest first: whatever can reach a
 * snapshot has been seen before it, so a walk ends as soon as nothing but shared history is left, whatever the clocks
 * of those who made the snapshots said.
 */
import { PlaitError } from './errors.ts';
import { Heap } from './heap.ts';
import type { SnapshotId } from './ids.ts';

/** What a store knows of a snapshot's place in history. Derived from bodies; never taken from a peer. */
export interface Lineage {
  parents: readonly SnapshotId[];
  /** 0 for a root, else 1 + the largest depth of the parents. */
  depth: number;
  /** Steps along first parents to a root. */
  line: number;
  /** An ancestor on the first-parent line, chosen so that following it is exponentially sparse; null for a root. */
  jump: SnapshotId | null;
}

/**
 * Pages through history: answers for each id that is known. A plain list of parents will do; depth is then worked out
 * down to the first snapshots for which it is given, or to the roots.
 */
export type AncestryLookup = (ids: SnapshotId[]) => Record<SnapshotId, readonly SnapshotId[] | Lineage>;

export interface Comparison {
  relation: 'equal' | 'ahead' | 'behind' | 'diverged' | 'unrelated';
  /** Newest common ancestor (of several, the largest id); null when there is none. */
  base: SnapshotId | null;
  /** Snapshots that only `current`, and only `target`, has in its history. */
  ahead: number;
  behind: number;
}

const CURRENT = 1;
const TARGET = 2;
const BOTH = CURRENT | TARGET;
/** In the history of a common ancestor. */
const BELOW = 4;

/** Throws `not-found` when either tip is unknown. */
export function compareTips(lookup: AncestryLookup, current: SnapshotId, target: SnapshotId): Comparison {
  if (current === target) return { relation: 'equal', base: current, ahead: 0, behind: 0 };
  const walk = new Walk(lookup);
  walk.start(current, CURRENT);
  walk.start(target, TARGET);
  let [ahead, behind] = [0, 0];
  let base: SnapshotId | null = null;
  for (let next = walk.pop(); next !== undefined; next = walk.pop()) {
    if (next.paint === CURRENT) ahead++;
    else if (next.paint === TARGET) behind++;
    else base ??= next.id;
    walk.pushParents(next.id, next.paint);
    if (base !== null && walk.queued(CURRENT) + walk.queued(TARGET) === 0) break;
  }
  const relation = base === null ? 'unrelated' : base === target ? 'ahead' : base === current ? 'behind' : 'diverged';
  return { relation, base, ahead, behind };
}

/** True for `ancestor === descendant` too. Unknown ids are nobody's ancestors. */
export function isAncestor(lookup: AncestryLookup, ancestor: SnapshotId, descendant: SnapshotId): boolean {
  if (ancestor === descendant) return true;
  const walk = new Walk(lookup);
  if (!walk.knows(ancestor) || !walk.knows(descendant)) return false;
  const floor = walk.depthOf(ancestor);
  walk.start(descendant, CURRENT);
  for (let next = walk.pop(); next !== undefined; next = walk.pop()) {
    if (next.id === ancestor) return true;
    if (walk.depthOf(next.id) > floor) walk.pushParents(next.id, CURRENT);
  }
  return false;
}

/** Newest common ancestor, or null: the base of a merge, the fork point of two lines. */
export const mergeBase = (lookup: AncestryLookup, a: SnapshotId, b: SnapshotId): SnapshotId | null =>
  compareTips(lookup, a, b).base;

/**
 * Common ancestors that are in the history of no other one, sorted: the bases of a merge. Several where two lines have
 * merged each other; none where nothing is shared. Throws as compareTips does.
 */
export function mergeBases(lookup: AncestryLookup, a: SnapshotId, b: SnapshotId): SnapshotId[] {
  const walk = new Walk(lookup);
  walk.start(a, CURRENT);
  walk.start(b, TARGET);
  const bases: SnapshotId[] = [];
  while (walk.queued(CURRENT) + walk.queued(TARGET) + walk.queued(BOTH) > 0) {
    const { id, paint } = walk.pop() as { id: SnapshotId; paint: number };
    if (paint === BOTH) bases.push(id);
    walk.pushParents(id, paint === BOTH ? BOTH | BELOW : paint);
  }
  return bases.sort();
}

/** What `tips` have in their history and `held` have not, children before parents. Unknown ids in `held` are ignored. */
export function newSince(lookup: AncestryLookup, tips: Iterable<SnapshotId>, held: Iterable<SnapshotId>): SnapshotId[] {
  const walk = new Walk(lookup);
  const [wanted, known] = [[...tips], [...held]];
  if (wanted.length === 0) return [];
  walk.preload([...wanted, ...known]);
  for (const id of wanted) walk.start(id, CURRENT);
  for (const id of known) if (walk.knows(id)) walk.start(id, TARGET);
  const fresh: SnapshotId[] = [];
  while (walk.queued(CURRENT) > 0) {
    const { id, paint } = walk.pop() as { id: SnapshotId; paint: number };
    if (paint === CURRENT) fresh.push(id);
    walk.pushParents(id, paint);
  }
  return fresh;
}

/** A queue of snapshots, deepest first; each is popped once, with the paint of all who reach it. */
export class Walk {
  /** How many queued snapshots have each paint. */
  readonly #queued = [0, 0, 0, 0, 0, 0, 0, 0];
  readonly #lookup: AncestryLookup;
  readonly #parents = new Map<SnapshotId, readonly SnapshotId[] | null>();
  readonly #depths = new Map<SnapshotId, number>();
  readonly #paint = new Map<SnapshotId, number>();
  readonly #heap = new Heap<SnapshotId>((a, b) => this.#before(a, b));

  constructor(lookup: AncestryLookup) {
    this.#lookup = lookup;
  }

  start(id: SnapshotId, paint: number): void {
    if (!this.knows(id)) {
      throw new PlaitError('not-found', `Snapshot ${id.slice(0, 12)} is not known here.`, { hint: 'Fetch it first.' });
    }
    this.#push(id, paint);
  }

  /** Many at once cost one look-up instead of one each. */
  preload(ids: readonly SnapshotId[]): void {
    this.#load(ids);
  }

  queued(paint: number): number {
    return this.#queued[paint];
  }

  knows(id: SnapshotId): boolean {
    return this.#parentsOf(id) !== null;
  }

  pop(): { id: SnapshotId; paint: number } | undefined {
    const id = this.#heap.pop();
    if (id === undefined) return undefined;
    const paint = this.#paint.get(id) ?? 0;
    this.#queued[paint]--;
    return { id, paint };
  }

  /** Parents that are absent (cut off by compaction) end the walk there. */
  pushParents(id: SnapshotId, paint: number): void {
    const parents = this.#parentsOf(id) ?? [];
    this.#load(parents);
    for (const parent of parents) if (this.knows(parent)) this.#push(parent, paint);
  }

  depthOf(id: SnapshotId): number {
    const todo = [id];
    for (let top = todo.at(-1); top !== undefined; top = todo.at(-1)) {
      const parents = this.#depths.has(top) ? [] : (this.#parentsOf(top) ?? []);
      if (!this.#depths.has(top)) this.#load(parents);
      const open = parents.filter((parent) => this.knows(parent) && !this.#depths.has(parent));
      if (open.length > 0) todo.push(...open);
      else {
        todo.pop();
        if (!this.#depths.has(top)) this.#depths.set(top, this.#depthOver(parents));
      }
    }
    return this.#depths.get(id) as number;
  }

  #depthOver(parents: readonly SnapshotId[]): number {
    return parents.reduce((depth, parent) => Math.max(depth, 1 + (this.#depths.get(parent) ?? -1)), 0);
  }

  #parentsOf(id: SnapshotId): readonly SnapshotId[] | null {
    if (!this.#parents.has(id)) this.#load([id]);
    return this.#parents.get(id) ?? null;
  }

  #load(ids: readonly SnapshotId[]): void {
    const wanted = ids.filter((id) => !this.#parents.has(id));
    if (wanted.length === 0) return;
    const found = this.#lookup(wanted);
    for (const id of wanted) {
      const known = Object.hasOwn(found, id) ? found[id] : null;
      const isList = (value: typeof known): value is readonly SnapshotId[] => Array.isArray(value);
      this.#parents.set(id, known === null || isList(known) ? known : known.parents);
      if (known !== null && !isList(known)) this.#depths.set(id, known.depth);
    }
  }

  #push(id: SnapshotId, paint: number): void {
    const before = this.#paint.get(id) ?? 0;
    const after = before | paint;
    this.#paint.set(id, after);
    this.#queued[after]++;
    // Nothing that is queued late was popped before: whoever pushes it is deeper.
    if (before !== 0) this.#queued[before]--;
    else this.#heap.push(id);
  }

  /** Deeper first; at one depth the larger id, so that every store walks alike. */
  #before(a: SnapshotId, b: SnapshotId): boolean {
    const [x, y] = [this.depthOf(a), this.depthOf(b)];
    return x === y ? a > b : x > y;
  }
}

/** Where a new snapshot stands, given what is known of its parents. */
export function lineageOf(parents: readonly SnapshotId[], lookup: (id: SnapshotId) => Lineage | undefined): Lineage {
  const known = parents.map(lookup);
  const depth = known.reduce((max, parent) => Math.max(max, 1 + (parent?.depth ?? -1)), 0);
  const first = known[0];
  if (first === undefined) return { parents, depth, line: 0, jump: null };
  return { parents, depth, line: first.line + 1, jump: jumpOver(parents[0], first, lookup) };
}

/** Two jumps of equal length become one of twice the length: any ancestor is then O(log n) jumps away. */
function jumpOver(id: SnapshotId, parent: Lineage, lookup: (id: SnapshotId) => Lineage | undefined): SnapshotId {
  const near = parent.jump === null ? undefined : lookup(parent.jump);
  if (near === undefined) return id;
  const far = near.jump === null ? near : lookup(near.jump);
  if (far === undefined) return id;
  return parent.line - near.line === near.line - far.line ? (near.jump ?? (parent.jump as SnapshotId)) : id;
}
