/** Which of the wanted objects go as deltas, which together in one frame, and against which bytes of the base. */
import type { BasePiece, NodeSource, ObjectRef } from '../blob/contract.ts';
import type { Manifest, ReachedFile } from '../blob/manifest/contract.ts';
import { MAX_DELTA_BASE, MAX_DELTA_RAW } from '../core/delta-limits.ts';
import { hex, KIND, unhex } from '../core/hash.ts';
import type { NodeId } from '../core/ids.ts';
import { Alignment } from './delta-align.ts';
import type { Run } from './delta-directory.ts';
import type { ChunkDelta, DeltaFile, NodeDelta } from './delta-format.ts';
import { asDictionary, bytesOf } from './delta-resolve.ts';
import type { Wanted } from './select.ts';

/** A larger dictionary takes more time than it saves bytes; one chunk may need more (docs/design.md, "Transfer"). */
const BASE = 192 * 1024;
const NODES = 8;
const TARGETS = 1024;
/** Characters of the paths of one frame, so that a directory stays small. */
const PATHS = 64 * 1024;

interface Planned<T> {
  delta: Omit<T, 'frame'>;
  targets: ObjectRef[];
  /** Bytes of the targets. */
  raw: number;
  base: BasePiece[];
}
export type PlannedNodes = Planned<NodeDelta>;
export type PlannedChunks = Planned<ChunkDelta>;

export interface PlanContext {
  manifest: Manifest;
  nodes: NodeSource;
  /** Takes what has no counterpart in the base. */
  plain: (ref: ObjectRef) => void;
}

/** New nodes against those that the base has over the same keys. */
export function* planNodes(wanted: Iterable<Wanted>, { nodes, plain }: PlanContext): Generator<PlannedNodes> {
  let group = new NodeGroup(nodes);
  for (const ref of wanted) {
    if (!ref.over) plain(ref);
    else if (!group.add(ref, ref.over)) {
      if (group.targets.length > 0) yield group.end();
      group = new NodeGroup(nodes);
      if (!group.add(ref, ref.over)) plain(ref);
    }
  }
  if (group.targets.length > 0) yield group.end();
}

class NodeGroup {
  readonly targets: Wanted[] = [];
  readonly #lengths: number[] = [];
  readonly #base = new Map<NodeId, number>();
  readonly #nodes: NodeSource;
  #bytes = 0;
  #raw = 0;

  constructor(nodes: NodeSource) {
    this.#nodes = nodes;
  }

  /** False when it is full, or would never fit. */
  add(ref: Wanted, over: NodeId[]): boolean {
    const fresh = over.filter((id) => !this.#base.has(id)).map((id): [NodeId, number] => [id, this.#length(id)]);
    const bytes = fresh.reduce((sum, [, length]) => sum + length, this.#bytes);
    const length = this.#nodes.readNode(hex(ref.id) as NodeId).length;
    const full = this.targets.length >= NODES || bytes > BASE || this.#raw + length > MAX_DELTA_RAW;
    if (full && (this.targets.length > 0 || bytes > MAX_DELTA_BASE)) return false;
    for (const [id, size] of fresh) this.#base.set(id, size);
    this.#bytes = bytes;
    this.#raw += length;
    this.targets.push(ref);
    this.#lengths.push(length);
    return true;
  }

  #length(id: NodeId): number {
    return this.#nodes.readNode(id).length;
  }

  end(): PlannedNodes {
    const targets = this.targets.map((ref, n) => ({ id: hex(ref.id) as NodeId, length: this.#lengths[n] }));
    const pieces = [...this.#base].map(([id, length]) => ({ kind: KIND.node, id: unhex(id), start: 0, length }));
    return { delta: { targets, base: [...this.#base.keys()] }, targets: this.targets, raw: this.#raw, base: pieces };
  }
}

/** Chunks of changed files against the old file's bytes, in the order of the tree. */
export function* planChunks(wanted: Iterable<Wanted>, context: PlanContext): Generator<PlannedChunks> {
  let group = new ChunkGroup();
  let current: { file: ReachedFile; alignment: Alignment } | undefined;
  for (const ref of wanted) {
    const { at, length } = ref;
    if (!at || length === undefined) {
      context.plain(ref);
      continue;
    }
    if (current?.file !== at.file) {
      current = { file: at.file, alignment: new Alignment(context.manifest, context.nodes, at.file) };
    }
    const run = current.alignment.slice(at, length);
    if (!run) {
      context.plain(ref);
      continue;
    }
    if (group.full(at.file, run, length)) {
      yield group.end(context);
      group = new ChunkGroup();
    }
    group.add(ref, at.file, at.index, run, length);
  }
  if (group.targets.length > 0) yield group.end(context);
}

class ChunkGroup {
  readonly targets: Wanted[] = [];
  readonly #files: { from: ReachedFile; file: DeltaFile }[] = [];
  #raw = 0;
  #bytes = 0;
  #paths = 0;

  full(file: ReachedFile, run: Run, length: number): boolean {
    const { from, file: last } = this.#files.at(-1) ?? {};
    const known = from === file && last ? lengthOf(last.pieces) : 0;
    const joined = from === file && last ? lengthOf(joinRuns(last.pieces, run)) : run[1];
    if (this.targets.length === 0) return false;
    return (
      this.targets.length >= TARGETS ||
      this.#bytes + joined - known > BASE ||
      this.#raw + length > MAX_DELTA_RAW ||
      this.#paths + file.path.length > PATHS
    );
  }

  add(ref: Wanted, from: ReachedFile, index: number, run: Run, length: number): void {
    let last = this.#files.at(-1);
    if (last?.from !== from) {
      last = { from, file: { path: from.path, base: from.path, targets: [], pieces: [] } };
      this.#files.push(last);
      this.#paths += from.path.length;
    }
    const { file } = last;
    this.#bytes -= lengthOf(file.pieces);
    file.pieces = joinRuns(file.pieces, run);
    file.targets = joinRuns(file.targets, [index, 1]);
    this.#bytes += lengthOf(file.pieces);
    this.#raw += length;
    this.targets.push(ref);
  }

  end(context: PlanContext): PlannedChunks {
    const base = asDictionary(this.#pieces(context));
    const files = this.#files.map(({ from, file }) => ({ ...file, pieces: file.pieces.map(toEnd(from.before.size)) }));
    return { delta: { files }, targets: this.targets, raw: this.#raw, base };
  }

  *#pieces(context: PlanContext): Generator<BasePiece> {
    for (const { from, file } of this.#files)
      for (const run of file.pieces) yield* bytesOf(context, from.before.content, run);
  }
}

const toEnd =
  (size: number) =>
  ([start, count]: Run): Run => [start, start + count === size ? 0 : count];

const lengthOf = (runs: Run[]): number => runs.reduce((sum, [, length]) => sum + length, 0);

/** With one more; it joins the last one where the two overlap or touch. */
function joinRuns(runs: Run[], [start, count]: Run): Run[] {
  const last = runs.at(-1);
  if (!last || start < last[0] || start > last[0] + last[1]) return [...runs, [start, count]];
  return [...runs.slice(0, -1), [last[0], Math.max(last[0] + last[1], start + count) - last[0]]];
}
