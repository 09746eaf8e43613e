/**
 * Where each snapshot of a history stands in its graph, and which lines run past it; pure. Rows come newest first, a
 * snapshot after its children wherever clocks allow. Between two rows each lane holds one line, which leads to one
 * snapshot further down; lines to the same snapshot become one, in the leftmost of their lanes, so that a line of first
 * parents stays where it is. What has no lane shares the last, which is folded.
 */

export interface GraphRow {
  readonly id: string;
  readonly parents: readonly string[];
}

/** Within one row: from its upper border or its node, to its lower border or its node. */
export interface Edge {
  from: number | 'node';
  to: number | 'node';
  /** The parent that the line leads to; absent in the folded lane, which holds many. */
  target?: string;
}

export interface Laid {
  /** Lane of the node. */
  column: number;
  edges: Edge[];
  /** Parents that stand further up already, where clocks went wrong: no line leads there. */
  above: string[];
  /** Lanes in use, from the left. */
  width: number;
}

export const MAX_LANES = 12;

export class Lanes {
  readonly #fold: number;
  /** What each lane leads to. */
  readonly #lanes: (string | undefined)[] = [];
  readonly #laneOf = new Map<string, number>();
  readonly #folded = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(most = MAX_LANES) {
    this.#fold = most - 1;
  }

  /** Lays the next row. */
  add({ id, parents }: GraphRow): Laid {
    this.#seen.add(id);
    const edges: Edge[] = [];
    const column = this.#columnOf(id, edges);
    const passing = this.#lanes.flatMap((target, lane) => (target === undefined ? [] : [{ lane, target }]));
    const foldedBefore = this.#folded.size > 0;
    const unseen = [...new Set(parents)].filter((parent) => !this.#seen.has(parent));
    // Parents of a merge are sorted: its own lane goes on with one that has none yet.
    const own = unseen.find((parent) => !this.#laneOf.has(parent)) ?? unseen[0];
    for (const parent of new Set(own === undefined ? [] : [own, ...unseen]))
      edges.push({
        from: 'node',
        to: this.#lineTo(parent, parent === own ? column : undefined, edges),
        target: parent,
      });
    // A line may have moved to the left, to a lane of this row.
    for (const { lane, target } of passing)
      edges.push({ from: lane, to: this.#laneOf.get(target) ?? this.#fold, target });
    if (foldedBefore && this.#folded.size > 0) edges.push({ from: this.#fold, to: this.#fold });
    return {
      column,
      edges,
      above: parents.filter((parent) => !unseen.includes(parent)),
      width: widthOf(column, edges),
    };
  }

  /** Where the line to it comes in; else the first free lane: it is a tip. */
  #columnOf(id: string, edges: Edge[]): number {
    const lane = this.#laneOf.get(id);
    if (lane !== undefined) {
      this.#free(id, lane);
      edges.push({ from: lane, to: 'node', target: id });
      return lane;
    }
    if (this.#folded.delete(id)) {
      edges.push({ from: this.#fold, to: 'node', target: id });
      return this.#fold;
    }
    return this.#freeLane();
  }

  /** Lane of the line to `parent`; that of a first parent stays in its child's, unless it runs further left already. */
  #lineTo(parent: string, own: number | undefined, edges: Edge[]): number {
    const there = this.#laneOf.get(parent);
    if (there !== undefined && (own === undefined || there < own)) return there;
    const lane = own === undefined || own === this.#fold ? this.#freeLane() : own;
    if (there !== undefined) this.#free(parent, there);
    if (this.#folded.has(parent)) {
      if (own === undefined || lane === this.#fold) return this.#fold;
      this.#folded.delete(parent);
      edges.push({ from: this.#fold, to: lane, target: parent });
    }
    if (lane === this.#fold) this.#folded.add(parent);
    else this.#take(parent, lane);
    return lane;
  }

  #take(id: string, lane: number): void {
    this.#lanes[lane] = id;
    this.#laneOf.set(id, lane);
  }

  #free(id: string, lane: number): void {
    this.#lanes[lane] = undefined;
    this.#laneOf.delete(id);
  }

  #freeLane(): number {
    for (let lane = 0; lane < this.#fold; lane++) if (this.#lanes[lane] === undefined) return lane;
    return this.#fold;
  }
}

function widthOf(column: number, edges: Edge[]): number {
  const used = edges.flatMap(({ from, to }) => [from, to]).filter((at) => at !== 'node');
  return 1 + Math.max(column, ...used);
}
